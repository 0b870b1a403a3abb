#include "cases.h"
#include "mutations.h"
#include "pipe_client.h"
#include "service.h"
#include "support/captured_log.h"
#include "support/http_answers.h"
#include "support/raw_socket.h"
#include <caropig/async/event.h>
#include <caropig/net/tcp.h>
#include <caropig/server/server.h>
#include <caropig/testkit/test_loop.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace caropig::conformance {
namespace {

using testkit::TestLoop;

// What is asked on a connection that should be usable still; or is, and must not be answered.
const std::string kProbe = "GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
constexpr const char* kProbeAnswer = "200 GET /probe";

/// The answers as rows write them; "!" behind one that is incomplete.
std::string summary(std::string_view received, const Case& row, bool ended) {
    const bool interim = row.answers.find("100") != std::string::npos;
    std::string text;
    for (const support::Answer& answer : support::parse_answers(received, row.heads, ended)) {
        if (answer.status == 100 && !interim) continue;
        if (!text.empty()) text += ", ";
        text += std::to_string(answer.status);
        if (answer.status == 200 && !answer.body.empty()) text += " " + answer.body;
        if (!answer.complete) text += "!";
    }
    return text;
}

/// A server whose rows come one after the other, each on a connection of its own.
struct PipeServer {
    TestLoop loop;
    EchoService service;
    server::Server server{loop, service, conformance_options()};
    support::CapturedLog log;

