#include "support/loop_until.h"
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/net/unix.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace caropig::net {
namespace {

using namespace std::chrono_literals;

class Unix : public testing::Test {
protected:
    Unix() {
        std::string name = std::filesystem::temp_directory_path() / "caropig-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ / "socket";
    }
    ~Unix() override { std::filesystem::remove_all(folder_); }

    int listen_error(const std::string& path) {
        try {
            listen_unix(path);
        } catch (const IoError& error) {
            EXPECT_TRUE(error.operation().starts_with("listen on unix:" + path)) << error.operation();
            return error.code().value();
        }
        return 0;
    }

    std::filesystem::path folder_;
    std::string path_;
    Loop loop_;
};

TEST_F(Unix, ConnectsAndCarriesBytes) {
    auto listener = listen_unix(path_, 0640);
    EXPECT_EQ(listener->address(), "unix:" + path_);
    EXPECT_EQ(listener->port(), 0);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0640u);
    std::unique_ptr<Stream> accepted;
    listener->start(loop_, [&](std::unique_ptr<Stream> stream) { accepted = std::move(stream); });
    auto stream = loop_.run_until(connect_unix(path_));
    EXPECT_EQ(stream->peer(), "unix:" + path_);
    support::run_until(loop_, [&] { return accepted != nullptr; });
    EXPECT_EQ(accepted->peer(), "unix:");
    loop_.run_until(stream->write(as_bytes("hi")));
    std::string text(8, '\0');
    EXPECT_EQ(loop_.run_until(accepted->read_some(std::as_writable_bytes(std::span(text)))), 2u);
    listener->stop();
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Unix, ReplacesAStaleFileOnly) {
    {
        auto listener = listen_unix(path_);
        EXPECT_EQ(listen_error(path_), EADDRINUSE) << "somebody listens";
        std::filesystem::rename(path_, path_ + ".kept");
    }
    std::filesystem::rename(path_ + ".kept", path_);
    auto listener = listen_unix(path_);
    EXPECT_EQ(listener->address(), "unix:" + path_);
}

TEST_F(Unix, RefusesWhatIsNoSocketAndWhatIsTooLong) {
    std::ofstream(path_) << "precious";
    EXPECT_EQ(listen_error(path_), EEXIST);
    EXPECT_EQ(std::filesystem::file_size(path_), 8u);
    EXPECT_EQ(listen_error(std::string(200, 'x')), ENAMETOOLONG);
    EXPECT_THROW(listen_unix(""), IoError);
}

TEST_F(Unix, LeavesAFileThatAnotherHasPutThere) {
    auto first = listen_unix(path_);
    std::filesystem::remove(path_);
    auto second = listen_unix(path_);
    first.reset();
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(Unix, AbstractNameHasNoFile) {
    std::string name = "@" + path_;
    auto listener = listen_unix(name);
    EXPECT_EQ(listener->address(), "unix:" + name);
    EXPECT_FALSE(std::filesystem::exists(path_));
    listener->start(loop_, [](std::unique_ptr<Stream>) {});
    EXPECT_EQ(loop_.run_until(connect_unix(name))->peer(), "unix:" + name);
}

TEST_F(Unix, ConnectNamesThePath) {
    try {
        loop_.run_until(connect_unix(path_));
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_EQ(error.code().value(), ENOENT);
        EXPECT_EQ(error.operation(), "connect to unix:" + path_);
    }
}

}  // namespace
}  // namespace caropig::net
