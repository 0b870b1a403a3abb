#include "loop/backend.h"
#include "net/resolver_cache.h"
#include <caropig/async/event.h>
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/net/resolver.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <unordered_map>

#include <ares.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace caropig::net {
namespace {

class AresCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "dns"; }
    [[nodiscard]] std::string message(int status) const override { return ::ares_strerror(status); }
};

std::error_code ares_code(int status) noexcept {
    static const AresCategory category;
    return {status, category};
}

/// c-ares wants to be initialized once, before the first channel.
void initialize_ares() {
    static const int status = ::ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS) throw IoError(ares_code(status), "initialize c-ares");
}

bool is_localhost(std::string_view host) {
    constexpr std::string_view kName = "localhost";
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.size() < kName.size()) return false;
    std::string_view tail = host.substr(host.size() - kName.size());
    bool same = std::ranges::equal(tail, kName, {}, [](unsigned char c) { return std::tolower(c); });
    return same && (tail.size() == host.size() || host[host.size() - kName.size() - 1] == '.');
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::vector<Address> with_port(std::vector<Address> addresses, std::uint16_t port) {
    for (Address& address : addresses) address.set_port(port);
    return addresses;
}

}  // namespace

/// What is being asked. Shared by the waiting tasks and c-ares, so that either may go first.
struct Resolver::Query {
    Query(Resolver& resolver, std::string asked) : owner(resolver), name(std::move(asked)) {}

    Resolver& owner;
    std::string name;
    Event done;
    int status = ARES_SUCCESS;
    std::vector<Address> addresses;
    Duration ttl = Duration::max();

    /// c-ares calls this once for every query, whether or not somebody still waits.
    static void finished(void* argument, int status, int /*timeouts*/, ares_addrinfo* answer) {
        std::unique_ptr<std::shared_ptr<Query>> owned(static_cast<std::shared_ptr<Query>*>(argument));
        Query& query = **owned;
        query.status = status;
        if (answer != nullptr) {
            for (auto* node = answer->nodes; node != nullptr; node = node->ai_next) {
                auto address = Address::from_sockaddr(node->ai_addr, node->ai_addrlen);
                if (address) query.addresses.push_back(*address);
                query.limit_ttl(node->ai_ttl);
            }
            for (auto* alias = answer->cnames; alias != nullptr; alias = alias->next) query.limit_ttl(alias->ttl);
            ::ares_freeaddrinfo(answer);
        }
        query.owner.queries_.erase(query.name);
        if (status == ARES_SUCCESS && !query.addresses.empty()) {
            query.owner.cache_->put(query.name, query.addresses, query.ttl, query.owner.loop_.now());
        }
        query.done.set();
    }
    void limit_ttl(int seconds) noexcept { ttl = std::min<Duration>(ttl, std::chrono::seconds(std::max(seconds, 0))); }
};

/// A channel of c-ares with its sockets and its deadline on the loop.
class Resolver::Channel {
public:
    Channel(Loop& loop, const ResolverOptions& options) : loop_(loop), timer_(*this) {
        initialize_ares();
        ares_options settings{};
        settings.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.timeout()).count());
        settings.tries = options.tries();
        settings.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
            static_cast<Channel*>(self)->watch(fd, read != 0, write != 0);
        };
        settings.sock_state_cb_data = this;
        int status =
            ::ares_init_options(&channel_, &settings, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
        if (status != ARES_SUCCESS) throw IoError(ares_code(status), "set up the resolver");
        if (options.servers().empty()) return;
        status = ::ares_set_servers_ports_csv(channel_, options.servers().c_str());
        if (status != ARES_SUCCESS) {
            ::ares_destroy(channel_);
            throw IoError(ares_code(status), "use the DNS servers " + options.servers());
        }
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() { ::ares_destroy(channel_); }

    void start(const std::string& host, std::shared_ptr<Query> query) {
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;  // each address once
        auto argument = std::make_unique<std::shared_ptr<Query>>(std::move(query));
        ::ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Query::finished, argument.release());
        arm_timer();
    }

