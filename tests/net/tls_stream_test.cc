#include "net/tls_pair.h"
#include <caropig/loop/operation.h>
#include <caropig/net/tls.h>
#include <caropig/testkit/fault_stream.h>

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using testkit::FaultStream;
using testkit::Started;

/// Writes `text` in operations of `pieces`, then says the end.
Task<int> write_all(Stream& stream, std::string text) {
    try {
        co_await stream.write(as_bytes(text));
    } catch (const IoError& error) {
        co_return error.code().value();
    }
    stream.shutdown_write();
    co_return 0;
}

/// Hands on what comes from one stream to the other, `size` bytes at a time.
Task<void> relay(Stream& from, Stream& to, std::size_t size) {
    std::vector<std::byte> buffer(size);
    try {
        while (const std::size_t count = co_await from.read_some(buffer)) {
            co_await to.write(ConstBytes(buffer).first(count));
        }
    } catch (const IoError&) {
    }
    to.shutdown_write();
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    unsigned state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    return text;
}

class TlsStreamTest : public TlsTest {
protected:
    /// Two ends of a session whose pipe holds `capacity` bytes.
    std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>> connected(std::size_t capacity = 65536) {
        auto [here, there] = memory_pipe(loop, capacity);
        return connected(std::move(here), std::move(there));
    }
    std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>> connected(std::unique_ptr<Stream> here,
                                                                                std::unique_ptr<Stream> there) {
        auto accepting = loop.start(outcome_of(tls_accept(std::move(there), server)));
        auto connecting = loop.start(outcome_of(tls_connect(std::move(here), client, "example.com")));
        loop.run_ready();
        return {connecting.result().stream, accepting.result().stream};
    }
    /// Reads that the session has ended the way it must: with the end, or with `error`.
    void expect_end(Stream& stream, int error, const std::string& text = "") {
        auto reading = loop.start(read_all(stream));
        loop.run_ready();
        ASSERT_TRUE(reading.done());
        const Received received = reading.result();
        EXPECT_EQ(received.error, error);
        EXPECT_EQ(received.text, text);
    }

    TlsServerContext server = server_with(root.issue());
    TlsClientContext client{trusting()};
};

