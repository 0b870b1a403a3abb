#include "client/exchange.h"
#include <caropig/async/scope.h>
#include <caropig/client/status_error.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/test_loop.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;

/// Bodies that are made while they are sent and read while they arrive, over a pipe that holds `capacity` bytes.
class Streaming : public ::testing::Test {
protected:
    Task<Connected> connect() {
        auto [ours, theirs] = net::memory_pipe(loop, 1000);
        peer = std::move(theirs);
        Connected connected;
        connected.stream = std::move(ours);
        co_return connected;
    }

    Task<std::string> fetch(FetchRequest request) {
        try {
            const Response response = co_await fetch_through(pool, std::move(request));
            std::string text = std::to_string(response.status()) + " " + response.body();
            if (!response.trailers().empty()) text += " + " + std::string(response.trailers().wire());
            co_return text;
        } catch (const FetchError& error) {
            co_return error.what();
        } catch (const StatusError& error) {
            co_return std::string("raised: ") + error.what() + ", " + error.response().body();
        } catch (const std::length_error& error) {
            co_return std::string("length: ") + error.what();
        }
    }

    /// What has come to the server, as far as it goes.
    std::string receive() {
        std::string all;
        for (;;) {
            auto reading = loop.start(read_once());
            if (!reading.done()) return all;
            all += reading.result();
        }
    }
    Task<std::string> read_once() {
        char buffer[300];
        const std::size_t size = co_await peer->read_some(std::as_writable_bytes(std::span(buffer)));
        co_return std::string(buffer, size);
    }
    void send(std::string text) {
        auto writing = loop.start(peer->write(as_bytes(text)));
        ASSERT_TRUE(writing.done());
        loop.run_ready();
    }

    static Task<void> produce_two(RequestBody& body) {
        co_await body.write("hello ");
        co_await body.write("world");
    }

    testkit::TestLoop loop;
    std::unique_ptr<net::Stream> peer;
    Pool pool{loop, PoolOptions(), [this](Origin, FetchError::Phase&) { return connect(); }};
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(Streaming, ProducedBodyInChunks) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(&produce_two)));
    const std::string request = receive();
    EXPECT_NE(request.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos) << request;
    EXPECT_TRUE(request.ends_with("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n")) << request;
    send(std::string(kOk));
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "200 ok");
    EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(Streaming, TrailersFollowABodyInChunks) {
    BodyProducer producer = [](RequestBody& body) -> Task<void> {
        co_await body.write("ab");
        http::Headers late;
        late.add("Host", "other");
        EXPECT_THROW(body.trailers(late), std::invalid_argument);
        http::Headers sum;
        sum.add("X-Sum", "7");
        body.trailers(std::move(sum));
    };
    auto chunked = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(producer)));
    EXPECT_TRUE(receive().ends_with("2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n"));
    send(std::string(kOk));
    EXPECT_TRUE(chunked.done());
    auto counted = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(producer, 2)));
    EXPECT_TRUE(receive().ends_with("\r\n\r\nab")) << "no place for them";
    send(std::string(kOk));
    EXPECT_TRUE(counted.done());
}

TEST_F(Streaming, RelaysWithoutANameOfItsOwn) {
    auto bare = loop.start(fetch(FetchRequest("http://h/").names_itself(false)));
    EXPECT_EQ(receive(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    send(std::string(kOk));
    EXPECT_TRUE(bare.done());
    auto asking = loop.start(fetch(FetchRequest("http://h/").names_itself(false).wants_trailers(true)));
    EXPECT_EQ(receive(), "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    send(std::string(kOk));
    EXPECT_TRUE(asking.done());
    auto decoding = loop.start(fetch(FetchRequest("http://h/").names_itself(false).decompress(true)));
    EXPECT_EQ(receive(), "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: zstd, br, gzip\r\n\r\n");
    send(std::string(kOk));
    EXPECT_TRUE(decoding.done());
}

TEST_F(Streaming, ProducedBodyOfKnownLength) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(&produce_two, 11)));
    const std::string request = receive();
    EXPECT_NE(request.find("\r\nContent-Length: 11\r\n"), std::string::npos) << request;
    EXPECT_TRUE(request.ends_with("\r\n\r\nhello world")) << request;
    send(std::string(kOk));
    EXPECT_TRUE(fetching.done());
}

