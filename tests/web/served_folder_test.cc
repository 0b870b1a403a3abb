#include "web/served_folder.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace caropig::web {
namespace {

namespace fs = std::filesystem;

class ServedFolderTest : public testing::Test {
protected:
    ServedFolderTest() {
        std::string name = (fs::temp_directory_path() / "caropig-folder-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
        for (const char* each : {"a", "b", "c"}) std::ofstream(path_ / each) << std::string(100, *each);
    }
    ~ServedFolderTest() override { fs::remove_all(path_); }

    static std::shared_ptr<const ServedFile> made(std::size_t size) {
        auto file = std::make_shared<ServedFile>();
        file->content = FileContent(std::string(size, 'x'));
        return file;
    }

    fs::path path_;
};

TEST_F(ServedFolderTest, BytesAreLimited) {
    ServedFolder folder(path_.string(), {100, 100, 202, 10, {}});
    folder.find("a", std::nullopt);
    folder.find("b", std::nullopt);
    EXPECT_EQ(folder.bytes(), 202u);
    folder.find("a", std::nullopt);
    folder.find("c", std::nullopt);
    EXPECT_EQ(folder.bytes(), 202u) << "one of them made room";
    EXPECT_EQ(folder.find("b", std::nullopt)->content.text(), std::string(100, 'b')) << "which is read again";
}

TEST_F(ServedFolderTest, TheOneUsedLastStays) {
    ServedFolder folder(path_.string(), {100, 100, 202, 10, {}});
    folder.put_made("1", made(100));
    folder.put_made("2", made(100));
    EXPECT_NE(folder.find_made("1"), nullptr);
    folder.put_made("3", made(100));
    EXPECT_NE(folder.find_made("1"), nullptr);
    EXPECT_EQ(folder.find_made("2"), nullptr);
    folder.put_made("4", made(202));
    EXPECT_EQ(folder.bytes(), 0u) << "what is larger than the limit pushes out everything and is not kept itself";
}

TEST_F(ServedFolderTest, EntriesAreLimited) {
    ServedFolder folder(path_.string(), {100, 100, 1000, 2, {}});
    for (const char* key : {"1", "2", "3"}) folder.put_made(key, made(0));
    EXPECT_EQ(folder.find_made("1"), nullptr);
    EXPECT_NE(folder.find_made("2"), nullptr);
    EXPECT_NE(folder.find_made("3"), nullptr);
}

TEST_F(ServedFolderTest, AKeyThatIsPutAgainIsReplaced) {
    ServedFolder folder(path_.string(), {100, 100, 1000, 10, {}});
    folder.put_made("1", made(100));
    folder.put_made("1", made(30));
    EXPECT_EQ(folder.bytes(), 31u);
    EXPECT_EQ(folder.find_made("1")->content.size(), 30u);
}

TEST_F(ServedFolderTest, SharedContentOutlivesItsEntry) {
    ServedFolder folder(path_.string(), {100, 100, 101, 10, {}});
    auto a = folder.find("a", std::nullopt);
    folder.find("b", std::nullopt);
    EXPECT_EQ(a->content.text(), std::string(100, 'a'));
}

TEST_F(ServedFolderTest, AFileThatMayChangeUnnoticedIsReadAgain) {
    ServedFolder fresh(path_.string(), {100, 0, 1000, 10, {}, std::chrono::hours(1000)});
    auto first = fresh.find("a", std::nullopt);
    EXPECT_FALSE(first->settled);
    EXPECT_TRUE(first->etag.starts_with("W/\"")) << first->etag;
    EXPECT_NE(fresh.find("a", std::nullopt), first);
    ServedFolder old(path_.string(), {100, 0, 1000, 10, {}, Duration(-1)});
    first = old.find("a", std::nullopt);
    EXPECT_TRUE(first->settled);
    EXPECT_TRUE(first->etag.starts_with("\"")) << first->etag;
    EXPECT_EQ(old.find("a", std::nullopt), first);
}

}  // namespace
}  // namespace caropig::web
