#include "template/render.h"
#include <caropig/base/error.h>
#include <caropig/template/loader.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::templates {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

class LoaderTest : public ::testing::Test {
protected:
    LoaderTest() {
        std::string pattern = (fs::temp_directory_path() / "caropig-templates-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        fs::create_directory(root());
    }
    ~LoaderTest() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path root() const { return folder_ / "root"; }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((root() / name).parent_path());
        std::ofstream(root() / name, std::ios::binary) << text;
    }

    // The time of change moves on even where two writes fall into one tick of the file system.
    void change(const std::string& name, const std::string& text) const {
        const auto before = fs::last_write_time(root() / name);
        write(name, text);
        fs::last_write_time(root() / name, before + std::chrono::seconds(1));
    }

    static std::string error_of(BaseLoader& loader, std::string_view name) {
        try {
            static_cast<void>(loader.load(name));
            return {};
        } catch (const ParseError& error) {
            return error.what();
        }
    }

    fs::path folder_;
};

TEST_F(LoaderTest, FindsFilesRelativeToTheFileThatNamesThem) {
    write("index.html", "{% include pages/a.html %}");
    write("pages/a.html", "A{% include b.html %}{% include ../c.html %}");
    write("pages/b.html", "B");
    write("c.html", "C");
    Loader loader(root());
    EXPECT_EQ(loader.load("index.html")->render({}), "ABC");
    EXPECT_EQ(loader.load("pages/../pages/./b.html")->render({}), "B");
}

TEST_F(LoaderTest, NeverLeavesItsFolder) {
    std::ofstream(folder_ / "secret.html") << "secret";
    write("up.html", "{% include ../secret.html %}");
    write("absolute.html", "{% include /etc/passwd %}");
    fs::create_directories(root() / "sub");
    fs::create_symlink("../../secret.html", root() / "sub/link.html");
    fs::create_symlink("../index.html", root() / "sub/inside.html");
    fs::create_directory(folder_ / "root-2");
    std::ofstream(folder_ / "root-2/secret.html") << "secret";
    write("index.html", "index");
    Loader loader(root());
    for (const char* name :
         {"../secret.html", "sub/../../secret.html", "/etc/passwd", "sub/link.html", "../root-2/secret.html", "up.html",
          "absolute.html", "", ".", "sub", "sub/", "..", "index.html/../../secret.html"}) {
        EXPECT_NE(error_of(loader, name), "") << name;
    }
    EXPECT_NE(error_of(loader, std::string_view("index.html\0x", 12)), "");
    EXPECT_THAT(error_of(loader, "../secret.html"), HasSubstr("leads out of the folder"));
    EXPECT_EQ(loader.load("sub/inside.html")->render({}), "index");
}

TEST_F(LoaderTest, ReadsAFileOnce) {
    write("a.html", "old");
    Loader loader(root());
    const auto first = loader.load("a.html");
    change("a.html", "new!");
    EXPECT_EQ(loader.load("a.html"), first);
    loader.reset();
    EXPECT_EQ(loader.load("a.html")->render({}), "new!");
    EXPECT_EQ(first->render({}), "old");
}

TEST_F(LoaderTest, DebugModeSeesChanges) {
    write("page.html", "{% extends base.html %}{% block b %}{% include part.html %}{% end %}");
    write("base.html", "[{% block b %}{% end %}]");
    write("part.html", "old");
    LoaderOptions options;
    options.debug = true;
    Loader loader(root(), options);
    const auto first = loader.load("page.html");
    EXPECT_EQ(first->render({}), "[old]");
    EXPECT_EQ(loader.load("page.html"), first);
    change("part.html", "new");
    EXPECT_EQ(loader.load("page.html")->render({}), "[new]");
    change("base.html", "<{% block b %}{% end %}");
    EXPECT_EQ(loader.load("page.html")->render({}), "<new");
    change("part.html", "{{ 1 +");
    EXPECT_THAT(error_of(loader, "page.html"), HasSubstr("part.html:1"));
    change("part.html", "again");
    EXPECT_EQ(loader.load("page.html")->render({}), "<again");
    fs::remove(root() / "part.html");
    EXPECT_THAT(error_of(loader, "page.html"), HasSubstr("there is no template 'part.html'"));
}

TEST_F(LoaderTest, NeedsAFolder) {
    EXPECT_THROW(Loader(root() / "missing"), IoError);
    write("file", "");
    EXPECT_THROW(Loader(root() / "file"), IoError);
}

TEST_F(LoaderTest, WhitespaceDependsOnTheNameUnlessItIsSaid) {
    const std::string text = "a   b\n\n  c";
    for (const char* name : {"a.html", "a.js", "a.txt"}) write(name, text);
    Loader loader(root());
    EXPECT_EQ(loader.load("a.html")->render({}), "a b\nc");
    EXPECT_EQ(loader.load("a.js")->render({}), "a b\nc");
    EXPECT_EQ(loader.load("a.txt")->render({}), text);
    LoaderOptions options;
    options.whitespace = Whitespace::kOneline;
    Loader oneline(root(), options);
    EXPECT_EQ(oneline.load("a.txt")->render({}), "a b c");
}

}  // namespace
}  // namespace caropig::templates
