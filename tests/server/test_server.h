#pragma once

#include "support/from_address.h"
#include "support/http_answers.h"
#include <caropig/async/event.h>
#include <caropig/base/error.h>
#include <caropig/loop/timer.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/net/listener.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/server/server.h>
#include <caropig/server/service.h>
#include <caropig/testkit/fault_stream.h>
#include <caropig/testkit/test_loop.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caropig::server {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using support::Answer;
using support::FromAddress;
using support::parse_answers;
using testkit::FaultStream;
using testkit::Started;
using testkit::TestLoop;

/// Answers by path, with the handlers that the tests of this folder need.
class TestService final : public Service {
public:
    using AtOnce = void (*)(Exchange& exchange, TestService& service);
    using Waiting = Task<void> (*)(Exchange& exchange, TestService& service);

    TestService();
    void answer(std::string path, AtOnce handler) { at_once_[std::move(path)] = handler; }
    void answer(std::string path, Waiting handler) { waiting_[std::move(path)] = handler; }
    void serve(Exchange& exchange) noexcept override;

    Event gate;  ///< what "/gated…" waits for
    // Atomic for the tests with several workers.
    std::atomic<int> running = 0;          ///< handlers that wait
    std::atomic<int> cancelled = 0;        ///< handlers that ended with Cancelled
    std::atomic<int> served = 0;           ///< requests
    std::atomic<std::size_t> read = 0;     ///< bytes of bodies that were read
    std::atomic<std::size_t> written = 0;  ///< bytes of streamed bodies that were taken
    std::string error;                     ///< what the handler's wait threw

private:
    static Task<void> track(Exchange& exchange, TestService& service, Waiting handler);
    std::map<std::string, AtOnce, std::less<>> at_once_;
    std::map<std::string, Waiting, std::less<>> waiting_;
};

inline void reply(Exchange& exchange, std::string_view body, int status = 200, std::string_view fields = {}) {
    ResponseHead head;
    head.status = status;
    head.content_type = "text/plain";
    head.fields = fields;
    exchange.respond(head, body);
}

inline Task<void> echo(Exchange& exchange, TestService& service) {
    std::string body = co_await exchange.read_whole_body();
    service.read += body.size();
    reply(exchange, body);
}

inline Task<void> gated(Exchange& exchange, TestService& service) {
    co_await service.gate.wait();
    reply(exchange, "gated:" + std::string(exchange.query()));
}

inline Task<void> gated_echo(Exchange& exchange, TestService& service) {
    co_await service.gate.wait();
    co_await echo(exchange, service);
}

inline Task<void> asleep(Exchange& exchange, TestService&) {
    co_await sleep_for(1s);
    reply(exchange, "slept");
}

inline Task<void> first_piece(Exchange& exchange, TestService& service) {
    auto piece = co_await exchange.read_body();
    if (piece) service.read += piece->size();
    co_await service.gate.wait();
    reply(exchange, "piece");
}

inline Task<void> stream(Exchange& exchange, TestService& service) {
    ResponseHead head;
    exchange.start_response(head, std::nullopt);
    for (std::string_view piece : {"one", "two", "three"}) {
        co_await exchange.write(piece);
        service.written += piece.size();
    }
    co_await exchange.finish();
}

inline Task<void> stream_length(Exchange& exchange, TestService& service) {
    ResponseHead head;
    exchange.start_response(head, 11);
    for (std::string_view piece : {"one", "two", "three"}) {
        co_await exchange.write(piece);
        service.written += piece.size();
    }
    co_await exchange.finish();
}

inline Task<void> gated_stream(Exchange& exchange, TestService& service) {
    ResponseHead head;
    exchange.start_response(head, std::nullopt);
    co_await exchange.write("begin");
    co_await service.gate.wait();
    co_await exchange.write("end");
    co_await exchange.finish();
}

inline Task<void> endless(Exchange& exchange, TestService& service) {
    ResponseHead head;
    exchange.start_response(head, std::nullopt);
    std::string piece(1000, 'e');
    for (;;) {
        co_await exchange.write(piece);
        service.written += piece.size();
        co_await yield();
    }
}

inline Task<void> too_long(Exchange& exchange, TestService&) {
    ResponseHead head;
    exchange.start_response(head, 3);
    co_await exchange.write("ab");
    co_await exchange.write("cdef");
    co_await exchange.finish();
}

inline Task<void> too_short(Exchange& exchange, TestService&) {
    ResponseHead head;
    exchange.start_response(head, 9);
    co_await exchange.write("four");
    co_await exchange.finish();
}

inline TestService::TestService() {
    answer("/hello", [](Exchange& exchange, TestService&) { reply(exchange, "hello"); });
    answer("/target", [](Exchange& exchange, TestService&) {
        reply(exchange, std::string(exchange.path()) + "|" + std::string(exchange.query()));
    });
    answer("/none", [](Exchange& exchange, TestService&) { reply(exchange, "no body", 204); });
    answer("/unmodified", [](Exchange& exchange, TestService&) { reply(exchange, "no body", 304); });
    answer("/big", [](Exchange& exchange, TestService&) {
        ResponseHead head;
        exchange.respond(head, std::string(100000, 'b'));
    });
    answer("/silent", [](Exchange&, TestService&) {});
    answer("/echo", &echo);
    answer("/gated", &gated);
    answer("/gated-echo", &gated_echo);
    answer("/sleep", &asleep);
    answer("/first-piece", &first_piece);
    answer("/stream", &stream);
    answer("/stream-length", &stream_length);
    answer("/gated-stream", &gated_stream);
    answer("/endless", &endless);
    answer("/too-long", &too_long);
    answer("/too-short", &too_short);
}

