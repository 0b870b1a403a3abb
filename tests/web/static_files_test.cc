#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/static_files.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

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

namespace fs = std::filesystem;
using support::Answer;
using support::WebClient;

void put(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

/// A folder "public" of files beside a secret, and an application that serves it at /s/.
class StaticFiles : public testing::Test {
protected:
    StaticFiles() {
        std::string name = (fs::temp_directory_path() / "caropig-static-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        base_ = name;
        folder_ = base_ / "public";
        fs::create_directories(folder_ / "sub" / "deep");
        put(base_ / "secret.txt", "SECRET");
        put(folder_ / "a.txt", "hello");
        put(folder_ / "sub" / "b.html", "<p>");
        put(folder_ / "empty.css", "");
        app_.get("/s/{path:path}", static_files(folder_.string()));
    }
    ~StaticFiles() override { fs::remove_all(base_); }

    fs::path base_;
    fs::path folder_;
    Application app_;
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
    testkit::TestLoop loop;
    server::Server server(loop, app_);
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

TEST_F(StaticFiles, ConditionalRequests) {
    timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 500'000'000}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "a.txt").c_str(), times, 0), 0);
    WebClient client(app_);
    std::string modified = client.get("/s/a.txt").field("Last-Modified").value_or("");
    EXPECT_EQ(modified, "Sun, 09 Sep 2001 01:46:40 GMT");
    auto status = [&](std::string_view fields) { return client.get("/s/a.txt", fields).status; };
    EXPECT_EQ(status("If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n"), 304);
    EXPECT_EQ(status("If-Modified-Since: Mon, 10 Sep 2001 01:46:40 GMT\r\n"), 304);
    EXPECT_EQ(status("If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT\r\n"), 200);
    for (std::string_view bad : {"yesterday", "", "0", "Sun, 99 Sep 2001 01:46:40 GMT", "1000000000"}) {
        EXPECT_EQ(status("If-Modified-Since: " + std::string(bad) + "\r\n"), 200) << bad;
    }
    EXPECT_EQ(status("If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\nIf-None-Match: \"x\"\r\n"), 200)
        << "RFC 9110 13.1.3: the date is ignored beside entity tags";
    Answer unchanged = client.get("/s/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n");
    EXPECT_EQ(unchanged.field("Last-Modified"), modified);
    EXPECT_EQ(unchanged.field("Content-Type"), std::nullopt);
    EXPECT_EQ(client.head("/s/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n").status, 304);
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
