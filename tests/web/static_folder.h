#pragma once

#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/static_files.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace caropig::web {

namespace fs = std::filesystem;
using support::Answer;
using support::WebClient;

inline void put(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

/// A folder "public" of files beside a secret, and an application that serves it at /s/.
class StaticFolder : public testing::Test {
protected:
    StaticFolder() {
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
    ~StaticFolder() override { fs::remove_all(base_); }

    fs::path base_;
    fs::path folder_;
    Application app_;
};

/// Serves `folder` at /s/ with other options.
class Served {
public:
    Served(const fs::path& folder, StaticFilesOptions options)
        : files_(folder.string(), std::move(options.url_prefix("/s/"))), client_(add(files_, app_)) {}

    WebClient* operator->() { return &client_; }
    /// The answer to a request that a thread works for.
    Answer get_later(std::string_view target, std::string_view fields) {
        std::size_t before = client_.received().size();
        client_.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n");
        for (;;) {
            auto answers = support::parse_answers(std::string_view(client_.received()).substr(before));
            if (!answers.empty() && answers[0].complete) return answers[0];
            std::this_thread::yield();
            client_.loop().run_ready();
        }
    }
    [[nodiscard]] const web::StaticFiles& files() const { return files_; }

private:
    static Application& add(const web::StaticFiles& files, Application& app) {
        files.add_to(app);
        return app;
    }
    Application app_;
    web::StaticFiles files_;
    WebClient client_;
};

inline std::string text_of_lines(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + "\n";
    text.resize(size);
    return text;
}

}  // namespace caropig::web
