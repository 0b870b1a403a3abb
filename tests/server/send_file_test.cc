#include "net/socket_stream.h"
#include "server/test_server.h"
#include "support/captured_log.h"
#include "support/loop_until.h"
#include <caropig/loop/loop.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace caropig::server {
namespace {

/// A file without a name, for the handlers of this file.
class File {
public:
    explicit File(std::size_t size) : fd_(::memfd_create("content", MFD_CLOEXEC)) {
        for (std::size_t i = 0; i < size; ++i) content_ += static_cast<char>(i * 7 % 251);
        EXPECT_EQ(::pwrite(fd_, content_.data(), size, 0), static_cast<ssize_t>(size));
        current = this;
    }
    ~File() {
        ::close(fd_);
        current = nullptr;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    void shrink(std::size_t size) const { EXPECT_EQ(::ftruncate(fd_, static_cast<off_t>(size)), 0); }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] const std::string& content() const { return content_; }

    static inline const File* current = nullptr;

private:
    int fd_;
    std::string content_;
};

/// Takes parts of files as a socket does, a thousand bytes after the other, and hands everything on to another stream.
class FileTaking final : public net::Stream {
public:
    explicit FileTaking(std::unique_ptr<net::Stream> below)
        : below_(std::move(below)),
          piece_([](Operation& self) noexcept { static_cast<Piece&>(self).owner->on_sent(); }) {
        piece_.owner = this;
    }
    void shutdown_write() noexcept override { below_->shutdown_write(); }
    void close() noexcept override { below_->close(); }
    [[nodiscard]] std::string peer() const override { return below_->peer(); }
    [[nodiscard]] Loop& loop() const noexcept override { return below_->loop(); }
    bool submit(ReceiveOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit(SendOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return below_->submit(operation); }
    void cancel(Operation& operation) noexcept override {
        below_->cancel(&operation == sending_ ? static_cast<Operation&>(piece_) : operation);
    }
    bool submit_file(SendFileOperation& operation) noexcept override {
        ++files;
        operation.sent = 0;
        sending_ = &operation;
        if (send_next()) return false;
        sending_ = nullptr;
        operation.complete_inline(outcome_);
        return true;
    }

    static inline int files = 0;

private:
    struct Piece : SendOperation {
        using SendOperation::SendOperation;
        FileTaking* owner = nullptr;
    };

    /// Whether a piece is on its way; else outcome_ is what came of all.
    bool send_next() noexcept {
        SendFileOperation& operation = *sending_;
        while (operation.sent < operation.count) {
            const std::size_t wanted = std::min<std::size_t>(operation.count - operation.sent, bytes_.size());
            ssize_t size =
                ::pread(operation.file, bytes_.data(), wanted, static_cast<off_t>(operation.offset + operation.sent));
            if (size <= 0) break;
            pieces_[0] = as_bytes(std::string_view(bytes_.data(), static_cast<std::size_t>(size)));
            piece_.pieces = pieces_;
            if (!below_->submit(piece_)) {
                if (!operation.pending()) operation.mark_waiting();
                return true;
            }
            outcome_ = piece_.result;
            if (outcome_ < 0) return false;
            operation.sent += piece_.sent;
        }
        outcome_ = static_cast<std::int32_t>(operation.sent);
        return false;
    }
    void on_sent() noexcept {
        outcome_ = piece_.result;
        if (outcome_ >= 0) {
            sending_->sent += piece_.sent;
            if (send_next()) return;
        }
        std::exchange(sending_, nullptr)->complete(outcome_);
    }

    std::unique_ptr<net::Stream> below_;
    SendFileOperation* sending_ = nullptr;
    std::array<char, 1000> bytes_{};
    std::array<ConstBytes, 1> pieces_;
    Piece piece_;
    std::int32_t outcome_ = 0;
};

std::unique_ptr<net::Stream> take_files(std::unique_ptr<net::Stream> below) {
    FileTaking::files = 0;
    return std::make_unique<FileTaking>(std::move(below));
}

Task<void> whole_file(Exchange& exchange, TestService&) {
    ResponseHead head;
    const std::uint64_t size = File::current->content().size();
    exchange.start_response(head, size);
    co_await exchange.write_file(File::current->fd(), 0, size);
    co_await exchange.finish();
}

/// Between other pieces, and not from its beginning.
Task<void> part_of_file(Exchange& exchange, TestService&) {
    ResponseHead head;
    exchange.start_response(head, 3005);
    co_await exchange.write("<<");
    co_await exchange.write_file(File::current->fd(), 100, 3000);
    co_await exchange.write(">>\n");
    co_await exchange.finish();
}

Task<void> file_of_unknown_length(Exchange& exchange, TestService&) {
    ResponseHead head;
    exchange.start_response(head, std::nullopt);
    co_await exchange.write_file(File::current->fd(), 0, File::current->content().size());
    co_await exchange.finish();
}

Task<void> more_than_promised(Exchange& exchange, TestService&) {
    ResponseHead head;
    exchange.start_response(head, 10);
    co_await exchange.write_file(File::current->fd(), 0, 11);
    co_await exchange.finish();
}

struct FileTalk : Talk {
    explicit FileTalk(const Client::Wrap& wrap, const ServerOptions& options = {}, std::size_t capacity = 65536,
                      bool reads = true)
        : Talk(options, capacity, reads, wrap) {
        service.answer("/file", &whole_file);
        service.answer("/part", &part_of_file);
        service.answer("/unknown", &file_of_unknown_length);
        service.answer("/more", &more_than_promised);
    }
};

TEST(ServerFiles, AreSentByTheStreamThatCan) {
    File file(1'000'003);
    FileTalk talk(&take_files);
    talk.client.send(get("/file") + get("/hello"));
    auto answers = talk.client.answers();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_TRUE(answers[0].body == file.content());
    EXPECT_EQ(answers[0].field("Content-Length"), "1000003");
    EXPECT_EQ(answers[1].body, "hello");
    EXPECT_EQ(FileTaking::files, 4) << "at most 256 KiB at a time";
}

TEST(ServerFiles, AreReadForAStreamThatCannot) {
    File file(1'000'003);
    FileTalk talk({});
    talk.client.send(get("/file") + get("/part"));
    auto answers = talk.client.answers();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_TRUE(answers[0].body == file.content());
    EXPECT_EQ(answers[1].body, "<<" + file.content().substr(100, 3000) + ">>\n");
}

TEST(ServerFiles, AreReadWhereTheirFileSystemCannot) {
    File file(300'000);
    FileTalk talk([](std::unique_ptr<net::Stream> below) {
        auto faults = std::make_unique<FaultStream>(take_files(std::move(below)));
        faults->fail_write(2, EINVAL);  // the first is the head
        return faults;
    });
    talk.client.send(get("/file"));
    EXPECT_TRUE(talk.client.answers().at(0).body == file.content());
    EXPECT_EQ(FileTaking::files, 0);
}

TEST(ServerFiles, PartsGoBetweenOtherPieces) {
    File file(5000);
    FileTalk talk(&take_files, {}, 700);
    talk.client.send(get("/part") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 <<" + file.content().substr(100, 3000) + ">>\n, 200 hello");
    EXPECT_EQ(FileTaking::files, 1);
}

TEST(ServerFiles, ABodyOfUnknownLengthIsFramedAsEver) {
    File file(300'000);
    FileTalk talk(&take_files);
    talk.client.send(get("/unknown"));
    EXPECT_TRUE(talk.client.answers().at(0).body == file.content());
    EXPECT_EQ(talk.client.answers()[0].field("Transfer-Encoding"), "chunked");
    talk.client.forget_received();
    talk.client.send("GET /unknown HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(talk.client.answers().at(0).body == file.content());
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(FileTaking::files, 2) << "until close there is nothing to frame";
}

TEST(ServerFiles, HeadSendsNothingOfThem) {
    File file(5000);
    FileTalk talk(&take_files);
    talk.client.send("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
    auto answers = talk.client.answers({true, false});
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].field("Content-Length"), "5000");
    EXPECT_EQ(answers[1].body, "hello");
    EXPECT_EQ(FileTaking::files, 0);
}

TEST(ServerFiles, NoMoreIsSentThanWasPromised) {
    File file(5000);
    support::CapturedLog log;
    FileTalk talk(&take_files);
    talk.client.send(get("/more"));
    EXPECT_NE(talk.service.error.find("longer than its Content-Length"), std::string::npos);
    EXPECT_EQ(FileTaking::files, 0);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerFiles, OneThatShrinksClosesItsConnectionAndNoOther) {
    const Client::Wrap ways[] = {&take_files, {}};
    for (const Client::Wrap& way : ways) {
        File file(1'000'000);
        support::CapturedLog log;
        FileTalk talk(way, {}, 1000, false);
        Client other(talk.loop, talk.server);
        talk.client.send(get("/file") + get("/hello"));
        file.shrink(2000);
        talk.client.start_reading();
        talk.loop.run_ready();
        EXPECT_TRUE(talk.client.served());
        ASSERT_EQ(talk.client.answers().size(), 1u);
        EXPECT_FALSE(talk.client.answers()[0].complete);
        EXPECT_EQ(talk.service.error, "a file shrank while it was sent");
        other.send(get("/hello"));
        EXPECT_EQ(other.summary(), "200 hello");
        EXPECT_FALSE(other.served());
    }
}

TEST(ServerFiles, EachStepFailingClosesTheConnection) {
    for (int error : {EIO, ESTALE, ECONNRESET, EPIPE}) {
        for (int n = 1; n <= 6; ++n) {  // the head, four parts, and what follows
            File file(1'000'003);
            support::CapturedLog log;
            FileTalk talk([&](std::unique_ptr<net::Stream> below) {
                auto faults = std::make_unique<FaultStream>(take_files(std::move(below)));
                faults->fail_write(n, error);
                return faults;
            });
            talk.client.send(get("/file") + get("/hello"));
            EXPECT_TRUE(talk.client.served()) << n;
            EXPECT_EQ(talk.service.running, 0);
            EXPECT_EQ(talk.server.connections(), 0u);
            if (n == 1 || n == 6) continue;
            EXPECT_FALSE(talk.client.answers().at(0).complete) << n;
            const bool of_the_file = error == EIO || error == ESTALE;
            EXPECT_EQ(talk.service.error.starts_with("read a file"), of_the_file) << talk.service.error;
            EXPECT_EQ(log.lines().size(), of_the_file ? 1u : 0u) << "a client that goes is no error of the application";
        }
    }
}

TEST(ServerFiles, AClientThatLeavesCancelsTheHandler) {
    File file(1'000'000);
    FileTalk talk(&take_files, {}, 1000, false);
    talk.client.send(get("/file"));
    EXPECT_EQ(talk.service.running, 1);
    talk.client.leave();
    EXPECT_EQ(talk.service.running, 0);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerFiles, ServingThatIsCancelledEndsInTheMiddle) {
    File file(1'000'000);
    FileTalk talk(&take_files, {}, 1000, false);
    talk.client.send(get("/file"));
    talk.client.cancel_serving();
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerFiles, AReaderThatIsTooSlowIsCutOff) {
    File file(100'000);
    support::CapturedLog log;
    FileTalk talk(&take_files, ServerOptions().write_timeout(10s).min_write_rate(200), 1000, false);
    talk.client.send(get("/file"));
    for (int i = 0; i < 4; ++i) {  // 2000 bytes in ten seconds are enough
        for (int bytes = 0; bytes < 3; ++bytes) talk.client.read_once(1000);
        talk.loop.advance(10s);
        ASSERT_FALSE(talk.client.served()) << i;
    }
    talk.client.read_once(1000);
    talk.loop.advance(10s);
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_NE(log.lines().at(0).find("min_write_rate"), std::string::npos);
}

/// Serves the end of a real socket.
Task<void> serve(Server& server, std::unique_ptr<net::Stream> stream) { co_await server.serve(std::move(stream)); }

TEST(ServerFiles, ARealSocketGetsThemWhole) {
    File file(3'000'003);
    Loop loop;
    TestService service;
    service.answer("/file", &whole_file);
    service.answer("/part", &part_of_file);
    Server server(loop, service);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    net::Socket near(fds[0]);
    ASSERT_EQ(::fcntl(near.fd(), F_SETFL, O_NONBLOCK), 0);
    std::string received;
    std::jthread client([&received, fd = fds[1]] {
        const std::string requests = get("/file") + get("/part") + get("/file", "Connection: close\r\n");
        ::send(fd, requests.data(), requests.size(), MSG_NOSIGNAL);
        std::vector<char> part(100'000);
        for (ssize_t size; (size = ::recv(fd, part.data(), part.size(), 0)) > 0;) {
            received.append(part.data(), static_cast<std::size_t>(size));
        }
        ::close(fd);
    });
    loop.run_until(serve(server, net::adopt_socket(loop, std::move(near))));
    client.join();
    auto answers = parse_answers(received, {}, true);
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_TRUE(answers[0].body == file.content());
    EXPECT_EQ(answers[1].body, "<<" + file.content().substr(100, 3000) + ">>\n");
    EXPECT_TRUE(answers[2].body == file.content());
}

}  // namespace
}  // namespace caropig::server
