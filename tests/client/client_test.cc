#include "support/raw_socket.h"
#include <caropig/async/scope.h>
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>
#include <caropig/net/address.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using support::RawSocket;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

/// A socket that listens on a free port of 127.0.0.1.
class RawListener {
public:
    RawListener() {
        const auto any = net::Address::parse("127.0.0.1", 0).value();
        EXPECT_EQ(::bind(socket_.fd(), static_cast<const sockaddr*>(any.data()), any.size()), 0);
        EXPECT_EQ(::listen(socket_.fd(), 16), 0);
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        ::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&bound), &size);
        port_ = ntohs(bound.sin_port);
    }
    [[nodiscard]] RawSocket accept() const { return RawSocket(::accept(socket_.fd(), nullptr, nullptr)); }
    [[nodiscard]] std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }

private:
    RawSocket socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port_ = 0;
};

std::string receive_head(const RawSocket& socket) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        const std::string byte = socket.receive(1);
        if (byte.empty()) break;
        head += byte;
    }
    return head;
}

/// Serves one connection on a thread of its own, with blocking calls.
class Server {
public:
    explicit Server(std::function<void(RawSocket)> serve)
        : thread_([this, serve = std::move(serve)] { serve(listener_.accept()); }) {}
    [[nodiscard]] std::string url(std::string_view path = "/") const { return listener_.url(path); }
    void join() { thread_.join(); }

private:
    RawListener listener_;
    std::jthread thread_;
};

FetchError error_of(Loop& loop, FetchRequest request) {
    try {
        static_cast<void>(loop.run_until(fetch(std::move(request))));
    } catch (const FetchError& error) {
        return error;
    }
    throw std::logic_error("the fetch has not failed");
}

TEST(HttpClient, FetchesOverTcp) {
    std::string head;
    Server server([&head](const RawSocket& socket) {
        head = receive_head(socket);
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
    Loop loop;
    HttpClient client(loop);
    const Response response = loop.run_until(client.fetch(server.url("/a?b")));
    server.join();
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), "hello");
    EXPECT_TRUE(head.starts_with("GET /a?b HTTP/1.1\r\n")) << head;
}

Task<std::string> body_of(std::string url) {
    Response response = co_await fetch(url);
    co_return std::move(response).body();
}

TEST(HttpClient, FreeFunctionUsesTheLoopItRunsOn) {
    Server server([](const RawSocket& socket) {
        receive_head(socket);
        socket.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    });
    Loop loop;
    EXPECT_EQ(loop.run_until(body_of(server.url())), "until the end");
}

Task<int> post_built_in_place(std::string url, std::string body) {
    const Response response = co_await fetch(FetchRequest(url).method("POST").body(body).header("X", "y"));
    co_return response.status();
}

// GCC 12 destroys some temporaries of a co_await expression twice; a request must not be among them.
TEST(HttpClient, RequestMayBeBuiltInTheAwaitExpression) {
    std::string body;
    Server server([&body](const RawSocket& socket) {
        receive_head(socket);
        body = socket.receive(100);
        socket.send("HTTP/1.1 204 Fine\r\n\r\n");
    });
    Loop loop;
    EXPECT_EQ(loop.run_until(post_built_in_place(server.url(), std::string(100, 'x'))), 204);
    server.join();
    EXPECT_EQ(body, std::string(100, 'x'));
}

TEST(HttpClient, LargeBodiesBothWays) {
    const std::string large(8 << 20, 'x');
    Server server([&large](const RawSocket& socket) {
        receive_head(socket);
        EXPECT_EQ(socket.receive(large.size()).size(), large.size());
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n");
        socket.send(large);
    });
    Loop loop;
    FetchRequest request(server.url());
    request.method("PUT").body(large);
    EXPECT_EQ(loop.run_until(fetch(std::move(request))).body(), large);
}

TEST(HttpClient, Refused) {
    Loop loop;
    const std::string url = RawListener().url();
    const FetchError error = error_of(loop, url);
    EXPECT_EQ(error.kind(), Kind::kUnreachable);
    EXPECT_EQ(error.phase(), Phase::kConnect);
    EXPECT_EQ(error.code(), std::errc::connection_refused);
}

TEST(HttpClient, NameThatIsNone) {
    Loop loop;
    const FetchError error = error_of(loop, "http://" + std::string(70, 'a') + "/");  // a label has 63 bytes at most
    EXPECT_EQ(error.kind(), Kind::kUnresolvable);
    EXPECT_EQ(error.phase(), Phase::kResolve);
}

