#include "net/proxied_stream.h"

#include <caropig/base/error.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/fault_stream.h>
#include <caropig/testkit/scripted_stream.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using testkit::FaultStream;
using testkit::ScriptedStream;
using testkit::TestLoop;

const std::string kHeader = "PROXY TCP4 192.0.2.1 198.51.100.2 1234 80\r\n";

/// What comes through until the end, read in pieces of `step` bytes; then "end", or the error.
Task<std::string> read_all(Stream& stream, std::size_t step) {
    std::string all;
    std::vector<std::byte> buffer(step);
    try {
        while (std::size_t size = co_await stream.read_some(buffer)) {
            all.append(reinterpret_cast<const char*>(buffer.data()), size);
        }
        all += "|end";
    } catch (const IoError& error) {
        all += error.code() == errno_code(EPROTO) ? "|refused" : "|" + error.code().message();
    } catch (const Cancelled&) {
        all += "|cancelled";
    }
    co_return all;
}

/// A receive that has no buffer of its own, as the server's.
struct LentReceive : ReceiveOperation {
    explicit LentReceive(Stream& stream)
        : ReceiveOperation([](Operation& self) noexcept { static_cast<LentReceive&>(self).completed(); }),
          from(stream) {}
    void completed() noexcept {
        results.push_back(result);
        all += as_text(received());
    }
    Stream& from;
    std::string all;
    std::vector<std::int32_t> results;
};

struct Script {
    explicit Script(const std::vector<std::string>& pieces) {
        auto below = std::make_unique<ScriptedStream>(loop);
        for (const std::string& piece : pieces) below->give(piece);
        below->end();
        script = below.get();
        stream = std::make_unique<ProxiedStream>(std::move(below), [this](std::string_view problem) {
            problems.push_back(problem.empty() ? "good, " + stream->peer() : std::string(problem));
            if (closes) stream->close();
        });
    }
    TestLoop loop;
    ScriptedStream* script = nullptr;
    std::unique_ptr<ProxiedStream> stream;
    std::vector<std::string> problems;
    bool closes = false;
};

TEST(ProxiedStream, GivesWhatFollowsTheHeaderWhereverItIsCut) {
    const std::string text = kHeader + "GET / HTTP/1.1\r\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        for (std::size_t step : {1, 5, 1000}) {
            std::vector<std::string> pieces;
            for (const std::string& piece : {text.substr(0, cut), text.substr(cut)}) {
                if (!piece.empty()) pieces.push_back(piece);
            }
            Script talk(pieces);
            EXPECT_EQ(talk.stream->peer(), "script");
            auto reading = talk.loop.start(read_all(*talk.stream, step));
            ASSERT_TRUE(reading.done());
            EXPECT_EQ(reading.result(), "GET / HTTP/1.1\r\n|end");
            EXPECT_EQ(talk.problems, std::vector<std::string>{"good, 192.0.2.1:1234"});
            EXPECT_EQ(talk.stream->peer(), "192.0.2.1:1234");
        }
    }
}

TEST(ProxiedStream, LendsWhatFollowsTheHeader) {
    Script talk({kHeader.substr(0, 10), kHeader.substr(10) + "GET", " /"});
    LentReceive receive(*talk.stream);
    for (std::size_t i = 1; i <= 3; ++i) {
        ASSERT_FALSE(talk.stream->submit(receive));
        talk.loop.run_ready();
        ASSERT_EQ(receive.results.size(), i);
    }
    EXPECT_EQ(receive.all, "GET /");
    EXPECT_EQ(receive.results, (std::vector<std::int32_t>{3, 2, 0}));
}

TEST(ProxiedStream, LendsWhatASmallBufferHasLeft) {
    Script talk({kHeader + "GET /"});
    std::vector<std::byte> buffer(2);
    auto first = talk.loop.start(talk.stream->read_some(buffer));
    ASSERT_TRUE(first.done());
    EXPECT_EQ(first.result(), 2u);
    LentReceive receive(*talk.stream);
    EXPECT_FALSE(talk.stream->submit(receive));
    talk.stream->cancel(receive);
    talk.loop.run_ready();
    EXPECT_EQ(receive.all, "T /") << "cancelled when it had been done";
}

