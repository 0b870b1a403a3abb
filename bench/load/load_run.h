#pragma once

#include "latency_histogram.h"
#include "response_parser.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>

/// \file
/// What a run does: N keep-alive connections in one thread, each sending a batch of pipelined requests and the next one
/// when the last answer is there, for a time or a number of requests, at full speed or at a given rate.
namespace caropig::bench {

struct LoadOptions {
    std::string host = "127.0.0.1";
    std::string port;
    std::string path = "/";
    std::size_t connections = 64;
    std::size_t pipeline = 1;
    std::chrono::nanoseconds duration = std::chrono::seconds(3);  // unless `requests` is given
    std::optional<std::uint64_t> requests;
    std::optional<double> rate;  // requests a second over all connections
    std::optional<std::string> expected_body;
    bool close = false;  // asks for the connection to be closed after the answer: each request has one of its own
    /// How long the run goes on without any answer while some are awaited.
    std::chrono::nanoseconds patience = std::chrono::seconds(30);
    /// Every connection sends one request and waits for its answer; answers are tallied, and none is an error.
    bool waiters = false;
};

struct LoadErrors {
    std::uint64_t connect = 0;     // could not connect
    std::uint64_t lost = 0;        // the connection ended before the answers did
    std::uint64_t malformed = 0;   // what came is no HTTP response, or a body is longer than announced
    std::uint64_t status = 0;      // not 200
    std::uint64_t body = 0;        // not the expected body
    std::uint64_t unanswered = 0;  // patience ran out
    std::uint64_t total() const noexcept { return connect + lost + malformed + status + body + unanswered; }
};

struct LoadResult {
    std::uint64_t answers = 0;
    std::uint64_t reconnects = 0;  // as a server may close after an answer; after errors too
    double seconds = 0;            // from the first request to the last answer
    LatencyHistogram latency;      // nanoseconds; at a given rate, from the moment at which a request was due
    LoadErrors errors;
    std::map<std::pair<int, std::string>, std::uint64_t> tally;  // waiters: status and start of body -> answers
};

class LoadRun {
public:
    /// Throws std::system_error if the host can't be resolved or the kernel refuses epoll.
    explicit LoadRun(LoadOptions options);
    LoadRun(const LoadRun&) = delete;
    LoadRun& operator=(const LoadRun&) = delete;
    ~LoadRun();

    /// Connects, sends, and waits for all answers. Failures of the server are counted in the result, not thrown.
    LoadResult run();

private:
    enum class State : std::uint8_t { kClosed, kConnecting, kIdle, kWaiting };

    struct Connection {
        int fd = -1;
        State state = State::kClosed;
        bool queued = false;      // it has a place in the ring of idle ones
        std::size_t awaited = 0;  // answers of the present batch still to come
        std::string_view unsent;  // bytes of it still to send
        std::int64_t since = 0;   // when it was sent or, at a given rate, due
        ResponseParser parser;
    };

    void connect_all();
    void open(Connection& connection);
    void close(Connection& connection);
    void reopen(Connection& connection);
    void poll(std::int64_t until);

    void on_event(Connection& connection, std::uint32_t events);
    void on_connected(Connection& connection);
    bool receive(Connection& connection, std::uint32_t events);
    bool take_answers(Connection& connection, std::string_view bytes, std::int64_t now);
    void take_answer(Connection& connection, std::int64_t now);
    void on_end_of_stream(Connection& connection);
    void lose(Connection& connection, std::uint64_t& counter);

    void make_idle(Connection& connection);
    void start_batch(Connection& connection, std::int64_t due);
    bool send_rest(Connection& connection);
    void send_due_batches();
    bool all_sent(std::int64_t now) const;

    LoadOptions options_;
    sockaddr_storage address_{};
    socklen_t address_length_ = 0;
    int epoll_ = -1;
    std::string batch_;  // `pipeline` requests, one after the other
    std::size_t request_length_ = 0;
    std::vector<Connection> connections_;
    std::vector<Connection*> idle_;  // a ring: the connection idle for longest is next
    std::size_t idle_head_ = 0;
    std::size_t idle_count_ = 0;
    std::size_t connecting_ = 0;
    bool sending_ = false;
    std::int64_t stop_at_ = 0;
    std::int64_t next_due_ = 0;  // of a run at a given rate
    std::int64_t due_interval_ = 0;
    std::uint64_t requests_left_ = 0;
    std::uint64_t awaited_ = 0;
    std::int64_t last_progress_ = 0;
    std::vector<char> buffer_;
    LoadResult result_;
};

}  // namespace caropig::bench