TEST(HttpClient, ClosedAfterTheConnect) {
    Server server([](const RawSocket& socket) { receive_head(socket); });
    Loop loop;
    const FetchError error = error_of(loop, server.url());
    EXPECT_EQ(error.kind(), Kind::kBroken);
    EXPECT_EQ(error.phase(), Phase::kWait);
}

TEST(HttpClient, ClosedInTheBody) {
    Server server([](const RawSocket& socket) {
        receive_head(socket);
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
    });
    Loop loop;
    const FetchError error = error_of(loop, server.url());
    EXPECT_EQ(error.kind(), Kind::kBroken);
    EXPECT_EQ(error.phase(), Phase::kReceive);
}

TEST(HttpClient, ResetBeforeTheResponse) {
    Server server([](RawSocket socket) {
        receive_head(socket);
        socket.reset();
    });
    Loop loop;
    const FetchError error = error_of(loop, server.url());
    EXPECT_EQ(error.kind(), Kind::kBroken);
    EXPECT_EQ(error.phase(), Phase::kWait);
    EXPECT_EQ(error.code(), std::errc::connection_reset);
}

TEST(HttpClient, AnswerToHalfOfARequestIsHeard) {
    Server server([](const RawSocket& socket) {
        receive_head(socket);
        socket.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        // It closes with most of the request unread: the kernel sends a reset.
    });
    Loop loop;
    FetchRequest request(server.url());
    request.method("POST").body(std::string(32 << 20, 'x'));
    const Response response = loop.run_until(fetch(std::move(request)));
    EXPECT_EQ(response.status(), 413);
    EXPECT_EQ(response.body(), "no");
}

TEST(HttpClient, TotalTimeoutOfASilentServer) {
    const RawListener silent;
    Loop loop;
    const FetchError error = error_of(loop, FetchRequest(silent.url()).total_timeout(1ms));
    EXPECT_EQ(error.kind(), Kind::kTimeout);
    EXPECT_NE(std::string(error.what()).find("the total_timeout of 0.001 s passed"), std::string::npos) << error.what();
}

Task<void> fetch_until_cancelled(std::string url, bool& cancelled) {
    try {
        co_await fetch(url);
    } catch (const Cancelled&) {
        cancelled = true;
    }
}

Task<bool> cancel_while_waiting(Loop& loop, const RawListener& listener, RawSocket& peer) {
    bool cancelled = false;
    Scope scope(loop);
    scope.spawn(fetch_until_cancelled, listener.url(), std::ref(cancelled));
    char byte = 0;
    while (::recv(peer.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 1) {
        if (peer.fd() < 0) peer = listener.accept();
        co_await yield();
    }
    scope.cancel();
    co_await scope.join();
    co_return cancelled;
}

TEST(HttpClient, CancellationClosesTheConnectionAtOnce) {
    const RawListener listener;
    Loop loop;
    RawSocket peer(-1);
    EXPECT_TRUE(loop.run_until(cancel_while_waiting(loop, listener, peer)));
    EXPECT_FALSE(receive_head(peer).empty());
    EXPECT_EQ(peer.receive(1), "");  // the end of the stream
}

template <class T>
Task<FetchError> error_in(Task<T> task) {
    try {
        co_await std::move(task);
    } catch (const FetchError& error) {
        co_return error;
    }
    throw std::logic_error("the fetch has not failed");
}

TEST(HttpClient, ResilienceOptionsHoldForFetchAndOpen) {
    const std::string url = RawListener().url();  // nobody listens any more
    Loop loop;
    ClientOptions options;
    options.resilience.breaker_failures(2);
    HttpClient client(loop, options);
    EXPECT_EQ(loop.run_until(error_in(client.fetch(url))).kind(), Kind::kUnreachable);
    EXPECT_EQ(loop.run_until(error_in(client.open(url))).kind(), Kind::kUnreachable);
    EXPECT_EQ(loop.run_until(error_in(client.fetch(url))).kind(), Kind::kBusy);
    EXPECT_EQ(loop.run_until(error_in(client.open(url))).kind(), Kind::kBusy);
    const FetchRequest probe = FetchRequest(url).resilient(false);
    EXPECT_EQ(loop.run_until(error_in(client.fetch(probe))).kind(), Kind::kUnreachable);
    EXPECT_EQ(loop.run_until(error_in(client.open(probe))).kind(), Kind::kUnreachable);
}

}  // namespace
}  // namespace caropig::client