TEST(ProxiedStream, RefusesWhatIsNoHeader) {
    for (const std::string& text : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("PROXY TCP4 x\r\nGET"),
                                    std::string("PROXY UNKNOWN ") + std::string(9000, 'x')}) {
        Script talk({text});
        auto reading = talk.loop.start(read_all(*talk.stream, 100));
        ASSERT_TRUE(reading.done());
        EXPECT_EQ(reading.result(), "|refused");
        EXPECT_EQ(talk.problems.size(), 1u);
        EXPECT_EQ(talk.script->written(), "") << "no word to it";
    }
}

TEST(ProxiedStream, AnEndWithinTheHeaderIsAProblemAndOneBeforeItIsNone) {
    Script within({"PROXY TCP4"});
    auto reading = within.loop.start(read_all(*within.stream, 100));
    EXPECT_EQ(reading.result(), "|refused");
    EXPECT_EQ(within.problems, std::vector<std::string>{"an incomplete PROXY header"});
    Script probe({});
    auto other = probe.loop.start(read_all(*probe.stream, 100));
    EXPECT_EQ(other.result(), "|end");
    EXPECT_TRUE(probe.problems.empty());
}

TEST(ProxiedStream, TheSenderItselfKeepsItsName) {
    for (const std::string& header :
         {std::string("PROXY UNKNOWN\r\n"), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16)}) {
        Script talk({header + "x"});
        auto reading = talk.loop.start(read_all(*talk.stream, 100));
        EXPECT_EQ(reading.result(), "x|end");
        EXPECT_EQ(talk.stream->peer(), "script");
    }
}

TEST(ProxiedStream, MayBeClosedByWhoHearsOfTheHeader) {
    for (const char* text : {"PROXY UNKNOWN\r\nx", "nonsense"}) {
        Script talk({text});
        talk.closes = true;
        auto reading = talk.loop.start(read_all(*talk.stream, 100));
        ASSERT_TRUE(reading.done());
        EXPECT_EQ(reading.result(), "|cancelled") << text;
        EXPECT_TRUE(talk.script->closed());
    }
}

TEST(ProxiedStream, ClosingAndCancellingEndTheWaitForTheHeader) {
    for (const std::string& sent : {std::string(), std::string("PROXY"), kHeader}) {
        for (bool closes : {true, false}) {
            TestLoop loop;
            auto [client, other] = memory_pipe(loop);
            ProxiedStream stream(std::move(other), [](std::string_view) {});
            auto writing = loop.start(client->write(as_bytes(sent)));
            auto reading = loop.start(read_all(stream, 100));
            EXPECT_FALSE(reading.done());
            if (closes) {
                stream.close();
            } else {
                reading.cancel();
            }
            loop.run_ready();
            ASSERT_TRUE(reading.done());
            EXPECT_EQ(reading.result(), "|cancelled");
        }
    }
}

TEST(ProxiedStream, ACancelledReadLosesNothing) {
    TestLoop loop;
    auto [client, other] = memory_pipe(loop);
    ProxiedStream stream(std::move(other), [](std::string_view) {});
    auto first = loop.start(client->write(as_bytes(kHeader.substr(0, 20))));
    auto cancelled = loop.start(read_all(stream, 100));
    cancelled.cancel();
    loop.run_ready();
    ASSERT_TRUE(cancelled.done());
    const std::string rest = kHeader.substr(20) + "x";
    auto second = loop.start(client->write(as_bytes(rest)));
    client->shutdown_write();
    auto reading = loop.start(read_all(stream, 100));
    ASSERT_TRUE(reading.done());
    EXPECT_EQ(reading.result(), "x|end");
}

TEST(ProxiedStream, AFailedReadIsPassedOn) {
    for (int n : {1, 2, 3}) {
        TestLoop loop;
        auto script = std::make_unique<ScriptedStream>(loop);
        script->give(kHeader.substr(0, 20)).give(kHeader.substr(20)).give("x").end();
        auto faults = std::make_unique<FaultStream>(std::move(script));
        faults->fail_read(n, ECONNRESET);
        int problems = 0;
        ProxiedStream stream(std::move(faults),
                             [&problems](std::string_view problem) { problems += problem.empty() ? 0 : 1; });
        auto reading = loop.start(read_all(stream, 100));
        ASSERT_TRUE(reading.done());
        EXPECT_EQ(reading.result(), "|Connection reset by peer");
        EXPECT_EQ(problems, 0);
    }
}

}  // namespace
}  // namespace caropig::net
