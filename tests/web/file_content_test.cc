#include "web/file_content.h"

#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace caropig::web {
namespace {

constexpr std::size_t kLarge = std::size_t{100} * 1000;  // not whole pages

std::string read_from(const InFile& where, std::size_t size) {
    std::string text(size, '\0');
    EXPECT_EQ(::pread(where.file, text.data(), size, static_cast<off_t>(where.offset)), static_cast<ssize_t>(size));
    return text;
}

/// A limit of the process, until it goes.
class Limited {
public:
    Limited(__rlimit_resource resource, rlim_t most) : resource_(resource) {
        EXPECT_EQ(::getrlimit(resource, &before_), 0);
        const rlimit limit{most, before_.rlim_max};
        EXPECT_EQ(::setrlimit(resource, &limit), 0);
    }
    ~Limited() { ::setrlimit(resource_, &before_); }
    Limited(const Limited&) = delete;
    Limited& operator=(const Limited&) = delete;

private:
    __rlimit_resource resource_;
    rlimit before_{};
};

TEST(FileContent, LargeOnesLieInAFileToo) {
    ContentFile file;
    const FileContent small = file.keep(std::string(ContentFile::kWorthIt - 1, 's'));
    EXPECT_EQ(small.in_file().file, -1);
    EXPECT_EQ(small.text(), std::string(ContentFile::kWorthIt - 1, 's'));
    const FileContent least = file.keep(std::string(ContentFile::kWorthIt, 'l'));
    EXPECT_EQ(read_from(least.in_file(), least.size()), least.text());
    std::string text(kLarge, 'a');
    text[kLarge - 1] = 'z';
    const FileContent large = file.keep(text);
    EXPECT_EQ(large.text(), text);
    EXPECT_EQ(read_from(large.in_file(), kLarge), text);
    EXPECT_EQ(read_from(large.in_file(kLarge - 2), 2), "az");
    EXPECT_EQ(FileContent().text(), "");
    EXPECT_EQ(FileContent(text).in_file().file, -1);
}

TEST(FileContent, ManyCostOneDescriptor) {
    ContentFile file;
    const FileContent first = file.keep(std::string(kLarge, '1'));
    namespace fs = std::filesystem;
    auto open = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); };
    const auto before = open();
    const FileContent second = file.keep(std::string(kLarge, '2'));
    EXPECT_EQ(open(), before);
    EXPECT_EQ(first.text(), std::string(kLarge, '1'));
    EXPECT_EQ(second.text(), std::string(kLarge, '2'));
}

TEST(FileContent, GivesItsMemoryBack) {
    ContentFile file;
    const FileContent stays = file.keep(std::string(kLarge, 's'));
    struct stat one{};
    ASSERT_EQ(::fstat(stays.in_file().file, &one), 0);
    EXPECT_GT(one.st_blocks, 0);
    {
        FileContent goes = file.keep(std::string(kLarge, 'g'));
        goes = file.keep(std::string(kLarge, 'h'));
        EXPECT_EQ(goes.text(), std::string(kLarge, 'h'));
    }
    struct stat now{};
    ASSERT_EQ(::fstat(stays.in_file().file, &now), 0);
    EXPECT_EQ(now.st_blocks, one.st_blocks);
    EXPECT_EQ(stays.text(), std::string(kLarge, 's'));
}

TEST(FileContent, OutlivesItsFile) {
    FileContent content;
    {
        ContentFile file;
        content = file.keep(std::string(kLarge, 'x'));
    }
    EXPECT_EQ(read_from(content.in_file(), kLarge), content.text());
}

TEST(FileContent, WhatASocketHasTakenStaysAsItWas) {
    ContentFile file;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    {
        const FileContent content = file.keep(std::string(kLarge, 'o'));
        const InFile where = content.in_file();
        auto offset = static_cast<off_t>(where.offset);
        ASSERT_EQ(::sendfile(ends[0], where.file, &offset, kLarge), static_cast<ssize_t>(kLarge));
    }
    const FileContent next = file.keep(std::string(kLarge, 'n'));
    std::string received(kLarge, '\0');
    EXPECT_EQ(::recv(ends[1], received.data(), kLarge, MSG_WAITALL), static_cast<ssize_t>(kLarge));
    EXPECT_TRUE(received == std::string(kLarge, 'o'));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(FileContent, StaysOnTheHeapOutOfDescriptors) {
    const std::string text(kLarge, 'x');
    ContentFile file;
    const Limited none(RLIMIT_NOFILE, 0);
    const FileContent content = file.keep(text);
    EXPECT_EQ(content.in_file().file, -1);
    EXPECT_EQ(content.text(), text);
}

TEST(FileContent, StaysOnTheHeapWhereThereIsNoRoom) {
    const std::string text(kLarge, 'x');
    ContentFile file;
    const Limited short_files(RLIMIT_FSIZE, 2 * kLarge);  // to go beyond it would end the process
    const FileContent first = file.keep(text);
    EXPECT_NE(first.in_file().file, -1);
    const FileContent second = file.keep(text);
    EXPECT_EQ(second.in_file().file, -1);
    EXPECT_EQ(second.text(), text);
}

}  // namespace
}  // namespace caropig::web
