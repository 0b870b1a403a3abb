#pragma once

#include <caropig/loop/clock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

/// \file
/// Whoever may try passwords as fast as the server answers finds the weak ones. A throttle counts attempts for each
/// key, an account's name or a client's network, and says how long to wait.
namespace caropig::web {

/// How much is allowed: `ThrottleOptions(5, std::chrono::minutes(1))`.
class ThrottleOptions {
public:
    /// `attempts` at once, after which one more is gained each `period` / `attempts`: never more than twice as many in
    /// any period. Both are above 0 (std::invalid_argument).
    ThrottleOptions(unsigned attempts, Duration period);

    /// Keys that are remembered, 100,000 unless set: about 20 MB. With more of them the one that was not used for
    /// longest is forgotten: better than refusing everybody, and a client that floods is limited by its own address.
    ThrottleOptions& max_keys(std::size_t count) noexcept {
        max_keys_ = count;
        return *this;
    }

    [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }
    [[nodiscard]] Duration period() const noexcept { return period_; }
    [[nodiscard]] std::size_t max_keys() const noexcept { return max_keys_; }

private:
    unsigned attempts_;
    Duration period_;
    std::size_t max_keys_ = 100'000;
};

/// Counts attempts by key; shared by all workers, all functions from any thread. Times are Loop::now()'s.
///
/// Take before the attempt and give back what succeeded: counting failures afterwards would let any number of attempts
/// through that are made at the same time.
class Throttle {
public:
    explicit Throttle(const ThrottleOptions& options);

    /// Counts an attempt and gives zero; or counts nothing, and gives how long until one is allowed.
    [[nodiscard]] Duration take(std::string_view key, TimePoint now);
    /// Uncounts one attempt.
    void give_back(std::string_view key);
    /// Uncounts all of this key's.
    void forget(std::string_view key);

    /// Keys that are remembered.
    [[nodiscard]] std::size_t size() const;

private:
    struct Entry {
        std::string key;
        TimePoint used_up;  // when all attempts that were taken will have been gained again
    };
    using Entries = std::list<Entry>;

    Duration period_;
    Duration cost_;  // the time in which one attempt is gained
    std::size_t max_keys_;
    mutable std::mutex mutex_;
    Entries entries_;  // the last used in front
    std::unordered_map<std::string_view, Entries::iterator> places_;
};

/// What to send as Retry-After: whole seconds, rounded up.
[[nodiscard]] std::int64_t retry_after_seconds(Duration wait) noexcept;

/// The key for a client's address (Request::remote_ip()): an IPv4 address itself; of an IPv6 address the first 64 bits,
/// since a single client has all the rest; any other text as it is. Behind a proxy that is not trusted
/// (server::ProxyOptions) all clients have the proxy's address, and on a Unix-domain socket "unix": limit addresses at
/// the proxy then, or one client locks out all others.
[[nodiscard]] std::string client_network(const std::string& ip);

}  // namespace caropig::web
