#include "net/socket_stream.h"
#include "support/raw_socket.h"
#include "web/static_folder.h"
#include <caropig/loop/loop.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace caropig::web {
namespace {

class StaticFiles : public StaticFolder {
protected:
    /// Until a file that is too large for a hash has not changed for long enough to be kept.
    void wait_until_settled(std::string_view target) {
        WebClient client(app_);
        while (client.get(target).field("ETag").value_or("").starts_with("W/")) continue;
    }
};

TEST_F(StaticFiles, AreServed) {
    WebClient client(app_);
    Answer answer = client.get("/s/a.txt");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.field("Content-Length"), "5");
    EXPECT_EQ(answer.field("Content-Type"), "text/plain; charset=UTF-8");
    EXPECT_TRUE(answer.field("Last-Modified"));
    EXPECT_EQ(client.get("/s/sub/b.html").body, "<p>");
    EXPECT_EQ(client.get("/s/sub/b.html").field("Content-Type"), "text/html; charset=UTF-8");
    EXPECT_EQ(client.get("/s/%61.txt").body, "hello");
    EXPECT_EQ(client.get("/s/a.txt?version=1").body, "hello");
    EXPECT_EQ(client.post("/s/a.txt", "x").status, 405);
}

TEST_F(StaticFiles, LargeAndBinaryOnesArriveWhole) {
    std::string bytes(1'000'003, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 251);
    put(folder_ / "large", bytes);
    WebClient client(app_);
    Answer answer = client.get("/s/large");
    EXPECT_TRUE(answer.body == bytes);
    EXPECT_EQ(answer.field("Content-Type"), "application/octet-stream");
}

TEST_F(StaticFiles, EmptyOne) {
    WebClient client(app_);
    Answer answer = client.get("/s/empty.css");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Content-Length"), "0");
    EXPECT_EQ(client.get("/s/a.txt").body, "hello") << "the connection goes on";
}

TEST_F(StaticFiles, HeadSendsNoBody) {
    WebClient client(app_);
    Answer answer = client.head("/s/a.txt");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Content-Length"), "5");
    EXPECT_EQ(client.get("/s/a.txt").body, "hello");
}

TEST_F(StaticFiles, NothingOutsideIsServedHoweverItIsSpelt) {
    fs::create_symlink(base_ / "secret.txt", folder_ / "absolute-link");
    fs::create_symlink("../secret.txt", folder_ / "relative-link");
    fs::create_symlink("..", folder_ / "up");
    fs::create_symlink("/", folder_ / "root");
    fs::create_symlink("/proc/self/root", folder_ / "magic");
    std::string absolute = (base_ / "secret.txt").string();
    std::vector<std::string> paths{
        "../secret.txt",
        "%2e%2e/secret.txt",
        "%2E%2E%2Fsecret.txt",
        "..%2fsecret.txt",
        ".%2e/secret.txt",
        "sub/../../secret.txt",
        "sub/deep/../../../secret.txt",
        "./../secret.txt",
        "..//secret.txt",
        "../public/../secret.txt",
        "../public/a.txt",
        "%252e%252e/secret.txt",
        "..%5csecret.txt",
        "..\\secret.txt",
        "..;/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        absolute,
        "/" + absolute,
        "%2f" + absolute.substr(1),
        "absolute-link",
        "relative-link",
        "up/secret.txt",
        "root" + absolute,
        "magic" + absolute,
        "a.txt/../../secret.txt",
        "nowhere/../../secret.txt",
        "a.txt%00",
        "%00",
        "..%00/secret.txt",
        "../secret.txt%00.html",
        std::string(5000, 'a'),
    };
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "../";
    paths.push_back(deep + "etc/passwd");
    for (const std::string& path : paths) {
        WebClient client(app_);
        Answer answer = client.get("/s/" + path);
        EXPECT_TRUE(answer.status == 404 || answer.status == 400) << answer.status << " " << path;
        EXPECT_EQ(client.received().find("SECRET"), std::string::npos) << path;
        EXPECT_EQ(client.received().find(base_.string()), std::string::npos) << path;
    }
}

