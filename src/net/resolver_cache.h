#pragma once

#include <caropig/loop/clock.h>
#include <caropig/net/address.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::net {

/// What name servers have answered, for as long as they allow. Names are in lower case. A new version of the hosts
/// file empties it: what that says goes before.
class ResolverCache {
public:
    /// Holds up to `max_entries` names, each for `max_ttl` at most.
    ResolverCache(std::size_t max_entries, Duration max_ttl, std::string hosts_file)
        : max_entries_(max_entries), max_ttl_(max_ttl), hosts_file_(std::move(hosts_file)) {}

    /// Null: nothing is known of it (any more). Valid until the next call.
    [[nodiscard]] const std::vector<Address>* find(std::string_view name, TimePoint now);

    /// Where it is full, what would expire first goes. A `ttl` of zero is not kept.
    void put(const std::string& name, std::vector<Address> addresses, Duration ttl, TimePoint now);

private:
    struct Entry {
        std::vector<Address> addresses;
        TimePoint expires;
    };
    /// What tells one version of a file from another.
    struct Version {
        std::uint64_t inode = 0;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        std::int64_t size = -1;
        bool operator==(const Version&) const = default;
    };
    [[nodiscard]] Version version() const noexcept;
    void forget_if_changed();

    std::size_t max_entries_;
    Duration max_ttl_;
    std::string hosts_file_;
    Version version_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace caropig::net
