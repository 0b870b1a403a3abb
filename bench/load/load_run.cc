#include "load_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace caropig::bench {
namespace {

constexpr std::size_t kReceiveBuffer = 256 * 1024;
// Fewer than any server's backlog: a dropped SYN would be sent again only after a second.
constexpr std::size_t kConnectingAtOnce = 64;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

[[noreturn]] void throw_errno(const char* operation) {
    throw std::system_error(errno, std::system_category(), operation);
}

}  // namespace

LoadRun::LoadRun(LoadOptions options)
    : options_(std::move(options)),
      connections_(options_.connections),
      idle_(options_.connections),
      buffer_(kReceiveBuffer) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(options_.host.c_str(), options_.port.c_str(), &hints, &found); error != 0) {
        throw std::runtime_error(options_.host + ":" + options_.port + ": " + ::gai_strerror(error));
    }
    std::copy_n(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen, reinterpret_cast<char*>(&address_));
    address_length_ = found->ai_addrlen;
    ::freeaddrinfo(found);

    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) throw_errno("epoll_create1");
    const std::string request = "GET " + options_.path + " HTTP/1.1\r\nHost: " + options_.host +
                                (options_.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
    request_length_ = request.size();
    for (std::size_t i = 0; i < options_.pipeline; ++i) batch_ += request;
}

LoadRun::~LoadRun() {
    for (Connection& connection : connections_) close(connection);
    ::close(epoll_);
}

LoadResult LoadRun::run() {
    connect_all();
    const std::int64_t start = now_ns();
    const bool counted = options_.requests.has_value() || options_.waiters;
    stop_at_ = counted ? kNever : start + options_.duration.count();
    requests_left_ = options_.waiters ? options_.connections : options_.requests.value_or(~std::uint64_t{0});
    if (options_.rate) {
        due_interval_ = static_cast<std::int64_t>(1e9 * static_cast<double>(options_.pipeline) / *options_.rate);
    }
    next_due_ = start;
    last_progress_ = start;
    sending_ = true;
    for (;;) {
        send_due_batches();
        const std::int64_t now = now_ns();
        const bool sent = all_sent(now);
        if (sent && awaited_ == 0) break;
        if (awaited_ == 0 && idle_count_ == 0 && connecting_ == 0) break;  // no connection is left
        std::int64_t until = kNever;
        if (awaited_ > 0 || connecting_ > 0) {
            until = last_progress_ + options_.patience.count();
            if (now >= until) {
                result_.errors.unanswered += awaited_;
                break;
            }
        }
        if (!sent) {
            until = std::min(until, stop_at_);
            if (options_.rate && idle_count_ > 0) until = std::min(until, next_due_);
        }
        poll(until);
    }
    result_.seconds = static_cast<double>(std::max(last_progress_ - start, std::int64_t{1})) / 1e9;
    return std::move(result_);
}

/// Has every connection open, or counted as an error, before the first request is sent.
void LoadRun::connect_all() {
    const std::int64_t deadline = now_ns() + options_.patience.count();
    auto next = connections_.begin();
    while (next != connections_.end() || connecting_ > 0) {
        while (next != connections_.end() && connecting_ < kConnectingAtOnce) open(*next++);
        if (connecting_ == 0) continue;
        if (now_ns() >= deadline) {
            for (Connection& connection : connections_) {
                if (connection.state == State::kConnecting) lose(connection, result_.errors.connect);
            }
            break;
        }
        poll(deadline);
    }
}

void LoadRun::open(Connection& connection) {
    connection.fd = ::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection.fd < 0) {
        ++result_.errors.connect;
        return;
    }
    const int on = 1;
    ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.state = State::kConnecting;
    connection.parser = ResponseParser();
    ++connecting_;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &connection;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0 ||
        (::connect(connection.fd, reinterpret_cast<sockaddr*>(&address_), address_length_) != 0 &&
         errno != EINPROGRESS)) {
        lose(connection, result_.errors.connect);
    }
}

void LoadRun::close(Connection& connection) {
    if (connection.fd < 0) return;
    if (connection.state == State::kConnecting) --connecting_;
    awaited_ -= connection.awaited;
    connection.awaited = 0;
    connection.unsent = {};
    ::close(connection.fd);
    connection.fd = -1;
    connection.state = State::kClosed;
}

void LoadRun::reopen(Connection& connection) {
    close(connection);
    if (options_.waiters || all_sent(now_ns())) return;
    ++result_.reconnects;
    open(connection);
}

void LoadRun::poll(std::int64_t until) {
    std::array<epoll_event, 512> events{};
    timespec timeout{};
    if (until != kNever) {
        const std::int64_t left = std::max<std::int64_t>(until - now_ns(), 0);
        timeout.tv_sec = left / 1'000'000'000;
        timeout.tv_nsec = left % 1'000'000'000;
    }
    const int ready = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                     until == kNever ? nullptr : &timeout, nullptr);
    if (ready < 0 && errno != EINTR) throw_errno("epoll_pwait2");
    for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        on_event(*static_cast<Connection*>(event.data.ptr), event.events);
    }
}

