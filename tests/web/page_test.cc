#include "support/web_client.h"
#include <caropig/template/error.h>
#include <caropig/template/functions.h>
#include <caropig/template/loader.h>
#include <caropig/web/application.h>
#include <caropig/web/page.h>
#include <caropig/web/request_handler.h>
#include <caropig/web/static_files.h>
#include <caropig/web/ui_module.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::Answer;
using support::WebClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

using Pages = std::map<std::string, std::string>;

std::shared_ptr<templates::DictLoader> loader(Pages pages) {
    return std::make_shared<templates::DictLoader>(std::move(pages));
}

/// Shows page.html with `values`, as whoever `user` gives.
class PageHandler : public RequestHandler {
public:
    static inline int asked_for_user = 0;

    explicit PageHandler(bool streamed = false) : streamed_(streamed) { asked_for_user = 0; }

    Task<void> get() override {
        boost::json::object values{{"name", "<Caro>"}};
        if (streamed_) return render_stream("page.html", values);
        return render("page.html", values);
    }
    Task<void> post() override {
        write("post ");
        write(render_string("page.html", {{"name", "b"}}));
        co_return;
    }
    Task<boost::json::value> get_current_user() override {
        ++asked_for_user;
        co_await yield();
        co_return "piglet";
    }
    void get_template_namespace(boost::json::object& names) override { names["site"] = "sty"; }

private:
    bool streamed_;
};

/// What a GET of a page with this text says.
std::string shown(const std::string& text, std::string_view target = "/page", std::string_view fields = {}) {
    Application app;
    app.templates(loader({{"page.html", text}}));
    app.add_named<PageHandler>("/page", "page");
    app.get("/orders/{user}/{id:int}", [] { return ""; }, "order");
    WebClient client(app);
    return client.get(target, fields).body;
}

TEST(Page, ShowsItsValuesEscaped) { EXPECT_EQ(shown("<p>{{ name }}</p>"), "<p>&lt;Caro&gt;</p>"); }

TEST(Page, HasTheNamesOfTheRequest) {
    EXPECT_EQ(shown("{{ request.method }} {{ request.path }} {{ request.query }} {{ request.uri }} {{ request.host }} "
                    "{{ request.protocol }} {{ request.headers['X-Pig'] }} {{ handler.request.method }}",
                    "/page?a=1", "X-Pig: oink\r\nX-Pig: second\r\n"),
              "GET /page a=1 /page?a=1 test http oink GET");
}

TEST(Page, AsksForTheUserOnlyWhereItIsMentioned) {
    EXPECT_EQ(shown("{{ current_user }}"), "piglet");
    EXPECT_EQ(PageHandler::asked_for_user, 1);
    EXPECT_EQ(shown("{{ handler.current_user }}"), "piglet");
    EXPECT_EQ(shown("{{ name }}"), "&lt;Caro&gt;");
    EXPECT_EQ(PageHandler::asked_for_user, 0);
}

TEST(Page, HasTheNamesThatTheHandlerAdds) { EXPECT_EQ(shown("{{ site }}"), "sty"); }

TEST(Page, ReversesRoutes) {
    EXPECT_EQ(shown("{{ reverse_url('order', 'caro', 7) }} {{ handler.reverse_url('page') }}"), "/orders/caro/7 /page");
}

TEST(Page, TranslatesToItself) {
    EXPECT_EQ(shown("{{ _('pig') }} {{ _('pig', 'pigs', 1) }} {{ translate('pig', 'pigs', 2) }}"), "pig pig pigs");
}

TEST(Page, HasTheFieldOfFormsHoweverItIsAskedFor) {
    const std::string field = R"re(<input type="hidden" name="_xsrf" value="2\|[0-9a-f]{8}\|[0-9a-f]{32}\|[0-9]+"/>)re";
    EXPECT_THAT(shown("{% module xsrf_form_html() %}"), testing::ContainsRegex(field));
    EXPECT_THAT(shown("{{ xsrf_form_html() }}"), testing::ContainsRegex(field));
    EXPECT_THAT(shown("{% raw xsrf_form_html() %}"), testing::ContainsRegex(field));
}