    /// The row's bytes in pieces that end at `cuts` and at their end. What went otherwise than the row says; or
    /// nothing.
    std::string play(const Case& row, std::span<const std::size_t> cuts) {
        PipeClient client(loop, server);
        std::size_t sent = 0;
        for (std::size_t cut : cuts) {
            client.send(std::string_view(row.input).substr(sent, cut - sent));
            sent = cut;
        }
        if (sent < row.input.size()) client.send(std::string_view(row.input).substr(sent));
        if (row.half_closed) client.finish_sending();

        std::string problem;
        const auto compare = [&](const std::string& expected, bool ends, const char* when) {
            const std::string got = summary(client.received(), row, client.ended());
            if (problem.empty() && (got != expected || client.ended() != ends)) {
                problem = std::string(when) + ": got \"" + got + (client.ended() ? "\", closed" : "\", open");
            }
        };
        compare(row.answers, row.end == End::kClose, "after the row");
        if (row.end == End::kOpen) {
            client.send(kProbe);
            compare(row.answers + (row.answers.empty() ? "" : ", ") + kProbeAnswer, true, "after another request");
        } else if (row.end == End::kClose && !row.half_closed) {
            client.send(kProbe);
            compare(row.answers, true, "after a request on the closed connection");
        }
        client.leave();
        if (problem.empty() && !client.served()) problem = "the connection is still there";
        return problem;
    }
};

void play_all(const std::function<std::vector<std::vector<std::size_t>>(std::size_t size)>& cuts_of) {
    PipeServer server;
    for (const Table& table : tables()) {
        for (const Case& row : table.cases) {
            for (const std::vector<std::size_t>& cuts : cuts_of(row.input.size())) {
                const std::string problem = server.play(row, cuts);
                if (problem.empty()) continue;
                ADD_FAILURE() << row.name << " (RFC " << row.section << ")"
                              << (cuts.empty() ? "" : ", cut at " + std::to_string(cuts.front())) << "\n  expected \""
                              << row.answers << "\"\n  " << problem;
                break;
            }
        }
    }
}

TEST(Conformance, InOneSegment) {
    play_all([](std::size_t) { return std::vector<std::vector<std::size_t>>{{}}; });
}

TEST(Conformance, ByteByByte) {
    play_all([](std::size_t size) {
        std::vector<std::size_t> cuts;
        for (std::size_t i = 1; i < size; ++i) cuts.push_back(i);
        return std::vector<std::vector<std::size_t>>{cuts};
    });
}

TEST(Conformance, AtEverySplitPoint) {
    play_all([](std::size_t size) {
        std::vector<std::vector<std::size_t>> all;
        for (std::size_t i = 1; i < size; ++i) all.push_back({i});
        return all;
    });
}

/// What a client gets for `input` when it comes in pieces that end at `cuts`, and after it has said that it is done.
std::string converse(PipeServer& server, std::string_view input, std::span<const std::size_t> cuts) {
    const Case row{"", "", std::string(input), ""};
    PipeClient client(server.loop, server.server);
    std::size_t sent = 0;
    for (std::size_t cut : cuts) {
        client.send(input.substr(sent, cut - sent));
        sent = cut;
    }
    client.send(input.substr(sent));
    client.finish_sending();
    std::string text = summary(client.received(), row, client.ended());
    EXPECT_TRUE(client.ended()) << "whatever came, an end must follow";
    client.leave();
    EXPECT_TRUE(client.served());
    return text;
}

// Which request an answer is for is not known here, so that one to HEAD looks as if its body were missing: texts are
// compared, not understood.
TEST(Conformance, MutationsAreAnsweredTheSameHoweverTheyAreCut) {
    // Others with --gtest_shuffle --gtest_random_seed=1 … 99999.
    constexpr int kMutations = 5000;
    const std::vector<std::string> seeds = seed_inputs();
    Mutator mutator(seeds, static_cast<std::uint32_t>(testing::UnitTest::GetInstance()->random_seed()) + 1);
    PipeServer server;
    for (int i = 0; i < kMutations && !testing::Test::HasFailure(); ++i) {
        const std::string input = mutator.next();
        if (input.empty()) continue;
        const std::string whole = converse(server, input, {});
        std::array<std::size_t, 4> cuts;
        for (std::size_t& cut : cuts) cut = mutator.below(input.size());
        std::ranges::sort(cuts);
        EXPECT_EQ(converse(server, input, cuts), whole) << input;
    }
    EXPECT_EQ(server.server.connections(), 0u);
}

/// A server on a thread of its own.
class SocketServer {
public:
    SocketServer() {
        std::latch listening(1);
        thread_ = std::jthread([this, &listening] {
            Loop loop;
            EchoService service;
            server::Server server(loop, service, conformance_options());
            auto listener = net::listen_tcp("127.0.0.1", 0);
            port_ = listener->port();
            server.listen(std::move(listener));
            loop_ = &loop;
            Event stop;
            stop_ = &stop;
            listening.count_down();
            loop.run_until(run(stop, server));
        });
        listening.wait();
    }
    ~SocketServer() {
        loop_->post([this] { stop_->set(); });
    }
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    static Task<void> run(Event& stop, server::Server& server) {
        co_await stop.wait();
        co_await server.stop();
    }
    Loop* loop_ = nullptr;
    Event* stop_ = nullptr;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

// The end of a connection is what tells that all has come, so open ones are asked once more, and to close then.
TEST(Conformance, OverSockets) {
    support::CapturedLog log;
    SocketServer server;
    for (const Table& table : tables()) {
        for (const Case& row : table.cases) {
            support::RawSocket socket = support::RawSocket::connect(server.port());
            ASSERT_GE(socket.fd(), 0);
            std::string expected = row.answers;
            if (row.end == End::kOpen) {
                socket.send(row.input + kProbe);
                expected += (expected.empty() ? "" : ", ") + std::string(kProbeAnswer);
            } else {
                socket.send(row.input);
            }
            if (row.end == End::kWait || row.half_closed) ::shutdown(socket.fd(), SHUT_WR);
            std::string received;
            for (std::string piece; !(piece = socket.receive(1 << 16)).empty();) received += piece;
            if (row.end == End::kWait) {
                // What it has waited for does not come any more: at most that is told, or asked for again.
                const std::string got = summary(received, row, true);
                EXPECT_TRUE(got.starts_with(expected)) << row.name << ": got \"" << got << '"';
                EXPECT_EQ(got.find("200"), std::string::npos) << row.name << ": got \"" << got << '"';
            } else {
                EXPECT_EQ(summary(received, row, true), expected) << row.name << " (RFC " << row.section << ")";
            }
        }
    }
}

// A socket that is closed with bytes unread is reset, and the reset overtakes what was sent (RFC 9112 9.6).
TEST(Conformance, ARefusalIsNotLostToAReset) {
    support::CapturedLog log;
    SocketServer server;
    const std::string much(300'000, 'x');
    for (const std::string& refused :
         {"bad\r\n\r\n" + much, post("Content-Length: 300000\r\n", much), get("/a", "Connection: close\r\n") + much}) {
        support::RawSocket socket = support::RawSocket::connect(server.port());
        socket.send(refused);
        std::string received;
        for (std::string piece; !(piece = socket.receive(1 << 16)).empty();) received += piece;
        const auto answers = support::parse_answers(received);
        ASSERT_EQ(answers.size(), 1u) << refused.substr(0, 20);
        EXPECT_TRUE(answers[0].complete);
        EXPECT_EQ(answers[0].field("Connection"), "close");
    }
}

TEST(Conformance, EachRowHasANameOfItsOwnAndASection) {
    std::set<std::string> names;
    for (const Table& table : tables()) {
        for (const Case& row : table.cases) {
            EXPECT_TRUE(names.insert(row.name).second) << row.name;
            EXPECT_GE(row.section.size(), 6u) << row.name;
            EXPECT_FALSE(row.input.empty()) << row.name;
        }
    }
}

TEST(Conformance, TheReadmeCountsTheRows) {
    std::ifstream file(CAROPIG_CONFORMANCE_README);
    std::stringstream text;
    text << file.rdbuf();
    std::size_t total = 0;
    for (const Table& table : tables()) {
        total += table.cases.size();
        const std::string line = "| " + std::string(table.name) + " | " + std::to_string(table.cases.size()) + " |";
        EXPECT_NE(text.str().find(line), std::string::npos) << "README.md should have: " << line;
    }
    const std::string line = "| all | " + std::to_string(total) + " |";
    EXPECT_NE(text.str().find(line), std::string::npos) << "README.md should have: " << line;
}

}  // namespace
}  // namespace caropig::conformance
