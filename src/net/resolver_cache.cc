#include "net/resolver_cache.h"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace caropig::net {

const std::vector<Address>* ResolverCache::find(std::string_view name, TimePoint now) {
    if (entries_.empty()) return nullptr;
    forget_if_changed();
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    if (found->second.expires > now) return &found->second.addresses;
    entries_.erase(found);
    return nullptr;
}

void ResolverCache::put(const std::string& name, std::vector<Address> addresses, Duration ttl, TimePoint now) {
    ttl = std::min(ttl, max_ttl_);
    if (max_entries_ == 0 || ttl <= Duration::zero()) return;
    forget_if_changed();
    entries_.erase(name);
    if (entries_.size() >= max_entries_) {
        entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.expires; }));
    }
    entries_.emplace(name, Entry{std::move(addresses), now + ttl});
}

ResolverCache::Version ResolverCache::version() const noexcept {
    struct stat status{};
    if (::stat(hosts_file_.c_str(), &status) != 0) return {};
    return {status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size};
}

void ResolverCache::forget_if_changed() {
    const Version now = version();
    if (now == version_) return;
    entries_.clear();
    version_ = now;
}

}  // namespace caropig::net