TEST(Page, SetsTheCookieOfItsForms) {
    Application app;
    app.templates(loader({{"page.html", "{% module xsrf_form_html() %}"}}));
    app.add<PageHandler>("/page");
    app.get("/function", [](Request& request) { return render(request, "page.html"); });
    WebClient client(app);
    EXPECT_THAT(client.get("/page").field("Set-Cookie").value_or(""), HasSubstr("_xsrf=2|"));
    EXPECT_THAT(client.get("/function").field("Set-Cookie").value_or(""), HasSubstr("_xsrf=2|"));
}

TEST(Page, StreamsInPieces) {
    Application app;
    app.templates(loader(
        {{"page.html", "{% for i in range(3000) %}{{ name }} {{ i }} {{ site }} {{ current_user }}\n{% end %}"}}));
    app.add<PageHandler>("/page", true);
    WebClient client(app);
    Answer answer = client.get("/page");
    EXPECT_EQ(answer.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(answer.field("ETag"), std::nullopt);
    EXPECT_THAT(answer.body, testing::StartsWith("&lt;Caro&gt; 0 sty piglet\n"));
    EXPECT_THAT(answer.body, EndsWith("&lt;Caro&gt; 2999 sty piglet\n"));
}

TEST(Page, StreamedWithAFormHasItsCookieInTheHead) {
    Application app;
    app.templates(
        loader({{"page.html", "{% for i in range(3000) %}{{ name }}\n{% end %}{% module xsrf_form_html() %}"}}));
    app.add<PageHandler>("/page", true);
    WebClient client(app);
    Answer answer = client.get("/page");
    EXPECT_THAT(answer.field("Set-Cookie").value_or(""), HasSubstr("_xsrf=2|"));
    EXPECT_THAT(answer.body, HasSubstr("name=\"_xsrf\""));
}

TEST(Page, IsPartOfWhatIsWritten) {
    Application app;
    app.templates(loader({{"page.html", "{{ name }} {{ site }}"}}));
    app.add<PageHandler>("/page");
    WebClient client(app);
    EXPECT_EQ(client.post("/page", "").body, "post b sty");
}

TEST(Page, FailsWithThePlaceOfTheMistake) {
    Application app;
    app.templates(loader({{"page.html", "line 1\n{{ missing }}"}, {"bad.html", "{% if %}"}}));
    app.add<PageHandler>("/page");
    app.get("/bad", [](Request& request) { return render(request, "bad.html"); });
    app.get("/nowhere", [](Request& request) { return render(request, "nowhere.html"); });
    WebClient client(app);
    EXPECT_EQ(client.get("/page").status, 500);
    EXPECT_THAT(client.log("application").back(), HasSubstr("page.html:2"));
    EXPECT_EQ(client.get("/bad").status, 500);
    EXPECT_THAT(client.log("application").back(), HasSubstr("bad.html:1"));
    EXPECT_EQ(client.get("/nowhere").status, 500);
    EXPECT_THAT(client.log("application").back(), HasSubstr("nowhere.html"));
}

TEST(Page, NeedsTemplatesAndStaticFiles) {
    Application app;
    app.get("/", [](Request& request) { return render(request, "page.html"); });
    EXPECT_THROW(static_cast<void>(app.template_loader()), std::logic_error);
    EXPECT_THROW(static_cast<void>(app.static_url("a.css")), std::logic_error);
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 500);
}

class PageFolder : public testing::Test {
protected:
    PageFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "caropig-pages-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
    }
    ~PageFolder() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, std::string_view text) { std::ofstream(folder_ / name) << text; }

    std::filesystem::path folder_;
};

TEST_F(PageFolder, IsReadAgainInDebugModeOnly) {
    write("page.html", "before");
    for (bool debug : {false, true}) {
        Application app;
        app.templates(folder_.string());
        app.debug(debug);
        app.get("/", [](Request& request) { return render(request, "page.html"); });
        WebClient client(app);
        write("page.html", "before");
        EXPECT_EQ(client.get("/").body, "before");
        write("page.html", "afterwards");
        EXPECT_EQ(client.get("/").body, debug ? "afterwards" : "before");
    }
    EXPECT_THROW(Application().templates((folder_ / "nowhere").string()), IoError);
}