void LoadRun::on_event(Connection& connection, std::uint32_t events) {
    if (connection.state == State::kConnecting) {
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
        on_connected(connection);
        return;
    }
    if (!connection.unsent.empty() && (events & EPOLLOUT) != 0 && !send_rest(connection)) return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || !receive(connection, events)) return;
    if (connection.state == State::kWaiting && connection.awaited == 0) {
        if (options_.waiters) {
            close(connection);
        } else if (connection.parser.closes()) {
            reopen(connection);
        } else {
            make_idle(connection);
        }
    }
}

void LoadRun::on_connected(Connection& connection) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        lose(connection, result_.errors.connect);
        return;
    }
    --connecting_;
    make_idle(connection);
}

/// False if the connection was closed or replaced, so that nothing more can be said about it.
bool LoadRun::receive(Connection& connection, std::uint32_t events) {
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    for (;;) {
        const ssize_t received = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
        if (received < 0 && errno == EAGAIN) return true;
        if (received < 0) {
            lose(connection, result_.errors.lost);
            reopen(connection);
            return false;
        }
        if (received == 0) {
            on_end_of_stream(connection);
            return false;
        }
        const auto size = static_cast<std::size_t>(received);
        if (!take_answers(connection, {buffer_.data(), size}, now_ns())) return false;
        if (size < buffer_.size() && !ending) return true;
    }
}

bool LoadRun::take_answers(Connection& connection, std::string_view bytes, std::int64_t now) {
    while (!bytes.empty()) {
        const ResponseParser::Progress progress = connection.parser.feed(bytes);
        if (progress == ResponseParser::Progress::kNeedsMore) break;
        if (progress == ResponseParser::Progress::kMalformed || connection.awaited == 0) {
            lose(connection, result_.errors.malformed);
            reopen(connection);
            return false;
        }
        take_answer(connection, now);
    }
    last_progress_ = now;
    return true;
}

void LoadRun::take_answer(Connection& connection, std::int64_t now) {
    const ResponseParser& answer = connection.parser;
    --connection.awaited;
    --awaited_;
    ++result_.answers;
    result_.latency.record(static_cast<std::uint64_t>(std::max<std::int64_t>(now - connection.since, 0)));
    if (options_.waiters) {
        ++result_.tally[{answer.status(), std::string(answer.body_start())}];
    } else if (answer.status() != 200) {
        ++result_.errors.status;
    } else if (options_.expected_body && (answer.body_size() != options_.expected_body->size() ||
                                          answer.body_start() != *options_.expected_body)) {
        ++result_.errors.body;
    }
}

void LoadRun::on_end_of_stream(Connection& connection) {
    const std::int64_t now = now_ns();
    if (connection.parser.completes_at_end_of_stream() && connection.awaited > 0) {
        last_progress_ = now;
        take_answer(connection, now);
    }
    if (connection.awaited > 0 || !sending_) lose(connection, result_.errors.lost);
    reopen(connection);
}

/// Counts what the connection can't deliver any more: each awaited answer, or the connection itself.
void LoadRun::lose(Connection& connection, std::uint64_t& counter) {
    counter += std::max<std::uint64_t>(connection.awaited, 1);
    close(connection);
}

void LoadRun::make_idle(Connection& connection) {
    connection.state = State::kIdle;
    if (sending_ && !options_.rate) {
        start_batch(connection, 0);
        return;
    }
    if (connection.queued) return;  // it still stands in the ring from before it was reopened
    connection.queued = true;
    idle_[(idle_head_ + idle_count_) % idle_.size()] = &connection;
    ++idle_count_;
}

/// `due` is when it should have been sent: what it waited for a free connection counts as latency. 0 means now.
void LoadRun::start_batch(Connection& connection, std::int64_t due) {
    const std::int64_t now = now_ns();
    if (all_sent(now)) return;
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(options_.pipeline, requests_left_));
    requests_left_ -= size;
    awaited_ += size;
    connection.awaited = size;
    connection.state = State::kWaiting;
    connection.since = due == 0 ? now : due;
    connection.unsent = std::string_view(batch_).substr(0, size * request_length_);
    send_rest(connection);
}

bool LoadRun::send_rest(Connection& connection) {
    const ssize_t sent = ::send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
        connection.unsent.remove_prefix(static_cast<std::size_t>(sent));
        return true;
    }
    if (errno == EAGAIN) return true;
    lose(connection, result_.errors.lost);
    reopen(connection);
    return false;
}

void LoadRun::send_due_batches() {
    while (idle_count_ > 0 && !all_sent(now_ns())) {
        if (options_.rate && next_due_ > now_ns()) return;
        Connection& connection = *idle_[idle_head_];
        idle_head_ = (idle_head_ + 1) % idle_.size();
        --idle_count_;
        connection.queued = false;
        if (connection.state != State::kIdle) continue;  // the server closed it meanwhile
        start_batch(connection, options_.rate ? next_due_ : 0);
        next_due_ += due_interval_;
    }
}

bool LoadRun::all_sent(std::int64_t now) const { return requests_left_ == 0 || now >= stop_at_; }

}  // namespace caropig::bench