TEST_F(StaticFiles, LinksWithinTheFolderAreFollowed) {
    fs::create_symlink("a.txt", folder_ / "link");
    fs::create_symlink("../a.txt", folder_ / "sub" / "up-link");
    fs::create_symlink("loop", folder_ / "loop");
    fs::create_symlink("nowhere", folder_ / "dangling");
    WebClient client(app_);
    EXPECT_EQ(client.get("/s/link").body, "hello");
    EXPECT_EQ(client.get("/s/sub/up-link").body, "hello");
    EXPECT_EQ(client.get("/s/loop").status, 404);
    EXPECT_EQ(client.get("/s/dangling").status, 404);
}

TEST_F(StaticFiles, WhatIsNoFileIs404AndBlocksNobody) {
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    WebClient client(app_);
    for (std::string_view path :
         {"fifo", "socket", "sub", "sub/", ".", "./", "", "/", "a.txt/", "a.txt/b", "missing"}) {
        EXPECT_EQ(client.get("/s/" + std::string(path)).status, 404) << path;
    }
    ::close(listener);
}

TEST_F(StaticFiles, AnUnreadableOneIs404) {
    fs::permissions(folder_ / "a.txt", fs::perms::none);
    bool root = ::geteuid() == 0;  // who may read everything
    if (root) {
        ASSERT_EQ(::seteuid(65534), 0);
    }
    WebClient client(app_);
    int readable = client.get("/s/sub/b.html").status;
    int unreadable = client.get("/s/a.txt").status;
    if (root) {
        ASSERT_EQ(::seteuid(0), 0);
    }
    EXPECT_EQ(readable, 200);
    EXPECT_EQ(unreadable, 404);
}

TEST_F(StaticFiles, OneThatIsRemovedOrReplacedIsSeenAtOnce) {
    WebClient client(app_);
    EXPECT_EQ(client.get("/s/a.txt").body, "hello");
    put(folder_ / "a.txt", "replaced");
    EXPECT_EQ(client.get("/s/a.txt").body, "replaced");
    fs::remove(folder_ / "a.txt");
    EXPECT_EQ(client.get("/s/a.txt").status, 404);
}