TEST_F(PageFolder, GivesUrlsOfStaticFilesWithTheirVersion) {
    write("a.css", "p { color: pink }");
    Application app;
    app.templates(loader({{"page.html", "{{ static_url('a.css') }}"}}));
    app.static_files(StaticFiles(folder_.string()));
    app.get("/", [](Request& request) { return render(request, "page.html"); });
    WebClient client(app);
    std::string url = client.get("/").body;
    EXPECT_THAT(url, MatchesRegex("/static/a.css\\?v=[0-9a-f]+"));
    EXPECT_EQ(client.get(url).body, "p { color: pink }");
}

class Entry : public UIModule {
public:
    static inline int made = 0;

    Entry() { ++made; }

    std::string render(const templates::Arguments& arguments) override {
        const boost::json::value entry = arguments.require(0, "entry").to_json();
        return render_string("entry.html", {{"entry", entry}, {"path", request().path()}});
    }
    std::string embedded_javascript() const override { return "count();"; }
    std::vector<std::string> javascript_files() const override {
        return {"/entry.js", "https://cdn.example/\"lib\".js"};
    }
    std::string embedded_css() const override { return "p { margin: 0 }"; }
    std::vector<std::string> css_files() const override { return {"/entry.css", "/entry.css"}; }
    std::string html_head() const override { return "<meta name=\"entry\">"; }
    std::string html_body() const override { return "<div id=\"entry\"></div>"; }
};

class Plain : public UIModule {
public:
    std::string render(const templates::Arguments&) override { return "<hr>"; }
};

constexpr const char* kList =
    "<html><head><title>T</title></head><body>{% for e in ['a', '<b>'] %}{% module Entry(e) %}{% end %}"
    "{% module Plain() %}</body></html>";

Application& with_modules(Application& app, std::string page) {
    app.templates(loader({{"page.html", std::move(page)}, {"entry.html", "<p>{{ entry }} {{ path }}</p>"}}));
    app.ui_module<Entry>("Entry").ui_module<Plain>("Plain");
    app.get("/list", [](Request& request) { return render(request, "page.html"); });
    return app;
}

TEST(UIModule, IsRenderedForEachPlaceAndAddsItsResourcesOnce) {
    Entry::made = 0;
    Application app;
    WebClient client(with_modules(app, kList));
    EXPECT_EQ(client.get("/list").body,
              "<html><head><title>T</title><link href=\"/entry.css\" type=\"text/css\" rel=\"stylesheet\"/>\n"
              "<style type=\"text/css\">\np { margin: 0 }\n</style>\n<meta name=\"entry\">\n</head><body>"
              "<p>a /list</p><p>&lt;b&gt; /list</p><hr>"
              "<script src=\"/entry.js\" type=\"text/javascript\"></script>\n"
              "<script src=\"https://cdn.example/&quot;lib&quot;.js\" type=\"text/javascript\"></script>\n"
              "<script type=\"text/javascript\">\n//<![CDATA[\ncount();\n//]]>\n</script>\n"
              "<div id=\"entry\"></div>\n</body></html>");
    EXPECT_EQ(Entry::made, 1);
}

TEST(UIModule, WithoutResourcesLeavesThePageAsItIs) {
    Application app;
    WebClient client(with_modules(app, "{% module Plain() %}"));
    EXPECT_EQ(client.get("/list").body, "<hr>");
}

TEST(UIModule, ThatHasResourcesNeedsAPageToPutThemIn) {
    Application app;
    WebClient client(with_modules(app, "<head></head>{% module Entry(1) %}"));
    EXPECT_EQ(client.get("/list").status, 500);
    EXPECT_THAT(client.log("application").back(), HasSubstr("</body>"));
}

TEST(UIModule, ThatNobodyRegisteredIsAnError) {
    Application app;
    WebClient client(with_modules(app, "{% module Missing() %}"));
    EXPECT_EQ(client.get("/list").status, 500);
    EXPECT_THAT(client.log("application").back(), HasSubstr("Missing"));
}

}  // namespace
}  // namespace caropig::web
