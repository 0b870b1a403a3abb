#include "loop/backend.h"
#include <caropig/async/event.h>
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/net/resolver.h>

#include <algorithm>
#include <cctype>
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

/// What is being asked. Shared by the waiting task and c-ares, so that either may go first.
struct Query {
    Event done;
    int status = ARES_SUCCESS;
    std::vector<Address> addresses;

    /// c-ares calls this once for every query, whether or not somebody still waits.
    static void finished(void* argument, int status, int /*timeouts*/, ares_addrinfo* answer) {
        std::unique_ptr<std::shared_ptr<Query>> owned(static_cast<std::shared_ptr<Query>*>(argument));
        Query& query = **owned;
        query.status = status;
        if (answer != nullptr) {
            for (auto* node = answer->nodes; node != nullptr; node = node->ai_next) {
                auto address = Address::from_sockaddr(node->ai_addr, node->ai_addrlen);
                if (address) query.addresses.push_back(*address);
            }
            ::ares_freeaddrinfo(answer);
        }
        query.done.set();
    }
};

}  // namespace

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

    void start(const std::string& host, const std::string& port, std::shared_ptr<Query> query) {
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;  // each address once
        hints.ai_flags = ARES_AI_NUMERICSERV;
        auto argument = std::make_unique<std::shared_ptr<Query>>(std::move(query));
        ::ares_getaddrinfo(channel_, host.c_str(), port.c_str(), &hints, &Query::finished, argument.release());
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

Resolver::Resolver(Loop& loop, ResolverOptions options) : loop_(loop), options_(std::move(options)) {}

Resolver::~Resolver() = default;

Task<std::vector<Address>> Resolver::resolve(std::string host, std::uint16_t port) {
    if (auto literal = Address::parse(host, port)) co_return std::vector<Address>{*literal};
    if (is_localhost(host)) {
        co_return std::vector<Address>{*Address::parse("::1", port), *Address::parse("127.0.0.1", port)};
    }
    const std::string operation = "resolve " + host;
    if (host.empty() || host.find('\0') != std::string::npos) throw IoError(ares_code(ARES_EBADNAME), operation);
    if (channel_ == nullptr) channel_ = std::make_unique<Channel>(loop_, options_);
    auto query = std::make_shared<Query>();
    channel_->start(host, std::to_string(port), query);
    co_await query->done.wait();
    if (query->status == ARES_ETIMEOUT) throw TimeoutError(operation + " (no DNS server answered)");
    if (query->status != ARES_SUCCESS) throw IoError(ares_code(query->status), operation);
    if (query->addresses.empty()) throw IoError(ares_code(ARES_ENODATA), operation);
    co_return std::move(query->addresses);
}

}  // namespace caropig::net