TEST_F(StaticFiles, OneThatShrinksWhileItIsSentClosesTheConnection) {
    put(folder_ / "large", std::string(1'000'000, 'x'));
    // The small pipe of a client that does not read holds the first piece back until the file has become smaller.
    Application app;
    app.get("/s/{path:path}", static_files(folder_.string(), StaticFilesOptions().cached_file_bytes(999'999)));
    testkit::TestLoop loop;
    server::Server server(loop, app);
    support::CapturedLog log;
    auto [near, far] = net::memory_pipe(loop, 1000);
    auto serving = loop.start(server.serve(std::move(far)));
    auto send = [](net::Stream& stream) -> Task<void> {
        co_await stream.write(as_bytes("GET /s/large HTTP/1.1\r\nHost: a\r\n\r\n"));
    };
    loop.start(send(*near)).result();
    fs::resize_file(folder_ / "large", 10);
    auto drain = [](net::Stream& stream, std::size_t& total) -> Task<void> {
        std::vector<std::byte> buffer(65536);
        while (std::size_t size = co_await stream.read_some(buffer)) total += size;
    };
    std::size_t total = 0;
    auto draining = loop.start(drain(*near, total));
    EXPECT_TRUE(draining.done()) << "the server closed";
    EXPECT_LT(total, 1'000'000u);
    EXPECT_THAT(log.lines(), testing::Contains(testing::HasSubstr("shrank")));
}

TEST_F(StaticFiles, LargeOnesAndTheirPartsGoThroughARealSocket) {
    std::string bytes(3'000'003, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 251);
    put(folder_ / "large", bytes);
    Loop loop;
    server::Server server(loop, app_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    net::Socket near(fds[0]);
    ASSERT_EQ(::fcntl(near.fd(), F_SETFL, O_NONBLOCK), 0);
    std::string received;
    std::jthread client([&received, socket = support::RawSocket(fds[1])] {
        const std::string begin = " /s/large HTTP/1.1\r\nHost: a\r\n";
        socket.send("GET" + begin + "\r\n" + "HEAD" + begin + "\r\n" + "GET" + begin +
                    "Range: bytes=1000-2000999\r\n\r\n" + "GET" + begin +
                    "Range: bytes=0-9,2999999-\r\nConnection: close\r\n\r\n");
        std::string part;
        do {
            part = socket.receive(100'000);
            received += part;
        } while (!part.empty());
    });
    loop.run_until(server.serve(net::adopt_socket(loop, std::move(near))));
    client.join();
    auto answers = support::parse_answers(received, {false, true, false, false}, true);
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_TRUE(answers[0].body == bytes);
    EXPECT_EQ(answers[1].field("Content-Length"), "3000003");
    EXPECT_EQ(answers[2].status, 206);
    EXPECT_TRUE(answers[2].body == bytes.substr(1000, 2'000'000));
    EXPECT_EQ(answers[3].status, 206);
    EXPECT_TRUE(answers[3].complete);
    EXPECT_NE(answers[3].body.find(bytes.substr(0, 10)), std::string::npos);
    EXPECT_NE(answers[3].body.find(bytes.substr(2'999'999)), std::string::npos);
}

TEST_F(StaticFiles, OneInMemoryIsSentAsItWasWhenItsAnswerBegan) {
    std::string before(1'500'003, '\0');
    for (std::size_t i = 0; i < before.size(); ++i) before[i] = static_cast<char>(i * 7 % 251);
    const std::string after(before.size(), 'n');
    put(folder_ / "large", before);
    wait_until_settled("/s/large");
    Loop loop;
    server::Server server(loop, app_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    net::Socket near(fds[0]);
    ASSERT_EQ(::fcntl(near.fd(), F_SETFL, O_NONBLOCK), 0);
    std::string received;
    std::jthread client([&, socket = support::RawSocket(fds[1])] {
        const std::string whole = "GET /s/large HTTP/1.1\r\nHost: a\r\n";
        socket.send(whole + "\r\n" + whole + "\r\n" + whole + "Range: bytes=1000-900999\r\nConnection: close\r\n\r\n");
        received = socket.receive(1000);  // more than that does not fit into the socket
        put(folder_ / "large", after);
        std::string part;
        do {
            part = socket.receive(100'000);
            received += part;
        } while (!part.empty());
    });
    loop.run_until(server.serve(net::adopt_socket(loop, std::move(near))));
    client.join();
    auto answers = support::parse_answers(received, {}, true);
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_TRUE(answers[0].body == before);
    EXPECT_TRUE(answers[1].body == after);
    EXPECT_EQ(answers[2].status, 206);
    EXPECT_TRUE(answers[2].body == after.substr(1000, 900'000));
}

TEST_F(StaticFiles, PartsOfOneInMemoryGoThroughARealSocket) {
    const std::string bytes = text_of_lines(1'500'003);
    put(folder_ / "large.bin", bytes);
    wait_until_settled("/s/large.bin");
    Loop loop;
    server::Server server(loop, app_);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    net::Socket near(fds[0]);
    ASSERT_EQ(::fcntl(near.fd(), F_SETFL, O_NONBLOCK), 0);
    std::string received;
    std::jthread client([&, socket = support::RawSocket(fds[1])] {
        const std::string begin = " /s/large.bin HTTP/1.1\r\nHost: a\r\n";
        socket.send("GET" + begin + "\r\n" + "HEAD" + begin + "\r\n" + "GET" + begin +
                    "Range: bytes=1001-1400999\r\n\r\n" + "GET" + begin +
                    "Range: bytes=0-9,100000-\r\nConnection: close\r\n\r\n");
        std::string part;
        do {
            part = socket.receive(100'000);
            received += part;
        } while (!part.empty());
    });
    loop.run_until(server.serve(net::adopt_socket(loop, std::move(near))));
    client.join();
    auto answers = support::parse_answers(received, {false, true, false, false}, true);
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_TRUE(answers[0].body == bytes);
    EXPECT_EQ(answers[1].field("Content-Length"), "1500003");
    EXPECT_TRUE(answers[2].body == bytes.substr(1001, 1'399'999));
    EXPECT_NE(answers[3].body.find(bytes.substr(100'000)), std::string::npos);
}

constexpr std::string_view kHelloHash =
    "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3ade"
    "f46f73bcdec043";

TEST_F(StaticFiles, TheEntityTagIsTheHashOfTheContent) {
    WebClient client(app_);
    Answer answer = client.get("/s/a.txt");
    std::string etag = "\"" + std::string(kHelloHash) + "\"";
    EXPECT_EQ(answer.field("ETag"), etag);
    EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
    EXPECT_EQ(answer.field("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
    put(folder_ / "a.txt", "hullo");
    EXPECT_NE(client.get("/s/a.txt").field("ETag"), etag) << "of the same size, and within the same tick perhaps";
}

TEST_F(StaticFiles, ConditionalRequests) {
    timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 500'000'000}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "a.txt").c_str(), times, 0), 0);
    WebClient client(app_);
    const std::string etag = "\"" + std::string(kHelloHash) + "\"";
    const std::string before = "Sun, 09 Sep 2001 01:46:39 GMT\r\n";
    const std::string same = "Sun, 09 Sep 2001 01:46:40 GMT\r\n";
    const std::string after = "Mon, 10 Sep 2001 01:46:40 GMT\r\n";
    struct Row {
        std::string fields;
        int status;
    };
    const std::vector<Row> rows{
        {"If-Modified-Since: " + same, 304},
        {"If-Modified-Since: " + after, 304},
        {"If-Modified-Since: " + before, 200},
        {"If-Modified-Since: yesterday\r\n", 200},
        {"If-Modified-Since: \r\n", 200},
        {"If-Modified-Since: Sun, 99 Sep 2001 01:46:40 GMT\r\n", 200},
        {"If-Modified-Since: 1000000000\r\n", 200},
        {"If-Modified-Since: " + same + "If-None-Match: \"x\"\r\n", 200},
        {"If-None-Match: " + etag + "\r\n", 304},
        {"If-None-Match: \"x\", W/" + etag + "\r\n", 304},
        {"If-None-Match: *\r\n", 304},
        {"If-None-Match: " + etag + "\r\nIf-Modified-Since: " + before, 304},
        {"If-Match: " + etag + "\r\n", 200},
        {"If-Match: *\r\n", 200},
        {"If-Match: \"x\"\r\n", 412},
        {"If-Match: W/" + etag + "\r\n", 412},
        {"If-Unmodified-Since: " + same, 200},
        {"If-Unmodified-Since: " + before, 412},
        {"If-Match: " + etag + "\r\nIf-Unmodified-Since: " + before, 200},
        {"If-Match: \"x\"\r\nIf-None-Match: " + etag + "\r\n", 412},
        {"Range: bytes=0-1\r\n", 206},
        {"Range: bytes=0-1\r\nIf-Range: " + etag + "\r\n", 206},
        {"Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", 200},
        {"Range: bytes=0-1\r\nIf-Range: W/" + etag + "\r\n", 200},
        {"Range: bytes=0-1\r\nIf-Range: " + after, 200},
        {"Range: bytes=0-1\r\nIf-None-Match: " + etag + "\r\n", 304},
        {"Range: bytes=0-1\r\nIf-Match: \"x\"\r\n", 412},
        {"Range: bytes=9-\r\n", 416},
        {"Range: bytes=9-\r\nIf-None-Match: " + etag + "\r\n", 304},
    };
    for (const Row& row : rows) {
        Answer answer = client.get("/s/a.txt", row.fields);
        EXPECT_EQ(answer.status, row.status) << row.fields;
        bool parts = row.fields.starts_with("Range");
        if (!parts) {
            EXPECT_EQ(client.head("/s/a.txt", row.fields).status, row.status) << "HEAD " << row.fields;
        }
        if (row.status != 304) continue;
        EXPECT_EQ(answer.field("ETag"), etag);
        EXPECT_EQ(answer.field("Last-Modified").value_or("") + "\r\n", same);
        EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
        EXPECT_EQ(answer.field("Content-Type"), std::nullopt);
        EXPECT_EQ(answer.field("Content-Length"), std::nullopt);
    }
}

TEST_F(StaticFiles, Parts) {
    WebClient client(app_);
    Answer part = client.get("/s/a.txt", "Range: bytes=1-3\r\n");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, "ell");
    EXPECT_EQ(part.field("Content-Range"), "bytes 1-3/5");
    EXPECT_EQ(part.field("Content-Length"), "3");
    EXPECT_EQ(part.field("Content-Type"), "text/plain; charset=UTF-8");
    EXPECT_EQ(part.field("ETag"), client.get("/s/a.txt").field("ETag"));
    EXPECT_EQ(client.get("/s/a.txt", "Range: bytes=-2\r\n").body, "lo");
    EXPECT_EQ(client.get("/s/a.txt", "Range: bytes=3-100\r\n").body, "lo");
    Answer behind = client.get("/s/a.txt", "Range: bytes=5-\r\n");
    EXPECT_EQ(behind.status, 416);
    EXPECT_EQ(behind.field("Content-Range"), "bytes */5");
    EXPECT_EQ(behind.body, "");
    for (std::string_view whole : {"bytes=0-", "bytes=0-4", "bytes=3-1", "bytes=x", "lines=1-2", "bytes=0-2,0-2"}) {
        Answer answer = client.get("/s/a.txt", "Range: " + std::string(whole) + "\r\n");
        EXPECT_EQ(answer.status, 200) << whole;
        EXPECT_EQ(answer.body, "hello") << whole;
        EXPECT_EQ(answer.field("Content-Range"), std::nullopt) << whole;
    }
    Answer head = client.head("/s/a.txt", "Range: bytes=1-3\r\n");
    EXPECT_EQ(head.status, 200) << "RFC 9110 14.2: for GET only";
    EXPECT_EQ(head.field("Content-Length"), "5");
    EXPECT_EQ(client.get("/s/empty.css", "Range: bytes=0-\r\n").status, 416);
}

TEST_F(StaticFiles, SeveralPartsAreOneMultipartBody) {
    for (std::size_t in_memory : {0, 1000}) {
        Served served(folder_, StaticFilesOptions().cached_file_bytes(in_memory));
        Answer answer = served->get("/s/a.txt", "Range: bytes=0-0, -2\r\n");
        EXPECT_EQ(answer.status, 206);
        EXPECT_EQ(answer.field("Content-Range"), std::nullopt);
        std::string type = answer.field("Content-Type").value_or("");
        std::string start = "multipart/byteranges; boundary=";
        ASSERT_TRUE(type.starts_with(start)) << type;
        std::string line = "--" + type.substr(start.size());
        EXPECT_EQ(answer.body,
                  line + "\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Range: bytes 0-0/5\r\n\r\nh\r\n" +
                      line + "\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Range: bytes 3-4/5\r\n\r\nlo\r\n" +
                      line + "--\r\n");
        EXPECT_EQ(served->get("/s/a.txt").body, "hello") << "the length was right";
    }
}

TEST_F(StaticFiles, PartsOfALargeFile) {
    std::string bytes = text_of_lines(1'000'000);
    put(folder_ / "large", bytes);
    for (std::size_t in_memory : {999'999, 1'000'000}) {
        Served served(folder_, StaticFilesOptions().cached_file_bytes(in_memory));
        Answer part = served->get("/s/large", "Range: bytes=300000-899999\r\n");
        EXPECT_EQ(part.status, 206);
        EXPECT_TRUE(part.body == bytes.substr(300'000, 600'000));
        EXPECT_EQ(part.field("Content-Range"), "bytes 300000-899999/1000000");
        EXPECT_TRUE(served->get("/s/large").body == bytes);
    }
}

TEST_F(StaticFiles, RangesCanBeTurnedOff) {
    Served served(folder_, StaticFilesOptions().ranges(false));
    Answer answer = served->get("/s/a.txt", "Range: bytes=1-3\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Accept-Ranges"), std::nullopt);
}

TEST_F(StaticFiles, LargeOnesAreNamedByTheFileSystem) {
    for (std::size_t in_memory : {0, 10'000'000}) {
        // Nobody has changed that file these last seconds.
        Served served("/usr/bin", StaticFilesOptions().cached_file_bytes(in_memory).hashed_file_bytes(0));
        Answer answer = served->get("/s/env");
        std::string etag = answer.field("ETag").value_or("");
        EXPECT_TRUE(etag.starts_with("\"")) << etag << " is strong";
        EXPECT_LT(etag.size(), 60u);
        EXPECT_EQ(served->get("/s/env", "If-None-Match: " + etag + "\r\n").status, 304);
        EXPECT_EQ(served->get("/s/env", "Range: bytes=0-1\r\nIf-Range: " + etag + "\r\n").status, 206);
        std::string date = answer.field("Last-Modified").value_or("");
        EXPECT_EQ(served->get("/s/env", "Range: bytes=0-1\r\nIf-Range: " + date + "\r\n").status, 206);
        Served fresh(folder_, StaticFilesOptions().cached_file_bytes(in_memory).hashed_file_bytes(4));
        EXPECT_EQ(fresh->get("/s/a.txt").body, "hello");
        put(folder_ / "a.txt", "hullo");
        EXPECT_EQ(fresh->get("/s/a.txt").body, "hullo") << "also within the same tick";
        put(folder_ / "a.txt", "hello");
    }
}

TEST_F(StaticFiles, WhatIsHashedIsLimited) {
    auto etag_length = [&](std::size_t limit) {
        Served served(folder_, StaticFilesOptions().hashed_file_bytes(limit));
        return served->get("/s/a.txt").field("ETag")->size();
    };
    EXPECT_EQ(etag_length(5), 130u);
    EXPECT_LT(etag_length(4), 60u);
}

TEST_F(StaticFiles, VersionedUrlsAreKeptForTenYears) {
    Served served(folder_, {});
    std::string url = served.files().static_url("a.txt");
    EXPECT_EQ(url, "/s/a.txt?v=" + std::string(kHelloHash));
    Answer answer = served->get(url);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.field("Cache-Control"), "public, max-age=315360000, immutable");
    Answer unchanged = served->get(url, "If-None-Match: *\r\n");
    EXPECT_EQ(unchanged.field("Cache-Control"), "public, max-age=315360000, immutable");
    for (std::string_view other : {"?v=", "?v=123", "?w=1", "", "?v", "?v=123&v="}) {
        EXPECT_EQ(served->get("/s/a.txt" + std::string(other)).field("Cache-Control"), "no-cache")
            << other << ": the URL of another version must not get stuck with this content";
    }
    EXPECT_EQ(served->get("/s/a.txt?x=1&v=" + std::string(kHelloHash)).field("Cache-Control"),
              "public, max-age=315360000, immutable");
    put(folder_ / "a.txt", "hello!");
    EXPECT_NE(served.files().static_url("a.txt"), url);
    EXPECT_EQ(served->get(url).field("Cache-Control"), "no-cache");
    EXPECT_EQ(served.files().static_url("missing.css"), "/s/missing.css");
    EXPECT_EQ(served.files().static_url("sub"), "/s/sub");
    EXPECT_EQ(served.files().static_url("../secret.txt"), "/s/../secret.txt");
    EXPECT_EQ(served.files().static_url("a b/\"c"), "/s/a%20b/%22c");
    EXPECT_EQ(served.files().version(std::string("a.txt\0", 6)), std::nullopt);
}

TEST_F(StaticFiles, LargeOnesAreHashedByAThread) {
    for (std::size_t in_memory : {0, 10'000'000}) {
        Served served("/usr/bin", StaticFilesOptions().cached_file_bytes(in_memory).hashed_file_bytes(0));
        Served small("/usr/bin", StaticFilesOptions());
        EXPECT_EQ(served.files().static_url("env"), "/s/env") << "not known yet";
        while (!served.files().version("env")) std::this_thread::yield();
        EXPECT_EQ(served.files().version("env"), small.files().version("env"));
        EXPECT_EQ(served->get(served.files().static_url("env")).field("Cache-Control"),
                  "public, max-age=315360000, immutable");
    }
}

TEST_F(StaticFiles, CachePolicyAndOwnFields) {
    Served served(folder_, StaticFilesOptions()
                               .max_age(std::chrono::hours(1))
                               .versioned_max_age(std::chrono::seconds(5))
                               .header("X-Robots-Tag", "noindex")
                               .header("Accept-Ranges", "none"));
    Answer answer = served->get("/s/a.txt");
    EXPECT_EQ(answer.field("Cache-Control"), "max-age=3600");
    EXPECT_EQ(answer.field("X-Robots-Tag"), "noindex");
    EXPECT_EQ(answer.field("Accept-Ranges"), "none") << "an own field replaces ours";
    EXPECT_EQ(served->get(served.files().static_url("a.txt")).field("Cache-Control"), "public, max-age=5, immutable");
    EXPECT_THROW(StaticFilesOptions().header("X", "a\r\nb"), std::invalid_argument);
    EXPECT_THROW(StaticFilesOptions().header("Content-Length", "1"), std::invalid_argument);
    EXPECT_THROW(StaticFilesOptions().content_type("x", "a\nb"), std::invalid_argument);
}

TEST_F(StaticFiles, ContentTypes) {
    struct Row {
        const char* name;
        const char* type;
    };
    for (const Row& row : std::initializer_list<Row>{{"a.CSS", "text/css; charset=UTF-8"},
                                                     {"a.tar.gz", "application/gzip"},
                                                     {"a.webmanifest", "application/manifest+json"},
                                                     {"a.7z", "application/x-7z-compressed"},
                                                     {"a.zst", "application/zstd"},
                                                     {"a", "application/octet-stream"},
                                                     {"a.", "application/octet-stream"},
                                                     {"css", "application/octet-stream"},
                                                     {"a.b.c/css", "application/octet-stream"},
                                                     {"a.thisendingistoolong", "application/octet-stream"},
                                                     {"a.gltf", "model/gltf+json"},
                                                     {"a.css.map", "application/x-map"},
                                                     {"map", "application/octet-stream"}}) {
        fs::create_directories((folder_ / row.name).parent_path());
        put(folder_ / row.name, "x");
        Served served(
            folder_,
            StaticFilesOptions().content_type("gltf", "model/gltf+json").content_type("map", "application/x-map"));
        EXPECT_EQ(served->get("/s/" + std::string(row.name)).field("Content-Type"), row.type) << row.name;
    }
}

TEST_F(StaticFiles, HiddenOnesAreNotServed) {
    fs::create_directories(folder_ / ".git");
    fs::create_directories(folder_ / ".well-known" / ".x");
    put(folder_ / ".env", "PASSWORD");
    put(folder_ / ".git" / "config", "PASSWORD");
    put(folder_ / "sub" / ".hidden", "PASSWORD");
    put(folder_ / ".well-known" / ".x" / "y", "PASSWORD");
    put(folder_ / ".well-known" / "security.txt", "Contact: x");
    put(folder_ / "a..b", "dots");
    Served served(folder_, {});
    for (const char* path : {".env", ".git/config", "sub/.hidden", "%2eenv", "./.env", "sub/%2ehidden",
                             ".well-known/.x/y", ".well-known/../.env", ".well-known"}) {
        EXPECT_EQ(served->get("/s/" + std::string(path)).status, 404) << path;
    }
    EXPECT_EQ(served->get("/s/.well-known/security.txt").body, "Contact: x");
    EXPECT_EQ(served->get("/s/a..b").body, "dots");
    Served open(folder_, StaticFilesOptions().hidden_files(true));
    EXPECT_EQ(open->get("/s/.env").body, "PASSWORD");
    EXPECT_EQ(open->get("/s/../secret.txt").status, 404);
    EXPECT_EQ(open->get("/s/sub/../../secret.txt").status, 404);
}

TEST_F(StaticFiles, DefaultFilesOfFolders) {
    put(folder_ / "index.html", "top");
    put(folder_ / "sub" / "index.html", "below");
    put(folder_ / "sub" / "home.htm", "home");
    Served served(folder_, {});
    EXPECT_EQ(served->get("/s/").body, "top");
    EXPECT_EQ(served->get("/s/").field("Content-Type"), "text/html; charset=UTF-8");
    EXPECT_EQ(served->get("/s/sub/").body, "below");
    Answer redirect = served->get("/s/sub");
    EXPECT_EQ(redirect.status, 301);
    EXPECT_EQ(redirect.field("Location"), "/s/sub/");
    EXPECT_EQ(served->get("/s/sub?a=1").field("Location"), "/s/sub/?a=1");
    EXPECT_EQ(served->get("/s/s%75b").field("Location"), "/s/s%75b/");
    EXPECT_EQ(served->get("/s/sub/deep").status, 404) << "it has no default file";
    EXPECT_EQ(served->get("/s/sub/deep/").status, 404);
    Served other(folder_, StaticFilesOptions().default_file("home.htm"));
    EXPECT_EQ(other->get("/s/").status, 404);
    EXPECT_EQ(other->get("/s/sub/").body, "home");
    Served none(folder_, StaticFilesOptions().default_file(""));
    EXPECT_EQ(none->get("/s/sub/").status, 404);
    EXPECT_EQ(none->get("/s/").status, 404);
}

TEST_F(StaticFiles, ARedirectNeverLeadsToAnotherHost) {
    put(folder_ / "sub" / "index.html", "below");
    Application app;
    app.get("//{path:path}", static_files(folder_.string()));
    WebClient client(app);
    for (const char* target : {"//sub", "//s%75b"}) {
        Answer answer = client.get(target);
        EXPECT_EQ(answer.status, 403) << target;
        EXPECT_EQ(answer.field("Location"), std::nullopt) << target;
    }
}

TEST_F(StaticFiles, FavouriteIconAndRobots) {
    put(folder_ / "favicon.ico", "icon");
    Served served(folder_, {});
    EXPECT_EQ(served->get("/favicon.ico").body, "icon");
    EXPECT_EQ(served->get("/favicon.ico").field("Content-Type"), "image/x-icon");
    EXPECT_EQ(served->get("/robots.txt").status, 404);
}

TEST_F(StaticFiles, HeadIsGetWithoutTheBody) {
    put(folder_ / "large", text_of_lines(500'000));
    put(folder_ / "index.html", text_of_lines(3000));
    Served served(folder_, {});
    // A file that was written just now has a weak tag, until the next change would have another time of change.
    while (served->get("/s/large").field("ETag").value_or("").starts_with("W/")) continue;
    for (const char* path : {"a.txt", "large", "empty.css", "", "sub/", "missing", "sub/b.html?v=1"}) {
        for (const char* fields : {"", "Accept-Encoding: br\r\n", "If-None-Match: *\r\n", "If-Match: \"x\"\r\n"}) {
            std::string target = "/s/" + std::string(path);
            EXPECT_EQ(served->head(target, fields).head, served->get(target, fields).head) << target << " " << fields;
        }
    }
}

TEST_F(StaticFiles, HaveOneSpelling) {
    WebClient client(app_);
    EXPECT_EQ(client.get("/s/sub/b.html").status, 200);
    for (const char* path :
         {"sub//b.html", "sub/./b.html", "./sub/b.html", "sub/../a.txt", "/sub/b.html", "sub%2F%2Fb.html", "sub//"}) {
        EXPECT_EQ(client.get("/s/" + std::string(path)).status, 404) << path;
    }
}

TEST_F(StaticFiles, OneThatGrowsIsSentAsLongAsItWas) {
    put(folder_ / "large", std::string(300'000, 'x'));
    WebClient client(app_);
    EXPECT_EQ(client.get("/s/large").body.size(), 300'000u);
    put(folder_ / "large", std::string(400'000, 'y'));
    EXPECT_EQ(client.get("/s/large").body, std::string(400'000, 'y'));
    put(folder_ / "a.txt", std::string(1000, 'z'));
    EXPECT_EQ(client.get("/s/a.txt").body, std::string(1000, 'z'));
}

TEST_F(StaticFiles, ACheckIntervalSavesAskingTheFileSystem) {
    Served served(folder_, StaticFilesOptions().check_interval(std::chrono::seconds(1)));
    EXPECT_EQ(served->get("/s/a.txt").body, "hello");
    EXPECT_EQ(served->get("/s/new.txt").status, 404);
    put(folder_ / "a.txt", "changed");
    put(folder_ / "new.txt", "new");
    served->loop().advance(std::chrono::milliseconds(999));
    EXPECT_EQ(served->get("/s/a.txt").body, "hello");
    EXPECT_EQ(served->get("/s/new.txt").status, 404);
    served->loop().advance(std::chrono::milliseconds(1));
    EXPECT_EQ(served->get("/s/a.txt").body, "changed");
    EXPECT_EQ(served->get("/s/new.txt").body, "new");
}

TEST_F(StaticFiles, AFolderThatCantBeOpenedIsAnErrorAtStart) {
    EXPECT_THROW((void)static_files((base_ / "nowhere").string()), IoError);
    EXPECT_THROW((void)static_files((folder_ / "a.txt").string()), IoError);
}

TEST_F(StaticFiles, LeaveNoDescriptorOpen) {
    auto open = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
    WebClient client(app_);
    client.get("/s/a.txt");
    auto before = open();
    for (int i = 0; i < 20; ++i) {
        client.get("/s/a.txt");
        client.head("/s/a.txt");
        client.get("/s/sub");
        client.get("/s/a.txt", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n");
    }
    EXPECT_EQ(open(), before);
}

}  // namespace
}  // namespace caropig::web