private:
    /// A socket of c-ares. It frees itself once c-ares has closed it and no operation is pending.
    struct Watch {
        struct Poll : PollOperation {
            Poll(Watch& watch, bool writes) noexcept
                : PollOperation([](Operation& self) noexcept { static_cast<Poll&>(self).owner.ready(self); }),
                  owner(watch) {
                write = writes;
            }
            Watch& owner;
        };

        Watch(Channel& owner, int descriptor) noexcept : channel(&owner), fd(descriptor) {
            read.fd = write.fd = descriptor;
        }
        void ready(Operation& operation) noexcept {
            if (channel == nullptr) {
                free_if_done();
            } else if (operation.result == 0) {
                channel->process(fd, &operation == &read);
            }
        }
        void free_if_done() noexcept {
            if (!read.pending() && !write.pending()) delete this;
        }

        Channel* channel;
        int fd;
        Poll read{*this, false};
        Poll write{*this, true};
        bool wants_read = false;
        bool wants_write = false;
    };
    struct Deadline : Timer {
        explicit Deadline(Channel& channel) noexcept
            : Timer([](Timer& self) noexcept { static_cast<Deadline&>(self).owner.time_passed(); }), owner(channel) {}
        Channel& owner;
    };

    /// c-ares says what it wants to know of a socket; nothing any more just before it closes it.
    void watch(int fd, bool read, bool write) {
        auto found = watches_.find(fd);
        if (!read && !write) {
            if (found == watches_.end()) return;
            Watch* gone = found->second;
            watches_.erase(found);
            gone->channel = nullptr;
            loop_.backend().detach(fd);
            gone->free_if_done();
            return;
        }
        if (found == watches_.end()) found = watches_.emplace(fd, new Watch(*this, fd)).first;
        found->second->wants_read = read;
        found->second->wants_write = write;
        submit(*found->second);
    }

    void submit(Watch& watch) noexcept {
        // A socket that can't be watched ends with the deadline of its query.
        if (watch.wants_read && !watch.read.pending()) loop_.backend().submit(watch.read);
        if (watch.wants_write && !watch.write.pending()) loop_.backend().submit(watch.write);
    }

    void process(int fd, bool readable) noexcept {
        ::ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, readable ? ARES_SOCKET_BAD : fd);
        if (auto found = watches_.find(fd); found != watches_.end()) submit(*found->second);
        arm_timer();
    }

    void time_passed() noexcept {
        ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        arm_timer();
    }

    void arm_timer() noexcept {
        timeval left{};
        if (::ares_timeout(channel_, nullptr, &left) == nullptr) {
            timer_.disarm();
            return;
        }
        // c-ares has a clock of its own, so that a moment too early would be in vain.
        Duration wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
        timer_.arm(loop_, loop_.clock().now() + wait + std::chrono::milliseconds(1));
    }

    Loop& loop_;
    Deadline timer_;
    std::unordered_map<int, Watch*> watches_;
    ares_channel channel_ = nullptr;
};

ResolverOptions& ResolverOptions::answer(std::string_view name, const std::vector<std::string>& literals) {
    std::vector<Address> addresses;
    for (const std::string& literal : literals) {
        const auto address = Address::parse(literal, 0);
        if (!address) throw std::invalid_argument("answer: " + literal + " is no address");
        addresses.push_back(*address);
    }
    if (addresses.empty()) throw std::invalid_argument("answer: there is no address");
    answers_.insert_or_assign(lower(name), std::move(addresses));
    return *this;
}

Resolver::Resolver(Loop& loop, ResolverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      cache_(std::make_unique<ResolverCache>(options_.cache_entries(), options_.max_ttl(), "/etc/hosts")) {}

Resolver::~Resolver() = default;

Task<std::vector<Address>> Resolver::resolve(std::string host, std::uint16_t port) {
    if (auto literal = Address::parse(host, port)) co_return std::vector<Address>{*literal};
    const std::string operation = "resolve " + host;
    const std::string name = lower(host);
    if (const auto known = options_.answers().find(name); known != options_.answers().end()) {
        co_return with_port(known->second, port);
    }
    if (is_localhost(host)) {
        co_return std::vector<Address>{*Address::parse("::1", port), *Address::parse("127.0.0.1", port)};
    }
    if (host.empty() || host.find('\0') != std::string::npos) throw IoError(ares_code(ARES_EBADNAME), operation);
    if (const auto* cached = cache_->find(name, loop_.now())) co_return with_port(*cached, port);
    std::shared_ptr<Query> query;
    if (const auto asked = queries_.find(name); asked != queries_.end()) {
        query = asked->second;
    } else {
        if (channel_ == nullptr) channel_ = std::make_unique<Channel>(loop_, options_);
        query = std::make_shared<Query>(*this, name);
        queries_.emplace(name, query);
        channel_->start(host, query);
    }
    co_await query->done.wait();
    if (query->status == ARES_ETIMEOUT) throw TimeoutError(operation + " (no DNS server answered)");
    if (query->status != ARES_SUCCESS) throw IoError(ares_code(query->status), operation);
    if (query->addresses.empty()) throw IoError(ares_code(ARES_ENODATA), operation);
    co_return with_port(query->addresses, port);
}

}  // namespace caropig::net