TEST_F(TlsStreamTest, CarriesBytesBothWaysAtOnce) {
    const std::string up = pattern(3'000'001);
    const std::string down = pattern(2'000'003);
    for (const std::size_t capacity : {std::size_t{100}, std::size_t{65536}, std::size_t{16} << 20}) {
        auto [here, there] = connected(capacity);
        auto sending = loop.start(write_all(*here, up));
        auto answering = loop.start(write_all(*there, down));
        auto reading = loop.start(read_all(*here, 50'000));
        auto taking = loop.start(read_all(*there, 777));
        loop.run_ready();
        ASSERT_TRUE(sending.done() && answering.done() && reading.done() && taking.done());
        EXPECT_EQ(sending.result(), 0);
        EXPECT_EQ(answering.result(), 0);
        const Received received = reading.result();
        const Received taken = taking.result();
        EXPECT_EQ(received.error, 0);
        EXPECT_EQ(taken.error, 0);
        EXPECT_TRUE(received.text == down);
        EXPECT_TRUE(taken.text == up);
    }
}

TEST_F(TlsStreamTest, WorksByteByByte) {
    auto [here, a] = memory_pipe(loop);
    auto [there, b] = memory_pipe(loop);
    auto up = loop.start(relay(*a, *b, 1));
    auto down = loop.start(relay(*b, *a, 1));
    auto sides = connected(std::move(here), std::move(there));
    ASSERT_TRUE(sides.first && sides.second);
    const std::string text = pattern(20'000);
    auto sending = loop.start(write_all(*sides.first, text));
    expect_end(*sides.second, 0, text);
    sides.second->close();
    expect_end(*sides.first, 0);
    loop.run_ready();
    EXPECT_TRUE(up.done() && down.done());
}

/// What a reader without a buffer of its own is given.
struct LentReads {
    explicit LentReads(Stream& stream) : from(stream), operation(*this) { next(); }
    void next() {
        operation.buffer = {};
        EXPECT_FALSE(from.submit(operation)) << "a lent read came at once";
    }
    struct Receive : ReceiveOperation {
        explicit Receive(LentReads& reads)
            : ReceiveOperation([](Operation& self) noexcept {
                  LentReads& owner = static_cast<Receive&>(self).reads;
                  if (self.result <= 0) {
                      owner.result = self.result;
                      return;
                  }
                  owner.text += as_text(owner.operation.received());
                  owner.next();
              }),
              reads(reads) {}
        LentReads& reads;
    };
    Stream& from;
    Receive operation;
    std::string text;
    std::optional<int> result;
};

TEST_F(TlsStreamTest, LendsWhatItDecrypts) {
    auto [here, there] = connected();
    const std::string text = pattern(300'000);
    LentReads reads(*there);
    auto sending = loop.start(write_all(*here, text));
    loop.run_ready();
    EXPECT_TRUE(reads.text == text);
    EXPECT_EQ(reads.result, 0);
}

/// A write of several pieces.
struct PiecesWritten {
    PiecesWritten(Stream& stream, std::vector<ConstBytes> list) : pieces(std::move(list)), operation(*this) {
        operation.pieces = pieces;
        if (stream.submit(operation)) result = operation.result;
    }
    struct Send : SendOperation {
        explicit Send(PiecesWritten& written)
            : SendOperation([](Operation& self) noexcept { static_cast<Send&>(self).owner.result = self.result; }),
              owner(written) {}
        PiecesWritten& owner;
    };
    std::vector<ConstBytes> pieces;
    Send operation;
    std::optional<int> result;
};

TEST_F(TlsStreamTest, JoinsPieces) {
    auto [here, there] = connected();
    const std::string large = pattern(40'000);
    const PiecesWritten written(*here, {as_bytes(""), as_bytes("head"), as_bytes(""), as_bytes(large), as_bytes("a"),
                                        as_bytes("tail"), as_bytes("")});
    loop.run_ready();
    EXPECT_EQ(written.result, 0);
    EXPECT_EQ(written.operation.sent, 40'009u);
    here->shutdown_write();
    expect_end(*there, 0, "head" + large + "atail");
}

TEST_F(TlsStreamTest, CutOffIsNoEnd) {
    auto [here, wire] = memory_pipe(loop);
    auto [there, other_wire] = memory_pipe(loop);
    auto up = loop.start(relay(*wire, *other_wire, 4096));
    auto down = loop.start(relay(*other_wire, *wire, 4096));
    auto sides = connected(std::move(here), std::move(there));
    ASSERT_TRUE(sides.first && sides.second);
    auto sending = loop.start(sides.second->write(as_bytes("half of the answer")));
    loop.run_ready();
    wire->shutdown_write();  // somebody in between
    expect_end(*sides.first, ECONNABORTED, "half of the answer");
    expect_end(*sides.first, ECONNABORTED);
}

// As most servers do that close: answer and end arrive at once, the end of the connection only much later.
TEST_F(TlsStreamTest, EndThatComesWithTheLastBytes) {
    for (const std::size_t at_a_time : {3u, 6u, 100u}) {
        auto [here, wire] = memory_pipe(loop);
        auto [there, other_wire] = memory_pipe(loop);
        std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>> sides;
        {
            auto up = loop.start(relay(*wire, *other_wire, 4096));
            auto down = loop.start(relay(*other_wire, *wire, 4096));
            sides = connected(std::move(here), std::move(there));
        }
        ASSERT_TRUE(sides.first && sides.second);
        auto answering = loop.start(write_all(*sides.second, "answer"));
        std::vector<std::byte> flight(4096);
        auto taking = loop.start(other_wire->read_some(flight));
        loop.run_ready();
        flight.resize(taking.result());
        auto reading = loop.start(read_all(*sides.first, at_a_time));
        auto giving = loop.start(wire->write(flight));
        loop.run_ready();
        ASSERT_TRUE(reading.done()) << at_a_time;
        EXPECT_EQ(reading.result().text, "answer");
    }
}

TEST_F(TlsStreamTest, EndIsSaidByClosingAndByDestroying) {
    for (const bool destroys : {false, true}) {
        auto [here, there] = connected();
        auto sending = loop.start(there->write(as_bytes("all")));
        loop.run_ready();
        if (destroys) {
            there.reset();
        } else {
            there->close();
        }
        expect_end(*here, 0, "all");
    }
}

TEST_F(TlsStreamTest, HalfClosedIsStillRead) {
    auto [here, there] = connected();
    here->shutdown_write();
    here->shutdown_write();
    expect_end(*there, 0);
    auto writing = loop.start(write_all(*there, "answer"));
    loop.run_ready();
    EXPECT_EQ(writing.result(), 0);
    auto late = loop.start(write_all(*here, "more"));
    EXPECT_EQ(late.result(), EPIPE);
    expect_end(*here, 0, "answer");
}

TEST_F(TlsStreamTest, ChangedBytesAreNoticed) {
    auto [here, wire] = memory_pipe(loop);
    auto [there, other_wire] = memory_pipe(loop);
    std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>> sides;
    {
        auto up = loop.start(relay(*wire, *other_wire, 4096));
        auto down = loop.start(relay(*other_wire, *wire, 4096));
        sides = connected(std::move(here), std::move(there));
    }
    ASSERT_TRUE(sides.first && sides.second);
    const std::string record("\x17\x03\x03\x00\x20", 5);
    auto forging = loop.start(wire->write(as_bytes(record + std::string(32, 'x'))));
    expect_end(*sides.first, EPROTO);
    EXPECT_EQ(sides.first->failure(), "decryption failed or bad record mac");
    expect_end(*sides.first, EPROTO);
}

TEST_F(TlsStreamTest, CancelledReadLosesNothing) {
    auto [here, there] = connected();
    {
        auto reading = loop.start(read_all(*here));
        EXPECT_FALSE(reading.done());
        reading.cancel();
        auto sending = loop.start(there->write(as_bytes("kept")));
        loop.run_ready();
        ASSERT_TRUE(reading.done());
        EXPECT_THROW(reading.result(), Cancelled);
    }
    there->close();
    expect_end(*here, 0, "kept");
}

TEST_F(TlsStreamTest, CancelledReadIsFollowedByAnotherAtOnce) {
    auto [here, there] = connected();
    auto first = loop.start(read_all(*here));
    first.cancel();
    auto second = loop.start(read_all(*here));
    there->close();
    loop.run_ready();
    EXPECT_THROW(first.result(), Cancelled);
    EXPECT_EQ(second.result().error, 0);
}

TEST_F(TlsStreamTest, CancelledWriteIsTheLast) {
    auto [here, there] = connected(1000);
    const std::string text = pattern(100'000);
    auto writing = loop.start(here->write(as_bytes(text)));
    EXPECT_FALSE(writing.done());
    writing.cancel();
    loop.run_ready();
    EXPECT_THROW(writing.result(), Cancelled);
    auto again = loop.start(write_all(*here, "more"));
    EXPECT_EQ(again.result(), EPIPE);
    here->close();
    there.reset();
}

TEST_F(TlsStreamTest, CloseEndsWhatIsPending) {
    auto [here, there] = connected(1000);
    const std::string text = pattern(100'000);
    auto reading = loop.start(read_all(*here));
    auto writing = loop.start(here->write(as_bytes(text)));
    EXPECT_FALSE(reading.done() || writing.done());
    here->close();
    EXPECT_FALSE(reading.done() || writing.done()) << "it ends in a later round";
    loop.run_ready();
    EXPECT_THROW(reading.result(), Cancelled);
    EXPECT_THROW(writing.result(), Cancelled);
    auto after = loop.start(here->write(as_bytes("x")));
    EXPECT_THROW(after.result(), Cancelled);
}

TEST_F(TlsStreamTest, PeerThatGoesIsAHangup) {
    auto [here, there] = connected();
    struct Hangup : HangupOperation {
        Hangup() : HangupOperation([](Operation&) noexcept {}) {}
    } hangup;
    EXPECT_FALSE(here->submit(hangup));
    there.reset();
    loop.run_ready();
    EXPECT_FALSE(hangup.pending());
    EXPECT_EQ(hangup.result, 0);
}

TEST_F(TlsStreamTest, EachStepMayFail) {
    for (const bool reads : {true, false}) {
        bool failed = true;
        for (int n = 1; failed; ++n) {
            ASSERT_LT(n, 20);
            auto [here, there] = memory_pipe(loop);
            auto faulty = std::make_unique<FaultStream>(std::move(here));
            reads ? faulty->fail_read(n, ECONNRESET) : faulty->fail_write(n, ECONNRESET);
            auto accepting = loop.start(outcome_of(tls_accept(std::move(there), server)));
            auto connecting = loop.start(outcome_of(tls_connect(std::move(faulty), client, "example.com")));
            loop.run_ready();
            ASSERT_TRUE(connecting.done());
            const TlsOutcome outcome = connecting.result();
            if (outcome.stream == nullptr) {
                EXPECT_EQ(outcome.error, "TLS handshake with example.com (pipe): Connection reset by peer");
                continue;
            }
            EXPECT_GT(n, 1) << "a step of the handshake failed, and nobody noticed";
            auto writing = loop.start(write_all(*outcome.stream, "question"));
            if (!accepting.done()) {
                EXPECT_EQ(writing.result(), ECONNRESET) << "the last write of the handshake failed";
                continue;
            }
            const TlsOutcome accepted = accepting.result();
            auto answering = loop.start(write_all(*accepted.stream, "answer"));
            auto reading = loop.start(read_all(*outcome.stream));
            loop.run_ready();
            ASSERT_TRUE(writing.done() && reading.done());
            const int error = reads ? reading.result().error : writing.result();
            EXPECT_TRUE(error == ECONNRESET || error == 0);
            failed = error != 0;
        }
    }
}

struct Sending : SendOperation {
    Sending() : SendOperation([](Operation&) noexcept {}) {}
};

// Whether anything of a request was taken decides whether it may go out again.
TEST_F(TlsStreamTest, CountsAsSentWhatTheStreamBelowHasTaken) {
    const std::string text = pattern(150'000);  // is sent in three parts
    const ConstBytes bytes = as_bytes(text);
    for (const int part : {1, 2, 3}) {
        auto [below, far] = memory_pipe(loop, std::size_t{16} << 20);
        auto faulty = std::make_unique<FaultStream>(std::move(below));
        FaultStream& faults = *faulty;
        auto [here, there] = connected(std::move(faulty), std::move(far));
        faults.fail_write(faults.writes() + part, EPIPE);
        Sending sending;
        sending.pieces = {&bytes, 1};
        here->submit(sending);
        loop.run_ready();
        ASSERT_FALSE(sending.pending());
        EXPECT_EQ(sending.result, -EPIPE);
        EXPECT_EQ(sending.sent, static_cast<std::size_t>(part - 1) * 65536);
    }
}

TEST_F(TlsStreamTest, CountsAsSentWhatMayHaveBeenTaken) {
    auto [here, there] = connected(100);
    const std::string text = pattern(200);
    const ConstBytes bytes = as_bytes(text);
    Sending sending;
    sending.pieces = {&bytes, 1};
    here->submit(sending);  // a part of its record fits in
    ASSERT_TRUE(sending.pending());
    there.reset();
    loop.run_ready();
    ASSERT_FALSE(sending.pending());
    EXPECT_NE(sending.result, 0);
    EXPECT_NE(sending.sent, 0u);

    Sending next;
    next.pieces = {&bytes, 1};
    here->submit(next);
    EXPECT_EQ(next.sent, 0u);
}

TEST_F(TlsStreamTest, HandshakeIsCancelledAtEachStep) {
    bool ended = false;
    for (std::size_t bytes = 0; !ended; bytes += 50) {
        // As many bytes of the server's as that reach the client.
        auto [here, wire] = memory_pipe(loop);
        auto [there, other_wire] = memory_pipe(loop);
        auto up = loop.start(relay(*wire, *other_wire, 4096));
        auto accepting = loop.start(outcome_of(tls_accept(std::move(there), server)));
        auto connecting = loop.start(outcome_of(tls_connect(std::move(here), client, "example.com")));
        loop.run_ready();
        std::vector<std::byte> flight(bytes);
        if (bytes != 0) {
            auto reading = loop.start(other_wire->read_some(flight));
            ASSERT_TRUE(reading.done());
            flight.resize(reading.result());
            auto writing = loop.start(wire->write(flight));
            loop.run_ready();
        }
        ended = connecting.done();
        connecting.cancel();
        accepting.cancel();
        loop.run_ready();
        ASSERT_TRUE(connecting.done());
        ASSERT_TRUE(accepting.done());
        const TlsOutcome outcome = connecting.result();
        EXPECT_EQ(outcome.cancelled, !ended) << outcome.error;
        EXPECT_EQ(outcome.stream != nullptr, ended) << outcome.error;
        ASSERT_LT(bytes, 10'000u);
    }
}

TEST_F(TlsStreamTest, OneInsideTheOther) {
    auto outer = connected();
    auto inner = connected(std::move(outer.first), std::move(outer.second));
    ASSERT_TRUE(inner.first && inner.second);
    const std::string text = pattern(500'000);
    auto sending = loop.start(write_all(*inner.first, text));
    expect_end(*inner.second, 0, text);
}

}  // namespace
}  // namespace caropig::net
