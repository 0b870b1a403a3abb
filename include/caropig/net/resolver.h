#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/clock.h>
#include <caropig/net/address.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Finding the addresses of a name. The system's own function for it blocks the thread; this one waits on the loop.
namespace caropig {
class Loop;
}

namespace caropig::net {

class ResolverCache;

class ResolverOptions {
public:
    /// How long the first attempt waits for an answer of a server; each further one waits twice as long.
    ResolverOptions& timeout(Duration per_attempt) noexcept {
        timeout_ = per_attempt;
        return *this;
    }
    [[nodiscard]] Duration timeout() const noexcept { return timeout_; }

    /// How often each server is asked, since a datagram may be lost.
    ResolverOptions& tries(int count) noexcept {
        tries_ = count;
        return *this;
    }
    [[nodiscard]] int tries() const noexcept { return tries_; }

    /// Whom to ask instead of the machine's servers: "192.0.2.1,[2001:db8::1]:5353".
    ResolverOptions& servers(std::string list) {
        servers_ = std::move(list);
        return *this;
    }
    [[nodiscard]] const std::string& servers() const noexcept { return servers_; }

    /// Of how many names the answers are kept, for as long as they say themselves and max_ttl() allows; 0: of none.
    /// 1000 unless set, some 200 bytes each. That there is no answer is never kept.
    ResolverOptions& cache_entries(std::size_t count) noexcept {
        cache_entries_ = count;
        return *this;
    }
    [[nodiscard]] std::size_t cache_entries() const noexcept { return cache_entries_; }

    /// Longer than this no answer is believed, whatever it says: an address that was moved by mistake is back in time.
    /// 5 min unless set.
    ResolverOptions& max_ttl(Duration limit) noexcept {
        max_ttl_ = limit;
        return *this;
    }
    [[nodiscard]] Duration max_ttl() const noexcept { return max_ttl_; }

    /// Gives `name` these addresses, literals, and asks nobody for it; as curl's --resolve. Throws
    /// std::invalid_argument for what is no address, and for none.
    ResolverOptions& answer(std::string_view name, const std::vector<std::string>& literals);
    /// By name in lower case.
    [[nodiscard]] const std::map<std::string, std::vector<Address>>& answers() const noexcept { return answers_; }

private:
    Duration timeout_ = std::chrono::seconds(2);
    Duration max_ttl_ = std::chrono::minutes(5);
    std::size_t cache_entries_ = 1000;
    std::map<std::string, std::vector<Address>> answers_;
    int tries_ = 2;
    std::string servers_;
};

/// Resolves names by /etc/hosts and DNS (c-ares), without a thread. Used on its loop's thread. It costs nothing until
/// the first name that needs more than a literal is resolved. Once it is destroyed, what it still resolves ends with
/// an IoError.
///
/// The file is read anew for each name that is not cached, and when it changes the cache is emptied. Whoever asks for a
/// name that is being asked for waits for the same answer.
class Resolver {
public:
    explicit Resolver(Loop& loop, ResolverOptions options = {});
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    ~Resolver();

    /// All IPv6 and IPv4 addresses of `host`, at least one, each with `port`, in the order of preference (RFC 6724).
    /// What ResolverOptions::answer() says goes first. Address literals are taken as they are; "localhost" and names
    /// below it are ::1 and 127.0.0.1 (RFC 6761). Throws IoError ("resolve nosuch.invalid: Domain name not found"),
    /// TimeoutError when no server answers in time, Cancelled. Cancel-safe.
    Task<std::vector<Address>> resolve(std::string host, std::uint16_t port);

    [[nodiscard]] Loop& loop() const noexcept { return loop_; }

private:
    class Channel;
    struct Query;
    Loop& loop_;
    ResolverOptions options_;
    std::unique_ptr<ResolverCache> cache_;
    std::map<std::string, std::shared_ptr<Query>> queries_;  // that somebody waits for
    std::unique_ptr<Channel> channel_;                       // made when it is first needed
};

}  // namespace caropig::net
