#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/fault_stream.h>
#include <caropig/testkit/scripted_stream.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>

#include <gtest/gtest.h>

namespace caropig::testkit {
namespace {

Task<std::string> read_text(net::Stream& stream, std::size_t most) {
    std::string text(most, '\0');
    std::size_t size = co_await stream.read_some(std::as_writable_bytes(std::span(text)));
    text.resize(size);
    co_return text;
}

Task<void> write_text(net::Stream& stream, std::string text) { co_await stream.write(as_bytes(text)); }

template <class T>
int error_of(Started<T>&& task) {
    try {
        task.result();
    } catch (const IoError& error) {
        return error.code().value();
    }
    return 0;
}

TEST(ScriptedStream, PlaysItsSteps) {
    TestLoop loop;
    ScriptedStream stream(loop);
    stream.expect_write("hello").give("wor").give("ld").expect_write("bye").end();
    auto early = loop.start(read_text(stream, 10));
    EXPECT_FALSE(early.done()) << "the answer comes after what it answers";
    loop.start(write_text(stream, "hel")).result();
    EXPECT_FALSE(early.done());
    loop.start(write_text(stream, "lo")).result();
    ASSERT_TRUE(early.done());
    EXPECT_EQ(early.result(), "wor");
    EXPECT_EQ(loop.start(read_text(stream, 1)).result(), "l");
    EXPECT_EQ(loop.start(read_text(stream, 10)).result(), "d");
    EXPECT_FALSE(stream.finished());
    loop.start(write_text(stream, "bye")).result();
    EXPECT_EQ(loop.start(read_text(stream, 10)).result(), "");
    EXPECT_EQ(loop.start(read_text(stream, 10)).result(), "");
    EXPECT_TRUE(stream.finished());
    EXPECT_EQ(stream.written(), "hellobye");
    EXPECT_EQ(stream.mismatch(), "");
}

TEST(ScriptedStream, FailsWhereTheScriptSaysSo) {
    TestLoop loop;
    ScriptedStream stream(loop);
    stream.give("x").fail_read(ECONNRESET).fail_write(EPIPE);
    EXPECT_EQ(loop.start(read_text(stream, 10)).result(), "x");
    EXPECT_EQ(error_of(loop.start(read_text(stream, 10))), ECONNRESET);
    EXPECT_EQ(error_of(loop.start(write_text(stream, "y"))), EPIPE);
    EXPECT_TRUE(stream.finished());
}

TEST(ScriptedStream, NotesWhatWasNotExpected) {
    TestLoop loop;
    ScriptedStream stream(loop);
    stream.expect_write("a");
    EXPECT_EQ(error_of(loop.start(write_text(stream, "b"))), EPROTO);
    EXPECT_NE(stream.mismatch(), "");
}

TEST(ScriptedStream, CloseCancels) {
    TestLoop loop;
    ScriptedStream stream(loop);
    auto reading = loop.start(read_text(stream, 1));
    stream.close();
    loop.run_ready();
    ASSERT_TRUE(reading.done());
    EXPECT_THROW(reading.result(), Cancelled);
    EXPECT_THROW(loop.start(write_text(stream, "x")).result(), Cancelled);
}

TEST(FaultStream, FailsTheNthOperation) {
    TestLoop loop;
    auto [left, right] = net::memory_pipe(loop);
    FaultStream faulty(std::move(left));
    faulty.fail_read(2, ECONNRESET).fail_write(1, EPIPE).shorten_read(1, 2);
    EXPECT_EQ(error_of(loop.start(write_text(faulty, "x"))), EPIPE);
    loop.start(write_text(faulty, "y")).result();
    EXPECT_EQ(loop.start(read_text(*right, 10)).result(), "y") << "the failed write sent nothing";
    loop.start(write_text(*right, "abc")).result();
    EXPECT_EQ(loop.start(read_text(faulty, 10)).result(), "ab");
    EXPECT_EQ(error_of(loop.start(read_text(faulty, 10))), ECONNRESET);
    EXPECT_EQ(loop.start(read_text(faulty, 10)).result(), "c");
    EXPECT_EQ(faulty.reads(), 3);
    EXPECT_EQ(faulty.writes(), 2);
}

}  // namespace
}  // namespace caropig::testkit