inline void TestService::serve(Exchange& exchange) noexcept {
    ++served;
    if (auto handler = at_once_.find(exchange.path()); handler != at_once_.end()) {
        handler->second(exchange, *this);
    } else if (auto other = waiting_.find(exchange.path()); other != waiting_.end()) {
        exchange.own_head();
        exchange.run(track(exchange, *this, other->second));
    } else {
        reply(exchange, "not found", 404);
    }
}

inline Task<void> TestService::track(Exchange& exchange, TestService& service, Waiting handler) {
    struct Count {
        explicit Count(std::atomic<int>& counter_) : counter(counter_) { ++counter; }
        ~Count() { --counter; }
        std::atomic<int>& counter;
    } count(service.running);
    try {
        co_await handler(exchange, service);
    } catch (const Cancelled&) {
        ++service.cancelled;
        throw;
    } catch (const std::exception& error) {
        service.error = error.what();
        throw;
    }
}

/// Hands over what a test gives it.
class TestListener final : public net::Listener {
public:
    explicit TestListener(OnAccept& on_accept) : on_accept_(on_accept) {}
    void start(Loop&, OnAccept on_accept) override { on_accept_ = std::move(on_accept); }
    void pause() noexcept override {}
    void resume() noexcept override {}
    void stop() noexcept override {}
    [[nodiscard]] std::string address() const override { return "test"; }
    [[nodiscard]] std::uint16_t port() const override { return 0; }

private:
    OnAccept& on_accept_;
};

/// A client at the other end of a pipe; it collects what comes.
class Client {
public:
    using Wrap = std::function<std::unique_ptr<net::Stream>(std::unique_ptr<net::Stream>)>;

    Client(TestLoop& loop, Server& server, std::size_t capacity = 65536, bool reads = true, const Wrap& wrap = {})
        : loop_(loop),
          pipe_(net::memory_pipe(loop, capacity)),
          serving_(loop.start(server.serve(wrap ? wrap(std::move(pipe_.second)) : std::move(pipe_.second)))),
          writing_(loop.start(write(*this))) {
        if (reads) start_reading();
    }

    void send(std::string_view text) {
        outgoing_ += text;
        more_.set();
        loop_.run_ready();
    }
    /// Byte by byte, each in a round of its own.
    void send_slowly(std::string_view text) {
        for (char c : text) send(std::string_view(&c, 1));
    }
    void finish_sending() {
        finishes_ = true;
        more_.set();
        loop_.run_ready();
    }
    void leave() {
        pipe_.first->close();
        loop_.run_ready();
    }
    void start_reading() { reading_.push_back(loop_.start(read(*this))); }
    /// One read of at most `size` bytes.
    void read_once(std::size_t size) {
        std::string text(size, '\0');
        auto reading = loop_.start(pipe_.first->read_some(std::as_writable_bytes(std::span(text))));
        if (reading.done()) received_ += text.substr(0, reading.result());
    }

    /// Whether the server has closed the connection.
    [[nodiscard]] bool served() const { return serving_.done(); }
    [[nodiscard]] const std::string& received() const { return received_; }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::vector<Answer> answers(const std::vector<bool>& heads = {}) const {
        return parse_answers(received_, heads, ended_);
    }
    /// The answers in short: "200 hello, 204 , 408 …!", with "!" after an incomplete one.
    [[nodiscard]] std::string summary(const std::vector<bool>& heads = {}) const {
        std::string text;
        for (const Answer& answer : answers(heads)) {
            if (!text.empty()) text += ", ";
            text += std::to_string(answer.status) + " " + answer.body + (answer.complete ? "" : "!");
        }
        return text;
    }
    void forget_received() { received_.clear(); }
    void cancel_serving() {
        serving_.cancel();
        loop_.run_ready();
    }

private:
    static Task<void> read(Client& client) {
        std::vector<std::byte> buffer(65536);
        try {
            while (std::size_t size = co_await client.pipe_.first->read_some(buffer)) {
                client.received_.append(reinterpret_cast<const char*>(buffer.data()), size);
            }
            client.ended_ = true;
        } catch (const IoError&) {
        }
    }
    static Task<void> write(Client& client) {
        for (;;) {
            while (client.outgoing_.empty()) {
                if (client.finishes_) {
                    client.pipe_.first->shutdown_write();
                    co_return;
                }
                client.more_.clear();
                co_await client.more_.wait();
            }
            std::string piece = std::exchange(client.outgoing_, {});
            try {
                co_await client.pipe_.first->write(as_bytes(piece));
            } catch (const IoError&) {
                co_return;
            }
        }
    }

    TestLoop& loop_;
    std::pair<std::unique_ptr<net::Stream>, std::unique_ptr<net::Stream>> pipe_;
    std::string outgoing_;
    std::string received_;
    Event more_;
    bool finishes_ = false;
    bool ended_ = false;
    Started<void> serving_;
    Started<void> writing_;
    std::vector<Started<void>> reading_;
};

/// A server and one client.
struct Talk {
    explicit Talk(const ServerOptions& options = {}, std::size_t capacity = 65536, bool reads = true,
                  const Client::Wrap& wrap = {})
        : server(loop, service, options), client(loop, server, capacity, reads, wrap) {}

    TestLoop loop;
    TestService service;
    Server server;
    Client client;
};

inline std::string get(std::string_view path, std::string_view fields = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view fields = {}) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
/// A chunked request whose chunks have `chunk` bytes.
inline std::string post_chunked(std::string_view path, std::string_view body, std::size_t chunk = 3) {
    std::string text = "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
    while (!body.empty()) {
        std::string_view piece = body.substr(0, chunk);
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        text += size;
        text += piece;
        text += "\r\n";
        body.remove_prefix(piece.size());
    }
    return text + "0\r\n\r\n";
}

}  // namespace caropig::server
