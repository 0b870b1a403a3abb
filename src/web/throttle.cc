#include "web/crypto.h"
#include <caropig/web/throttle.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>

namespace caropig::web {
namespace {

/// Longer keys are remembered by their digest: a client may choose them, and memory is bounded.
constexpr std::size_t kMaxKeyBytes = 64;

std::string short_key(std::string_view key) {
    return key.size() > kMaxKeyBytes ? "sha256:" + crypto::sha256(key) : std::string(key);
}

}  // namespace

ThrottleOptions::ThrottleOptions(unsigned attempts, Duration period) : attempts_(attempts), period_(period) {
    if (attempts == 0 || period / attempts <= Duration::zero()) {
        throw std::invalid_argument("a throttle allows 1 attempt or more in a period, one each nanosecond at most");
    }
}

Throttle::Throttle(const ThrottleOptions& options)
    : period_(options.period()), cost_(options.period() / options.attempts()), max_keys_(options.max_keys()) {}

Duration Throttle::take(std::string_view key, TimePoint now) {
    std::string text = short_key(key);
    std::lock_guard lock(mutex_);
    auto found = places_.find(text);
    if (found == places_.end()) {
        entries_.push_front(Entry{std::move(text), now});
        found = places_.emplace(entries_.front().key, entries_.begin()).first;
    } else {
        entries_.splice(entries_.begin(), entries_, found->second);
    }
    Entry& entry = *found->second;
    TimePoint used_up = std::max(entry.used_up, now) + cost_;
    Duration wait = std::max(used_up - now - period_, Duration::zero());
    if (wait == Duration::zero()) entry.used_up = used_up;
    if (entries_.size() > max_keys_) {
        places_.erase(entries_.back().key);
        entries_.pop_back();
    }
    return wait;
}

void Throttle::give_back(std::string_view key) {
    std::string text = short_key(key);
    std::lock_guard lock(mutex_);
    if (auto found = places_.find(text); found != places_.end()) found->second->used_up -= cost_;
}

void Throttle::forget(std::string_view key) {
    std::string text = short_key(key);
    std::lock_guard lock(mutex_);
    auto found = places_.find(text);
    if (found == places_.end()) return;
    auto place = found->second;
    places_.erase(found);  // first: its key is a view of the entry's
    entries_.erase(place);
}

std::size_t Throttle::size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

std::int64_t retry_after_seconds(Duration wait) noexcept {
    return std::chrono::ceil<std::chrono::seconds>(wait).count();
}

std::string client_network(const std::string& ip) {
    std::array<unsigned char, 16> address{};
    if (inet_pton(AF_INET6, ip.c_str(), address.data()) != 1) return ip;
    constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) return ip;  // IPv4 on a socket for both
    std::fill(address.begin() + 8, address.end(), static_cast<unsigned char>(0));
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    return std::string(text.data()) + "/64";
}

}  // namespace caropig::web
