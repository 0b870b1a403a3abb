#include "client/exchange.h"
#include "client/scripted_upstream.h"
#include <caropig/client/file_body.h>
#include <caropig/client/multipart_form.h>
#include <caropig/http/header_value.h>
#include <caropig/http/multipart.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/testkit/test_loop.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace caropig::client {
namespace {

/// Takes what a producer writes.
class Taken final : public RequestBody {
public:
    Task<void> write(std::string_view data) override {
        text += data;
        co_return;
    }
    std::string text;
};

class RequestBodiesTest : public testing::Test {
protected:
    void SetUp() override {
        std::string path = (std::filesystem::temp_directory_path() / "caropig_bodies_XXXXXX").string();
        ASSERT_NE(::mkdtemp(path.data()), nullptr);
        folder = path;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    std::string make(const std::string& name, std::string_view bytes) {
        std::ofstream(folder / name, std::ios::binary) << bytes;
        return folder / name;
    }
    /// Runs the task on a real loop: files are read on threads.
    template <class T>
    T run(Task<T> task) {
        return loop.run_until(std::move(task));
    }

    std::filesystem::path folder;
    Loop loop;
    ThreadPool threads{ThreadPoolOptions().threads(1)};
};

TEST_F(RequestBodiesTest, Json) {
    FetchRequest request("http://a.example/");
    request.body_from([](RequestBody&) -> Task<void> { co_return; }).json({{"a", 1}, {"b", nullptr}});
    EXPECT_EQ(request.body(), R"({"a":1,"b":null})");
    EXPECT_EQ(request.headers().find("Content-Type"), "application/json");
    EXPECT_FALSE(request.producer());
}

TEST_F(RequestBodiesTest, Form) {
    FetchRequest request("http://a.example/");
    request.form({{"a b", "1&2=3"}, {"\xc3\xa4", ""}, {"c", "x+y"}});
    EXPECT_EQ(request.headers().find("Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_EQ(request.body(), "a%20b=1%262%3D3&%C3%A4=&c=x%2By");
    EXPECT_EQ(http::parse_query(request.body())->at(0).second, "1&2=3");
}

TEST_F(RequestBodiesTest, MultipartIsReadByOurOwnParser) {
    const std::string large(600'000, 'x');
    const std::string path = make("photo \"1\".jpg", large);
    MultipartForm form;
    form.field("title", "A\r\n--b").field("n\"a\r\nme", "");
    form.file("f", "m\xc3\xa4.txt", "bytes", "text/plain; charset=utf-8");
    form.file("g", run(FileBody::open(path, threads)), "image/jpeg").field("last", "z");

    FetchRequest request("http://a.example/");
    request.multipart(form);
    Taken body;
    for (int times = 1; times <= 2; ++times) {
        body.text.clear();
        run(request.producer()(body));
        EXPECT_EQ(body.text.size(), request.produced_length());
    }
    EXPECT_TRUE(request.repeatable());

    const auto type = http::parse_content_type(*request.headers().find("Content-Type")).value();
    EXPECT_EQ(type.type, "multipart/form-data");
    auto parser = http::MultipartParser::create(type.boundary).value();
    std::map<std::string, std::string> parts;
    std::map<std::string, std::string> files;
    std::string_view rest = body.text;
    using Event = http::MultipartParser::Event;
    for (;;) {
        const auto step = parser.next(rest);
        rest.remove_prefix(step.consumed);
        ASSERT_NE(step.event, Event::kError) << parser.error().reason;
        if (step.event == Event::kEnd || step.event == Event::kNeedMore) break;
        if (step.event == Event::kPart && parser.part().file_name) {
            files[parser.part().name] = *parser.part().file_name + '|' + parser.part().content_type;
        }
        parts[parser.part().name] += step.data;
    }
    EXPECT_TRUE(parser.done());
    EXPECT_EQ(rest, "\r\n");
    EXPECT_EQ(parts.size(), 5u);
    EXPECT_EQ(parts["title"], "A\r\n--b");
    EXPECT_EQ(parts.count("n\"a\r\nme"), 1u);
    EXPECT_EQ(parts["f"], "bytes");
    EXPECT_EQ(parts["g"], large);
    EXPECT_EQ(parts["last"], "z");
    EXPECT_EQ(files["f"], "m\xc3\xa4.txt|text/plain; charset=utf-8");
    EXPECT_EQ(files["g"], "photo \"1\".jpg|image/jpeg");
}

TEST_F(RequestBodiesTest, MultipartRefusesWhatCantBeSent) {
    MultipartForm form;
    EXPECT_THROW(form.field("", "a"), std::invalid_argument);
    EXPECT_THROW(form.field("a\xff", "a"), std::invalid_argument);
    EXPECT_THROW(form.field(std::string_view("a\0", 2), "a"), std::invalid_argument);
    EXPECT_THROW(form.file("a", "b\x01", "c"), std::invalid_argument);
    EXPECT_THROW(form.file("a", "b", "c", "text/plain\r\nX: y"), std::invalid_argument);
    EXPECT_EQ(form.size(), MultipartForm().size());
    EXPECT_NE(form.content_type(), MultipartForm().content_type());
}

TEST_F(RequestBodiesTest, AFileIsSentAsLongAsItWas) {
    const std::string path = make("a", "hello");
    FileBody file = run(FileBody::open(path, threads));
    EXPECT_EQ(file.name(), "a");
    EXPECT_EQ(file.size(), 5u);
    std::ofstream(path, std::ios::app) << " world";
    Taken body;
    run(file.write_to(body));
    EXPECT_EQ(body.text, "hello");
    std::filesystem::resize_file(path, 4);
    EXPECT_THROW(run(file.write_to(body)), IoError);
    EXPECT_EQ(run(FileBody::open(make("empty", ""), threads)).size(), 0u);
}

TEST_F(RequestBodiesTest, WhatIsNoFileIsAnError) {
    EXPECT_THROW(run(FileBody::open(folder / "missing", threads)), IoError);
    try {
        run(FileBody::open(folder, threads));
        ADD_FAILURE() << "a folder was opened";
    } catch (const IoError& error) {
        EXPECT_NE(std::string(error.what()).find("no regular file"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace caropig::client
