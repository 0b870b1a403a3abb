#include "http/content_coding.h"
#include "support/web_client.h"
#include "web/temporary_file.h"
#include <caropig/async/event.h>
#include <caropig/async/waiter.h>
#include <caropig/async/when_all.h>
#include <caropig/async/when_any.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/web/application.h>
#include <caropig/web/form.h>
#include <caropig/web/request_handler.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace caropig::web {
namespace {

using support::Answer;
using support::WebClient;

constexpr std::string_view kMultipart = "multipart/form-data; boundary=B";

std::string field(std::string_view name, std::string_view value) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" + std::string(value) +
           "\r\n";
}
std::string file(std::string_view name, std::string_view file_name, std::string_view contents,
                 std::string_view type = "text/plain") {
    return "--B\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"; filename=\"" +
           std::string(file_name) + "\"\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(contents) +
           "\r\n";
}
const std::string kEnd = "--B--\r\n";

/// A folder of its own for a test, gone with it.
class Folder {
public:
    Folder() : path_(testing::TempDir() + "caropig-form-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            names.push_back(entry.path().filename().string());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    std::string path_;
};

std::string contents_of(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// `name=value` and `name:file name:type:size` for what a form has.
std::string shown(const Form& form) {
    std::string text;
    for (const FormField& each : form.fields()) text += each.name + "=" + each.value + " ";
    for (const FormFile& each : form.files()) {
        text += each.name() + ":" + each.file_name() + ":" + each.content_type() + ":" + std::to_string(each.size()) +
                (each.contents() ? "" : " on disk") + " ";
    }
    return text;
}

Application& add_read_form(Application& app, const FormOptions& options = {}) {
    return app.post("/", [options](Request& request) -> Task<Response> {
        Form form = co_await request.read_form(options);
        co_return Response::text(shown(form));
    });
}

// --- Arguments and files of a body in memory ----------------------------------------------------------------------

Response show_arguments(Request& request) {
    std::string text = "[" + request.get_argument("a", "none") + "]";
    for (const std::string& value : request.get_arguments("a")) text += " [" + value + "]";
    for (const FormFile* each : request.files("f")) {
        text += " " + each->file_name() + "(" + each->content_type() + ")=" + std::string(each->contents().value());
    }
    return Response::text(text);
}

TEST(FormArguments, AreThoseOfMultipartToo) {
    Application app;
    app.post("/", show_arguments);
    WebClient client(app);
    EXPECT_EQ(
        client.post_form("/?a=q", field("a", " 1 ") + field("b", "x") + field("a", "2\x01") + kEnd, kMultipart).body,
        "[2] [q] [1] [2]");
    EXPECT_EQ(client.post_form("/", field("b", "x") + kEnd, kMultipart).body, "[none]");
    EXPECT_EQ(client.post_form("/", kEnd, kMultipart).body, "[none]");
    EXPECT_EQ(client.post_form("/", "", kMultipart).body, "[none]") << "no body is no form";
    EXPECT_EQ(client.post_form("/", field("a", "\xe6\x88\x90") + kEnd, "Multipart/Form-Data; boundary=\"B\"").body,
              "[\xe6\x88\x90] [\xe6\x88\x90]");
}

TEST(FormArguments, FilesAreNoArguments) {
    Application app;
    app.post("/", show_arguments);
    WebClient client(app);
    EXPECT_EQ(client
                  .post_form("/", file("a", "x", "1") + file("f", "dir/y.txt", "\xff\r\n") + file("f", "z", "") + kEnd,
                             kMultipart)
                  .body,
              "[none] y.txt(text/plain)=\xff\r\n z(text/plain)=");
    EXPECT_EQ(client.post_form("/", file("a", "", "") + kEnd, kMultipart).body, "[] []")
        << "no file chosen: as Tornado";
}

TEST(FormArguments, ErrorsAreStatuses) {
    Application app;
    app.post("/", show_arguments);
    auto status = [&](std::string_view body, std::string_view type) {
        return WebClient(app).post_form("/", body, type).status;
    };
    EXPECT_EQ(status(field("a", "1") + kEnd, "multipart/form-data"), 400) << "no boundary";
    EXPECT_EQ(status(field("a", "1") + kEnd, "multipart/form-data; boundary"), 400);
    EXPECT_EQ(status(field("a", "1"), kMultipart), 400) << "cut off";
    EXPECT_EQ(status("nothing", kMultipart), 400);
    EXPECT_EQ(status(field("a", "\xff") + kEnd, kMultipart), 400) << "not UTF-8";
    EXPECT_EQ(status(field("b", "\xff") + kEnd, kMultipart), 400);
    std::string many;
    for (int i = 0; i < 100; ++i) many += field("a", "");
    EXPECT_EQ(status(many + kEnd, kMultipart), 200);
    EXPECT_EQ(status(many + field("a", "") + kEnd, kMultipart), 413);
    WebClient client(app);
    for (std::string_view type : {kMultipart, std::string_view("application/x-www-form-urlencoded")}) {
        EXPECT_EQ(
            client.post("/", "a=1", "Content-Encoding: gzip\r\nContent-Type: " + std::string(type) + "\r\n").status,
            415);
    }
}

TEST(FormArguments, OfACompressedFormWhereTheServerDecompresses) {
    Application app;
    app.post("/", [](Request& request) { return Response(request.get_argument("a")); });
    WebClient client(app, server::ServerOptions().decompress_requests(true));
    const std::string body = http::encode_content(http::ContentCoding::kGzip, 6, "a=coded+value");
    const Answer answer =
        client.post("/", body, "Content-Encoding: gzip\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "coded value");
}

TEST(FormArguments, WhoDoesNotAskDoesNotPay) {
    Application app;
    app.post("/", [](Request&) { return Response::text("fine"); });
    WebClient client(app);
    EXPECT_EQ(client.post_form("/", "broken", kMultipart).body, "fine");
    EXPECT_LE(sizeof(Request), 5 * sizeof(void*) + sizeof(std::string));
}

TEST(FormArguments, AreParsedAgainWhenTheBodyHasCome) {
    Application app;
    app.post("/", [](Request& request) -> Task<Response> {
        std::string before = request.get_argument("a", "none");
        co_await request.read_whole_body();
        co_return Response::text(before + " " + request.get_argument("a", "none"));
    });
    WebClient client(app);
    EXPECT_EQ(client.post_form("/", "a=1").body, "none 1");
    EXPECT_EQ(client.post_form("/", field("a", "2") + kEnd, kMultipart).body, "none 2");
}

TEST(FormArguments, QueryAndBodyApart) {
    Application app;
    app.post("/", [](Request& request) {
        return Response::text(request.get_query_argument("a", "none") + " " + request.get_body_argument("a", "none"));
    });
    app.post("/must", [](Request& request) {
        return Response::text(request.get_query_argument("a") + " " + request.get_body_argument("a"));
    });
    WebClient client(app);
    EXPECT_EQ(client.post_form("/?a=1", "b=2").body, "1 none");
    EXPECT_EQ(client.post_form("/?b=1", "a=2").body, "none 2");
    EXPECT_EQ(client.post_form("/must?a=1&a=2", "a=3&a=4").body, "2 4");
    EXPECT_EQ(client.post_form("/must?a=1", "b=2").status, 400);
    EXPECT_EQ(client.post_form("/must?b=1", "a=2").status, 400);
}

FormOptions tight_options() {
    return FormOptions()
        .max_fields(2)
        .max_field_bytes(5)
        .max_memory_bytes(9)
        .max_files(2)
        .max_file_bytes(4)
        .max_files_bytes(6);
}
/// Each of them is just met and just exceeded by a form.
void expect_tight_limits(Application& app) {
    auto status = [&](const std::string& body) {
        return WebClient(app).post_form("/", body + kEnd, kMultipart).status;
    };
    auto urlencoded = [&](const std::string& body) { return WebClient(app).post_form("/", body).status; };
    EXPECT_EQ(status(field("a", "") + field("b", "")), 200);
    EXPECT_EQ(status(field("a", "") + field("b", "") + field("c", "")), 413);
    EXPECT_EQ(status(field("a", "1234")), 200);
    EXPECT_EQ(status(field("a", "12345")), 413);
    EXPECT_EQ(status(field("a", "1234") + field("b", "123")), 200);
    EXPECT_EQ(status(field("a", "1234") + field("b", "1234")), 413);
    EXPECT_EQ(status(file("a", "x", "") + file("b", "x", "")), 200);
    EXPECT_EQ(status(file("a", "x", "") + file("b", "x", "") + file("c", "x", "")), 413);
    EXPECT_EQ(status(file("a", "x", "1234")), 200);
    EXPECT_EQ(status(file("a", "x", "12345")), 413);
    EXPECT_EQ(status(file("a", "x", "123") + file("b", "x", "123")), 200);
    EXPECT_EQ(status(file("a", "x", "123") + file("b", "x", "1234")), 413);
    EXPECT_EQ(urlencoded("a&b"), 200);
    EXPECT_EQ(urlencoded("a&b&c"), 413);
    EXPECT_EQ(urlencoded("a=1234"), 200);
    EXPECT_EQ(urlencoded("a=12345"), 413);
    EXPECT_EQ(urlencoded("a=123&b=1"), 200);
    EXPECT_EQ(urlencoded("a=123&b=12"), 413);
}

TEST(FormArguments, HaveOptions) {
    Application app;
    app.post("/", [](Request& request) {
        request.set_form_options(tight_options());
        return Response::text(request.get_argument("a", "none") + std::to_string(request.files().size()));
    });
    expect_tight_limits(app);
    EXPECT_EQ(WebClient(app).post("/?a&b", "").status, 200);
    EXPECT_EQ(WebClient(app).post("/?a&b&c", "").status, 400) << "no content, so not 413";
}

class Uploads : public RequestHandler {
public:
    Task<void> post() override {
        write(get_body_argument("a") + get_body_argument("b", "-") + get_query_argument("q", "-"));
        for (const std::string& value : get_body_arguments("a")) write("," + value);
        for (const FormFile* each : request().files("f")) write(" " + each->file_name());
        Form form = co_await request().read_form();
        write(" " + shown(form));
    }
};

TEST(FormArguments, AreThoseOfARequestHandler) {
    Application app;
    app.add<Uploads>("/");
    WebClient client(app);
    std::string body = field("a", "1") + field("a", "2") + file("f", "x.txt", "abc") + kEnd;
    EXPECT_EQ(client.post_form("/?q=3", body, kMultipart).body, "2-3,1,2 x.txt a=1 a=2 f:x.txt:text/plain:3 ");
    EXPECT_EQ(client.post_form("/", "broken", kMultipart).status, 400);
}

// --- read_form() --------------------------------------------------------------------------------------------------

TEST(ReadForm, TakesBothKinds) {
    Application app;
    add_read_form(app);
    WebClient client(app);
    EXPECT_EQ(client.post_form("/", "a=+1+&b=%C3%A4&a").body, "a= 1  b=ä a= ") << "as sent, not stripped";
    EXPECT_EQ(client.post_form("/", field("a", " 1\r\n") + file("f", "C:\\x.txt", "abc") + kEnd, kMultipart).body,
              "a= 1\r\n f:x.txt:text/plain:3 ");
    EXPECT_EQ(client.post_form("/", kEnd, kMultipart).body, "");
    EXPECT_EQ(client.post_form("/", "").body, "");
    EXPECT_EQ(client.post_form("/", "{}", "application/json").status, 415);
    EXPECT_EQ(client.post("/", "a=1").status, 415);
    EXPECT_EQ(client.post_form("/", "a=%ff").status, 400);
    EXPECT_EQ(client.post_form("/", "", kMultipart).status, 400) << "cut off before it began";
    EXPECT_EQ(client.post_form("/", field("a", "\xff") + kEnd, kMultipart).status, 400);
}

TEST(ReadForm, TakesABodyByteByByte) {
    Application app;
    add_read_form(app);
    WebClient client(app);
    const std::string body = field("a", "1") + file("f", "x", "\r\n--C\r") + "--B--";
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n");
    for (std::size_t at = 0; at < body.size(); ++at) {
        EXPECT_EQ(client.received(), "");
        client.send(body.substr(at, 1));
    }
    EXPECT_TRUE(client.received().ends_with("\r\n\r\na=1 f:x:text/plain:6 "));
}

TEST(ReadForm, FindsFieldsAndFiles) {
    Form form;
    form.add(FormField{"a", "1"});
    form.add(FormField{"b", "2"});
    form.add(FormField{"a", "3"});
    form.add(FormFile(FormFileInfo{"f", "x", "x", ""}, std::string_view("one")));
    form.add(FormFile(FormFileInfo{"f", "y", "y", ""}, std::string("two")));
    EXPECT_EQ(form.field("a"), "3") << "the last, as get_argument()";
    EXPECT_EQ(*form.find("b"), "2");
    EXPECT_EQ(form.find("c"), nullptr);
    EXPECT_THROW((void)form.field("c"), HttpError);
    EXPECT_THAT(form.values("a"), testing::ElementsAre("1", "3"));
    EXPECT_EQ(form.file("f")->contents(), "two");
    EXPECT_EQ(form.file("a"), nullptr);
    Form copy = form;
    form = Form();
    EXPECT_EQ(copy.file("f")->contents(), "two") << "what it owns lives with the copy";
}

TEST(ReadForm, LimitsAreKeptToTheLast) {
    Application app;
    add_read_form(app, tight_options());
    expect_tight_limits(app);
}

TEST(ReadForm, TheServersLimitComesFirst) {
    Application app;
    add_read_form(app);
    const std::string body = field("a", "1") + kEnd;
    auto status = [&](std::uint64_t limit) {
        return WebClient(app, server::ServerOptions().max_body_bytes(limit)).post_form("/", body, kMultipart).status;
    };
    EXPECT_EQ(status(body.size()), 200);
    EXPECT_EQ(status(body.size() - 1), 413);
}

TEST(ReadForm, LargeFilesGoToTheDisk) {
    Folder folder;
    FormOptions options;
    options.temporary_folder(folder.path()).file_memory_bytes(4).max_memory_bytes(6);
    Application app;
    add_read_form(app, options);
    WebClient client(app);
    auto answer = [&](const std::string& body) { return client.post_form("/", body + kEnd, kMultipart).body; };
    EXPECT_EQ(answer(file("f", "x", "1234")), "f:x:text/plain:4 ");
    EXPECT_EQ(answer(file("f", "x", "12345")), "f:x:text/plain:5 on disk ");
    EXPECT_EQ(answer(file("f", "x", "1234") + file("g", "y", "12") + file("h", "z", "")),
              "f:x:text/plain:4 g:y:text/plain:2 h:z:text/plain:0 ");
    EXPECT_EQ(answer(file("f", "x", "1234") + file("g", "y", "123")), "f:x:text/plain:4 g:y:text/plain:3 on disk ")
        << "the form's memory is used up";
    EXPECT_THAT(folder.names(), testing::IsEmpty());
}

/// Saves and reads the file "f", and says what it is.
Application& add_save(Application& app, const FormOptions& options, const std::string& target) {
    return app.post("/", [options, target](Request& request) -> Task<Response> {
        request.set_max_body_bytes(100'000'000);
        Form form = co_await request.read_form(options);
        const FormFile* sent = form.file("f");
        std::string middle = co_await sent->read(sent->size() / 2, 7);
        std::string beyond = co_await sent->read(sent->size(), 7);
        std::string all = co_await sent->read();
        co_await sent->save_to(target);
        co_return Response::text(middle + "|" + beyond + "|" + std::to_string(all == contents_of(target)));
    });
}

std::string large_text(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + "\r\n--";
    text.resize(size);
    return text;
}

TEST(ReadForm, FilesAreReadAndSaved) {
    const std::string large = large_text(1'000'000);
    for (std::string_view temporary : {std::string_view("same"), std::string_view("/dev/shm")}) {
        Folder folder;
        const std::string target = folder.path() + "/saved";
        FormOptions options;
        options.temporary_folder(temporary == "same" ? std::string_view(folder.path()) : temporary);
        Application app;
        add_save(app, options, target);
        for (const std::string& contents : {large, std::string("short"), std::string()}) {
            Answer answer = WebClient(app).post_form("/", file("f", "x", contents) + kEnd, kMultipart);
            EXPECT_EQ(answer.body, contents.substr(contents.size() / 2, 7) + "||1") << temporary << contents.size();
            EXPECT_EQ(contents_of(target), contents);
            struct stat info{};
            ASSERT_EQ(::stat(target.c_str(), &info), 0);
            EXPECT_EQ(info.st_mode & 0777U, 0600U);
            EXPECT_EQ(WebClient(app).post_form("/", file("f", "x", "other") + kEnd, kMultipart).status, 500)
                << "a file that is there stays";
            EXPECT_EQ(contents_of(target), contents);
            EXPECT_THAT(folder.names(), testing::ElementsAre("saved"));
            std::filesystem::remove(target);
        }
    }
}

TEST(ReadForm, FilesThatCannotBeSavedSaySoAndLeaveNothing) {
    Folder folder;
    FormOptions options;
    options.temporary_folder(folder.path());
    for (std::size_t size : {10U, 100'000U}) {
        Application app;
        add_save(app, options, folder.path() + "/none/saved");
        WebClient client(app);
        EXPECT_EQ(client.post_form("/", file("f", "x", large_text(size)) + kEnd, kMultipart).status, 500);
        EXPECT_THAT(client.log("application"), testing::ElementsAre(testing::HasSubstr("/none/saved")));
        EXPECT_THAT(folder.names(), testing::IsEmpty());
    }
}

TEST(ReadForm, SavingThatIsCancelledLeavesNothing) {
    Folder folder;
    const std::string target = folder.path() + "/saved";
    const std::string contents = large_text(1'000'000);
    FormFile sent(FormFileInfo{"f", "x", "x", ""}, std::string_view(contents));
    testkit::TestLoop loop;
    auto cancel_when_it_is_there = [](Folder& here, std::size_t& names) -> Task<void> {
        while (here.names().empty()) co_await yield();
        names = here.names().size();
    };
    std::size_t names = 0;
    bool saved = false;
    auto save = [](const FormFile& file, std::string path, bool& done) -> Task<void> {
        co_await file.save_to(std::move(path));
        done = true;
    };
    auto racing = loop.start(when_any(save(sent, target, saved), cancel_when_it_is_there(folder, names)));
    EXPECT_TRUE(racing.done());
    EXPECT_EQ(names, 1U) << "it had begun";
    EXPECT_FALSE(saved);
    EXPECT_THAT(folder.names(), testing::IsEmpty());
}

TEST(ReadForm, SavedTwiceAreTwoFiles) {
    Folder folder;
    FormOptions options;
    options.temporary_folder(folder.path()).file_memory_bytes(0);
    Application app;
    app.post("/", [options, &folder](Request& request) -> Task<Response> {
        Form form = co_await request.read_form(options);
        co_await form.file("f")->save_to(folder.path() + "/one");
        co_await form.file("f")->save_to(folder.path() + "/two");
        co_return "done";
    });
    EXPECT_EQ(WebClient(app).post_form("/", file("f", "x", "abc") + kEnd, kMultipart).body, "done");
    std::ofstream(folder.path() + "/one") << "changed";
    EXPECT_EQ(contents_of(folder.path() + "/two"), "abc");
}

TEST(ReadForm, ATemporaryFolderThatIsNotThereIs500) {
    FormOptions options;
    options.temporary_folder("/none/at/all").file_memory_bytes(1);
    Application app;
    add_read_form(app, options);
    WebClient client(app);
    EXPECT_EQ(client.post_form("/", file("f", "x", "12") + kEnd, kMultipart).status, 500);
    EXPECT_THAT(client.log("application"), testing::ElementsAre(testing::HasSubstr("/none/at/all")));
}

/// Lets this process write files of at most so many bytes, as a full disk would.
class SmallDisk {
public:
    explicit SmallDisk(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }

private:
    void (*signal_)(int);
    rlimit before_{};
};

TEST(ReadForm, ADiskThatIsFullIs500AndLeavesNothing) {
    Folder folder;
    for (std::size_t memory : {0U, 1'000'000U}) {  // written while it is read, and while it is saved
        FormOptions options;
        options.temporary_folder(folder.path()).file_memory_bytes(memory);
        Application app;
        add_save(app, options, folder.path() + "/saved");
        WebClient client(app);
        const std::string body = file("f", "x", large_text(300'000)) + kEnd;
        {
            SmallDisk disk(200'000);
            EXPECT_EQ(client.post_form("/", body, kMultipart).status, 500);
        }
        EXPECT_THAT(
            client.log("application"),
            testing::ElementsAre(testing::HasSubstr(memory == 0 ? "write a temporary file" : "write a new file")));
        EXPECT_THAT(folder.names(), testing::IsEmpty());
    }
}

TEST(ReadForm, AClientThatLeavesLeavesNoFile) {
    Folder folder;
    FormOptions options;
    options.temporary_folder(folder.path());
    Application app;
    add_read_form(app, options);
    WebClient client(app);
    std::string body = file("f", "x", large_text(500'000));
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: " +
                std::to_string(body.size() + kEnd.size()) + "\r\n\r\n");
    client.send(body);
    EXPECT_EQ(client.received(), "");
    client.leave();
    EXPECT_THAT(client.log("access"), testing::ElementsAre(testing::HasSubstr("499")));
    EXPECT_THAT(folder.names(), testing::IsEmpty());
}

// --- With a thread pool ---------------------------------------------------------------------------------------------

TEST(ReadForm, WritesOnThePoolsThreads) {
    Folder folder;
    support::CapturedLog log;
    ThreadPool pool(ThreadPoolOptions().threads(1));
    FormOptions options;
    options.temporary_folder(folder.path()).thread_pool(&pool);
    const std::string contents = large_text(300'000);
    const std::string target = folder.path() + "/saved";
    Application app;
    add_save(app, options, target);
    Loop loop;
    server::Server server(loop, app);
    auto talk = [](Loop& here, server::Server& serving, std::string request) -> Task<std::string> {
        auto [client, peer] = net::memory_pipe(here, 65536);
        std::string received;
        auto exchange = [](net::Stream& stream, std::string text, std::string& answer) -> Task<void> {
            co_await stream.write(as_bytes(text));
            std::vector<std::byte> buffer(4096);
            while (std::size_t size = co_await stream.read_some(buffer))
                answer += as_text(ConstBytes(buffer).first(size));
            stream.close();
        };
        co_await when_all(serving.serve(std::move(peer)), exchange(*client, std::move(request), received));
        co_return received;
    };
    const std::string body = file("f", "x", contents) + kEnd;
    std::string received =
        loop.run_until(talk(loop, server,
                            "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: multipart/form-data; "
                            "boundary=B\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body));
    EXPECT_TRUE(received.ends_with("\r\n\r\n" + contents.substr(150'000, 7) + "||1")) << received;
    EXPECT_EQ(contents_of(target), contents);
    EXPECT_THAT(folder.names(), testing::ElementsAre("saved"));
}

// --- FormReader ---------------------------------------------------------------------------------------------------

/// Shows each part as it comes; those called "skip" are not read.
Task<Response> show_parts(Request& request, FormOptions options) {
    std::string text;
    FormReader reader(request, options);
    while (FormPart* part = co_await reader.next()) {
        text += part->name();
        if (part->is_file())
            text += ":" + part->file_name() + ":" + part->file_name_as_sent() + ":" + part->content_type();
        text += "=";
        if (part->name() == "skip") continue;
        while (auto piece = co_await part->read()) text += *piece;
        auto after = co_await part->read();
        if (after) text += "more";
        text += " ";
    }
    FormPart* after = co_await reader.next();
    if (after != nullptr) text += "more";
    co_return Response::text(text);
}

Application& add_show_parts(Application& app, const FormOptions& options = {}) {
    return app.post("/", [options](Request& request) { return show_parts(request, options); });
}

TEST(FormReader, GivesPartAfterPart) {
    Application app;
    add_show_parts(app);
    WebClient client(app);
    EXPECT_EQ(client
                  .post_form("/",
                             field("a", "1") + file("f", "d/x.txt", "\r\nabc") + field("skip", "unread") +
                                 file("skip", "y", "unread") + field("b", "") + kEnd,
                             kMultipart)
                  .body,
              "a=1 f:x.txt:d/x.txt:text/plain=\r\nabc skip=skip:y:y:text/plain=b= ");
    EXPECT_EQ(client.post_form("/", kEnd, kMultipart).body, "");
    EXPECT_EQ(client.post_form("/", "a=1").status, 415) << "an urlencoded form has no parts";
    EXPECT_EQ(client.post_form("/", field("a", "1"), kMultipart).status, 400);
    EXPECT_EQ(client.post_form("/", field("a", "1") + "--B-", kMultipart).status, 400);
    EXPECT_EQ(client.post_form("/", kEnd, "multipart/form-data").status, 400);
}

TEST(FormReader, CountsAlsoWhatIsSkipped) {
    Application app;
    FormOptions options;
    options.max_fields(2).max_field_bytes(8).max_files(1).max_file_bytes(4).max_files_bytes(3);
    add_show_parts(app, options);
    auto status = [&](const std::string& body) {
        return WebClient(app).post_form("/", body + kEnd, kMultipart).status;
    };
    EXPECT_EQ(status(field("skip", "1234") + field("skip", "")), 200);
    EXPECT_EQ(status(field("skip", "12345")), 413);
    EXPECT_EQ(status(field("skip", "") + field("skip", "") + field("skip", "")), 413);
    EXPECT_EQ(status(file("skip", "x", "123")), 200);
    EXPECT_EQ(status(file("skip", "x", "1234")), 413) << "too much of all files";
    EXPECT_EQ(status(file("skip", "x", "") + file("skip", "x", "")), 413);
}

/// What a handler that is stopped between two pieces has seen.
struct Gated {
    Event gate;
    std::size_t read = 0;
    std::size_t largest = 0;
    std::size_t pieces = 0;

    static Task<Response> handle(Gated& self, Request& request) {
        request.set_max_body_bytes(100'000'000);
        FormOptions options;
        options.max_file_bytes(100'000'000);
        FormReader reader(request, options);
        while (FormPart* part = co_await reader.next()) {
            while (auto piece = co_await part->read()) {
                self.read += piece->size();
                self.largest = std::max(self.largest, piece->size());
                ++self.pieces;
                co_await self.gate.wait();
            }
        }
        co_return std::to_string(self.read);
    }
};

TEST(FormReader, LeavesWithTheClientWhatTheHandlerHasNotAskedFor) {
    constexpr std::size_t kCapacity = 65536;
    Gated gated;
    Application app;
    app.post("/", [&gated](Request& request) { return Gated::handle(gated, request); });
    support::CapturedLog log;
    testkit::TestLoop loop;
    server::ServerOptions options;
    options.read_ahead_bytes(10'000);
    server::Server server(loop, app, options);
    auto [client, peer] = net::memory_pipe(loop, kCapacity);
    auto serving = loop.start(server.serve(std::move(peer)));
    const std::string body = file("f", "x", std::string(5'000'000, 'x')) + kEnd;
    std::string request =
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    // In small pieces, so that it is known how many of them the server has taken.
    std::size_t sent = 0;
    auto send = [](net::Stream& stream, const std::string& text, std::size_t& taken) -> Task<void> {
        while (taken < text.size()) {
            const std::string_view piece = std::string_view(text).substr(taken, 4096);
            co_await stream.write(as_bytes(piece));
            taken += piece.size();
        }
    };
    auto sending = loop.start(send(*client, request, sent));
    EXPECT_EQ(gated.pieces, 1U);
    // What is neither in the pipe nor seen by the handler is in memory: the piece at hand and what was read ahead.
    // The server receives at most 64 KiB at a time.
    EXPECT_LE(sent, kCapacity + 2 * 65536);
    gated.gate.set();
    loop.run_ready();
    EXPECT_TRUE(sending.done());
    EXPECT_EQ(gated.read, 5'000'000U);
    EXPECT_LE(gated.largest, 100'000U) << "no piece is larger than what is received at a time";
    client->close();
    loop.run_ready();
}

TEST(FormReader, EndsWithItsClient) {
    Gated gated;
    Application app;
    app.post("/", [&gated](Request& request) { return Gated::handle(gated, request); });
    WebClient client(app);
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: " +
                std::string("1000\r\n\r\n") + file("f", "x", "abc").substr(0, 100));
    EXPECT_EQ(gated.pieces, 1U);
    client.leave();
    EXPECT_THAT(client.log("access"), testing::ElementsAre(testing::HasSubstr("499")));
}

// --- Temporary files ----------------------------------------------------------------------------------------------

TEST(TemporaryFile, HasNoNameUntilItIsLinked) {
    Folder folder;
    TemporaryFile named = TemporaryFile::create(folder.path());
    TemporaryFile unlinked = TemporaryFile::create_unlinked(folder.path());
    for (TemporaryFile* each : {&named, &unlinked}) {
        each->append("abc");
        each->append("def");
        EXPECT_EQ(each->size(), 6U);
        std::string text(10, '\0');
        EXPECT_EQ(each->read(2, std::as_writable_bytes(std::span(text))), 4U);
        EXPECT_EQ(text.substr(0, 4), "cdef");
        EXPECT_EQ(each->read(6, std::as_writable_bytes(std::span(text))), 0U);
    }
    EXPECT_THAT(folder.names(), testing::IsEmpty());
    EXPECT_FALSE(unlinked.link(folder.path() + "/a")) << "it has to be copied";
    EXPECT_TRUE(named.link(folder.path() + "/a"));
    EXPECT_EQ(contents_of(folder.path() + "/a"), "abcdef");
    EXPECT_FALSE(named.link(folder.path() + "/b")) << "nor can it be linked twice";
}

TEST(TemporaryFile, NewFilesReplaceNone) {
    Folder folder;
    const std::string path = folder.path() + "/a";
    NewFile file(path);
    file.append("abc");
    file.close();
    EXPECT_EQ(contents_of(path), "abc");
    EXPECT_THROW(NewFile{path}, IoError);
    EXPECT_EQ(contents_of(path), "abc");
}

TEST(TemporaryFile, NamesAreRemovedUnlessKept) {
    Folder folder;
    const std::string path = folder.path() + "/a";
    for (bool keep : {false, true}) {
        NewFile file(path);
        {
            NewName name(path);
            if (keep) name.keep();
            EXPECT_THAT(folder.names(), testing::ElementsAre("a"));
        }
        EXPECT_EQ(folder.names().size(), keep ? 1U : 0U);
    }
}

}  // namespace
}  // namespace caropig::web