TEST_F(Streaming, ProducerThatWritesTooMuchOrTooLittle) {
    auto more = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(&produce_two, 10)));
    ASSERT_TRUE(more.done());
    EXPECT_EQ(more.result(), "length: the body's producer has written more than was announced");
    auto less = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(&produce_two, 12)));
    ASSERT_TRUE(less.done());
    EXPECT_EQ(less.result(), "length: the body's producer has written 1 bytes too few");
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Streaming, SlowServerSlowsTheProducerDown) {
    int written = 0;
    BodyProducer producer = [&written](RequestBody& body) -> Task<void> {
        const std::string piece(600, 'x');
        for (; written < 10; ++written) co_await body.write(piece);
    };
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(producer, 6000)));
    EXPECT_LE(written, 2);
    receive();
    EXPECT_EQ(written, 10);
    send(std::string(kOk));
    EXPECT_TRUE(fetching.done());
}

TEST_F(Streaming, EarlyAnswerEndsTheProducer) {
    int written = 0;
    BodyProducer producer = [&written](RequestBody& body) -> Task<void> {
        const std::string piece(600, 'x');
        for (; written < 10; ++written) co_await body.write(piece);
    };
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(producer)));
    send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "413 no");
    EXPECT_LT(written, 10);
    EXPECT_EQ(pool.open(), 0u) << "a connection with half a request was kept";
}

TEST_F(Streaming, TotalTimeoutOfAProducer) {
    BodyProducer producer = [](RequestBody&) -> Task<void> { co_await sleep_for(1h); };
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body_from(producer)));
    loop.advance(20s);
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "fetch http://h: the total_timeout of 20 s passed while sending the request");
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Streaming, ExpectContinueWaitsForTheServer) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body("body").expect_continue(1s)));
    const std::string head = receive();
    EXPECT_NE(head.find("\r\nExpect: 100-continue\r\n"), std::string::npos) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    send("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(receive(), "body");
    send(std::string(kOk));
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "200 ok");
    EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(Streaming, ExpectContinueDoesNotWaitForEver) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body("body").expect_continue(1s)));
    EXPECT_TRUE(receive().ends_with("\r\n\r\n"));
    loop.advance(1s);
    EXPECT_EQ(receive(), "body");
    send(std::string(kOk));
    EXPECT_TRUE(fetching.done());
}

TEST_F(Streaming, ExpectContinueRefusedSendsNoBody) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body("body").expect_continue(1s)));
    receive();
    send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "417 ");
    EXPECT_EQ(pool.open(), 0u) << "the server may wait for the body";
}

TEST_F(Streaming, TrailersAndInterimAnswers) {
    std::string hints;
    FetchRequest request("http://h/");
    request.on_informational([&hints](int status, http::HeadersView fields) {
        hints += std::to_string(status) + std::string(fields.find("Link").value_or("")) + " ";
    });
    auto fetching = loop.start(fetch(std::move(request)));
    send("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 X\r\n\r\n");
    send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n");
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "200 ok + X-Sum: 7\r\n");
    EXPECT_EQ(hints, "103a 102 ");
}

TEST_F(Streaming, RaiseErrorMakesAnException) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").raise_error(true)));
    send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "raised: HTTP 503: Busy, busy");
    EXPECT_EQ(pool.idle(), 1u) << "the connection is in order";
}

TEST_F(Streaming, FirstByteTimeout) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").first_byte_timeout(3s)));
    loop.advance(3s);
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(), "fetch http://h: the first_byte_timeout of 3 s passed while waiting for the response");
}

TEST_F(Streaming, BetweenBytesTimeout) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/").first_byte_timeout(1s).between_bytes_timeout(3s)));
    send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
        loop.advance(2s);
        send("x");
    }
    EXPECT_FALSE(fetching.done());
    loop.advance(3s);
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result(),
              "fetch http://h: the between_bytes_timeout of 3 s passed while receiving the response");
}

// ---- reading while it arrives

class Reading : public Streaming {
protected:
    void open(FetchRequest request = FetchRequest("http://h/")) {
        auto opening = loop.start(open_through(pool, std::move(request)));
        EXPECT_FALSE(opening.done());
        send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n");
        ASSERT_TRUE(opening.done());
        answer.emplace(opening.result());
    }
    Task<std::string> read_piece() {
        try {
            const std::string_view piece = co_await answer->read();
            co_return std::string(piece);
        } catch (const FetchError& error) {
            co_return error.what();
        } catch (const Cancelled&) {
            co_return "cancelled";
        }
    }

    std::optional<ResponseStream> answer;
};

TEST_F(Reading, HeadFirstThenPieces) {
    open();
    EXPECT_EQ(answer->status(), 200);
    EXPECT_EQ(answer->headers().find("X"), "y");
    send("5\r\nhello\r\n");
    auto first = loop.start(read_piece());
    ASSERT_TRUE(first.done());
    EXPECT_EQ(first.result(), "hello");
    auto second = loop.start(read_piece());
    EXPECT_FALSE(second.done());
    send("1\r\n!\r\n");
    EXPECT_EQ(second.result(), "!");
    send("0\r\nX-Sum: 7\r\n\r\n");
    for (int i = 0; i < 2; ++i) {
        auto end = loop.start(read_piece());
        ASSERT_TRUE(end.done());
        EXPECT_EQ(end.result(), "");
    }
    EXPECT_EQ(answer->trailers().find("X-Sum"), "7");
    EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(Reading, TellsWhetherItWouldWait) {
    open();
    EXPECT_FALSE(answer->ready());
    send("5\r\nhello\r\n0\r\nX: y\r\n\r\n");
    auto first = loop.start(read_piece());
    ASSERT_TRUE(first.done());
    EXPECT_TRUE(answer->complete());
    EXPECT_TRUE(answer->ready()) << "the end";

    auto opening = loop.start(open_through(pool, FetchRequest("http://h/")));
    send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
    ASSERT_TRUE(opening.done());
    answer.emplace(opening.result());
    EXPECT_TRUE(answer->ready()) << "a piece";
    EXPECT_FALSE(answer->complete());
    auto piece = loop.start(read_piece());
    ASSERT_TRUE(piece.done());
    EXPECT_FALSE(answer->ready());
    send("c");
    auto last = loop.start(read_piece());
    EXPECT_EQ(last.result(), "c");
    EXPECT_TRUE(answer->complete());
}

TEST_F(Reading, WholeAnswerWithItsHead) {
    auto opening = loop.start(open_through(pool, FetchRequest("http://h/")));
    send(std::string(kOk));
    ASSERT_TRUE(opening.done());
    answer.emplace(opening.result());
    EXPECT_TRUE(answer->complete());
    EXPECT_EQ(pool.idle(), 1u);
    auto first = loop.start(read_piece());
    EXPECT_EQ(first.result(), "ok");
    auto second = loop.start(read_piece());
    EXPECT_EQ(second.result(), "");
}

TEST_F(Reading, GoesOnWithAnotherProtocol) {
    auto opening = loop.start(open_through(pool, FetchRequest("http://h/").upgrade("echo")));
    EXPECT_EQ(receive(),
              "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: CaroPig/0.1\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: Echo\r\nConnection: upgrade\r\n\r\nfirst");
    ASSERT_TRUE(opening.done());
    answer.emplace(opening.result());
    EXPECT_EQ(answer->status(), 101);
    EXPECT_TRUE(answer->complete());
    std::unique_ptr<net::Stream> stream = answer->take_stream();
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(answer->take_stream(), nullptr);
    answer.reset();
    char buffer[100];
    for (const std::string_view expected : {"fir", "st", "next"}) {
        if (expected == "next") send("next");
        const std::size_t room = expected == "fir" ? 3 : sizeof(buffer);
        auto reading = loop.start(stream->read_some(std::as_writable_bytes(std::span(buffer)).first(room)));
        ASSERT_TRUE(reading.done());
        EXPECT_EQ(std::string_view(buffer, reading.result()), expected);
    }
    const std::string mine = "mine";
    auto writing = loop.start(stream->write(as_bytes(mine)));
    EXPECT_EQ(receive(), "mine");
    EXPECT_EQ(pool.open(), 1u);
    stream.reset();
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Reading, SwitchesToNothingElse) {
    auto other = loop.start(fetch(FetchRequest("http://h/").upgrade("echo")));
    send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n");
    ASSERT_TRUE(other.done());
    EXPECT_EQ(other.result(),
              "fetch http://h: the response is not valid HTTP: it switches protocols without having been asked to");
    auto opening = loop.start(open_through(pool, FetchRequest("http://h/").upgrade("echo")));
    send(std::string(kOk));
    answer.emplace(opening.result());
    EXPECT_EQ(answer->take_stream(), nullptr);
    EXPECT_EQ(pool.idle(), 1u);
    for (const char* wrong : {"", "a b", "a/", "/1", "a/b/c", "a\r\nX: y"}) {
        EXPECT_THROW(FetchRequest("http://h/").upgrade(wrong), std::invalid_argument) << wrong;
    }
}

TEST_F(Reading, SlowReaderSlowsTheServerDown) {
    open();
    auto writing = loop.start(peer->write(as_bytes(std::string_view("ffff\r\n"))));
    loop.run_ready();
    const std::string much(20000, 'x');
    auto more = loop.start(peer->write(as_bytes(much)));
    loop.run_ready();
    EXPECT_FALSE(more.done()) << "the body was read though nobody asked for it";
    more.cancel();
    loop.run_ready();
}

TEST_F(Reading, DroppedBeforeTheEndClosesTheConnection) {
    open();
    answer.reset();
    loop.run_ready();
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Reading, CancelledReadClosesTheConnection) {
    open();
    auto reading = loop.start(read_piece());
    reading.cancel();
    loop.run_ready();
    EXPECT_EQ(reading.result(), "cancelled");
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Reading, LimitsHold) {
    open(FetchRequest("http://h/").max_response_bytes(7).between_bytes_timeout(5s));
    send("5\r\nhello\r\n");
    auto first = loop.start(read_piece());
    auto second = loop.start(read_piece());
    EXPECT_EQ(first.result(), "hello");
    send("3\r\nfoo\r\n");
    ASSERT_TRUE(second.done());
    EXPECT_EQ(second.result(), "fetch http://h: the response is too large: its body has more than 7 bytes");
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(Reading, DeadlinesHold) {
    open(FetchRequest("http://h/").total_timeout(10s));
    auto reading = loop.start(read_piece());
    loop.advance(10s);
    ASSERT_TRUE(reading.done());
    EXPECT_EQ(reading.result(), "fetch http://h: the total_timeout of 10 s passed while receiving the response");
    EXPECT_EQ(pool.open(), 0u);
}

/// A folder of its own.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "caropig-client-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file() const { return (path_ / "file").string(); }

private:
    std::filesystem::path path_;
};

Task<Connected> connect_pipe(Loop& loop, std::unique_ptr<net::Stream>& peer) {
    auto [ours, theirs] = net::memory_pipe(loop);
    peer = std::move(theirs);
    Connected connected;
    connected.stream = std::move(ours);
    co_return connected;
}

/// Fetches into a file from a server that answers `text` and closes.
Task<std::uint64_t> save(Loop& loop, std::string text, std::string path) {
    std::unique_ptr<net::Stream> peer;
    auto connect = [&](Origin, FetchError::Phase&) { return connect_pipe(loop, peer); };
    Pool pool(loop, PoolOptions(), connect);
    ThreadPool threads(ThreadPoolOptions().threads(1));
    auto serve = [&]() -> Task<void> {
        while (peer == nullptr) co_await yield();
        co_await peer->write(as_bytes(text));
        peer->shutdown_write();
    };
    auto take = [&]() -> Task<std::uint64_t> {
        ResponseStream answer = co_await open_through(pool, FetchRequest("http://h/"));
        co_return co_await answer.save_to(path, threads);
    };
    Scope scope(loop);
    scope.spawn(serve);
    std::uint64_t size = 0;
    std::exception_ptr failure;
    try {
        size = co_await take();
    } catch (...) {
        failure = std::current_exception();
    }
    co_await scope.join();
    if (failure) std::rethrow_exception(failure);
    co_return size;
}

TEST(SaveTo, WritesTheBody) {
    const TemporaryFolder folder;
    Loop loop;
    const std::string body(50000, 'x');
    EXPECT_EQ(loop.run_until(save(loop, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + body, folder.file())),
              50000u);
    std::ifstream file(folder.file());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), body);
}

TEST(SaveTo, LeavesNothingWhenTheServerBreaksOff) {
    const TemporaryFolder folder;
    Loop loop;
    EXPECT_THROW(loop.run_until(save(loop, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nabc", folder.file())),
                 FetchError);
    EXPECT_FALSE(std::filesystem::exists(folder.file()));
}

TEST(SaveTo, NamesTheFileThatCanNotBeMade) {
    const TemporaryFolder folder;
    Loop loop;
    EXPECT_THROW(loop.run_until(save(loop, std::string(kOk), folder.file() + "/none/file")), IoError);
}

}  // namespace
}  // namespace caropig::client
