#include "template/render.h"
#include <caropig/template/functions.h>

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::templates {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::render;

// The template with `value` as {{ v }}.
std::string with_value(const std::string& text, std::string_view value) {
    return render(text, boost::json::serialize(boost::json::object{{"v", value}}));
}

// Strings that break out of one place or another.
const std::vector<std::string> kHostile = {
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</ScRiPt ><img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    "--><script>alert(1)</script>",
    "--!><script>alert(1)</script>",
    "<!--<script>",
    "]]><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "x onmouseover=alert(1)",
    "\"; alert(1); //",
    "'; alert(1); //",
    "`; alert(1); //",
    "${alert(1)}",
    "\\\"; alert(1); //",
    "\\'; alert(1); //",
    "\\",
    "\n alert(1) //",
    "\r alert(1) //",
    "\xe2\x80\xa8 alert(1) //",
    "\xe2\x80\xa9 alert(1) //",
    "*/ alert(1) /*",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=",
    "blob:x",
    ":alert(1)",
    "x:y",
    "red; background: url(javascript:alert(1))",
    "expression(alert(1))",
    "red} body { background: url(//evil.example) }",
    "\\65 xpression(alert(1))",
    "@import '//evil.example'",
    "&quot; onmouseover=&quot;alert(1)",
    "&#106;avascript:alert(1)",
};

TEST(Context, HostileTextStaysText) {
    for (const std::string& value : kHostile) {
        for (const char* place :
             {"<p>{{ v }}</p>", "<textarea>{{ v }}</textarea>", "<title>{{ v }}</title>", "<!-- {{ v }} -->"}) {
            const std::string page = with_value(place, value);
            const std::string literal = with_value(place, "");
            EXPECT_EQ(std::ranges::count(page, '<'), std::ranges::count(literal, '<')) << page;
            EXPECT_EQ(std::ranges::count(page, '>'), std::ranges::count(literal, '>')) << page;
        }
    }
}

TEST(Context, HostileAttributesStayInTheirQuotes) {
    for (const std::string& value : kHostile) {
        for (const char* place : {"<p title=\"{{ v }}\">", "<a href=\"/x?{{ v }}\">", "<a href=\"{{ v }}\">",
                                  "<p style=\"color: {{ v }}\">"}) {
            const std::string page = with_value(place, value);
            EXPECT_EQ(std::ranges::count(page, '"'), 2) << page;
            EXPECT_EQ(std::ranges::count(page, '>'), 1) << page;
        }
        EXPECT_EQ(std::ranges::count(with_value("<p title='{{ v }}'>", value), '\''), 2);
    }
}

TEST(Context, UrlsRunNoScript) {
    for (const char* attribute :
         {"href", "src", "action", "formaction", "data", "poster", "xlink:href", "HREF", "background"}) {
        const std::string place = std::string("<a ") + attribute + "=\"{{ v }}\">";
        const std::string blocked = std::string("<a ") + attribute + "=\"about:invalid#blocked\">";
        for (const char* value : {"javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)",
                                  "\x01\x02javascript:a", "java\tscript:a", "java\r\nscript:a", "vbscript:x",
                                  "data:text/html,x", "blob:x", ":x", "x:y", "javascript\t:a", "file:///etc"}) {
            EXPECT_EQ(with_value(place, value), blocked) << value;
        }
    }
    for (const char* value : {"http://a.example/", "HTTPS://a.example", "mailto:x@a.example", "/a:b", "?a:b", "#a:b",
                              "a/b:c", "a.html", "", "//a.example/"}) {
        EXPECT_EQ(with_value("<a href='{{ v }}'>", value), std::string("<a href='") + value + "'>");
    }
}

TEST(Context, PartsOfUrlsRunNoScript) {
    EXPECT_EQ(with_value("<a href='java{{ v }}'>", "script:alert(1)"), "<a href='javaabout:invalid#blocked'>");
    EXPECT_EQ(with_value("<a href='{{ v }}{{ v }}'>", "http:"), "<a href='http:http:'>");
    EXPECT_EQ(render("<a href='{{ a }}{{ b }}'>", R"x({"a": "javascript", "b": ":alert(1)"})x"),
              "<a href='javascriptabout:invalid#blocked'>");
    EXPECT_EQ(with_value("<a href='/{{ v }}'>", "a:b"), "<a href='/a:b'>");
    EXPECT_EQ(with_value("<a href='https://{{ v }}'>", "a:b"), "<a href='https://a:b'>");
    EXPECT_EQ(with_value("<img src='data:image/png;base64,{{ v }}'>", "AA=="),
              "<img src='data:image/png;base64,AA=='>");
    for (const char* text :
         {"<a href='javascript:{{ v }}'>", "<a href='JavaScript:f({{ v }})'>", "<a href='data:{{ v }}'>",
          "<a href='data:text/html,{{ v }}'>", "<a href='data:image/svg+xml,{{ v }}'>", "<a href='{{ v }}:{{ v }}'>",
          "<a href='vbscript:{{ v }}'>", "<a href='{% if v %}javascript{% end %}:{{ v }}'>"}) {
        EXPECT_THAT(error_of(text, R"({"v": ""})"), HasSubstr("cannot stand here")) << text;
    }
}

TEST(Context, ScriptsGetValuesAsLiterals) {
    const auto script = [](const std::string& inside, std::string_view json) {
        const std::string page = render("<script>" + inside + "</script>", json);
        return page.substr(8, page.size() - 17);
    };
    EXPECT_EQ(script("x = {{ v }};", R"({"v": "a'b\"c"})"), R"(x = "a'b\"c";)");
    EXPECT_EQ(script("x = {{ v }};", R"({"v": {"a": [1, 2.5, null, true]}})"), R"(x = {"a": [1, 2.5, null, true]};)");
    EXPECT_EQ(script("x = 3-{{ v }};", R"({"v": -1})"), "x = 3- -1;");
    EXPECT_EQ(script("x = {{ v }};", R"({"v": "</script>"})"), R"(x = "\u003c/script\u003e";)");
    EXPECT_EQ(script("x = {{ json_encode(v) }};", R"({"v": "<&>"})"), R"(x = "\u003c\u0026\u003e";)");
    EXPECT_EQ(script("x = '{{ v }}';", R"({"v": "it's"})"), R"(x = 'it\u0027s';)");
    EXPECT_EQ(script("x = `{{ v }}`;", R"({"v": "${a}`"})"), R"(x = `\u0024{a}\u0060`;)");
    EXPECT_EQ(script("// {{ v }}\n", R"x({"v": "\nalert(1)"})x"), "// \\nalert(1)\n");
    EXPECT_EQ(script("/* {{ v }} */", R"x({"v": "*/ alert(1)"})x"), "/* *\\/ alert(1) */");
    EXPECT_EQ(script("f(/\"/, {{ v }})", R"({"v": 1})"), "f(/\"/, 1)");
    EXPECT_EQ(script("a = b / c; d = \"{{ v }}\"", R"({"v": "\""})"), "a = b / c; d = \"\\u0022\"");
    EXPECT_EQ(script("a = {{ v }} / 2; b = '{{ v }}'", R"({"v": 4})"), "a = 4 / 2; b = '4'");
    EXPECT_EQ(script("return /'/.test({{ v }})", R"({"v": 4})"), "return /'/.test(4)");
}

TEST(Context, HostileValuesStayInTheirScript) {
    for (const std::string& value : kHostile) {
        for (const char* place :
             {"<script>x = {{ v }};</script>", "<script>x = \"{{ v }}\";</script>", "<script>x = '{{ v }}';</script>",
              "<script>x = `{{ v }}`;</script>", "<script>// {{ v }}\n</script>", "<script>/* {{ v }} */</script>",
              "<script type=\"application/json\">{\"a\": {{ v }}}</script>"}) {
            const std::string page = with_value(place, value);
            const std::string literal = with_value(place, "");
            for (const char mark : {'<', '>', '\'', '`', '\n', '\r', '&', '$'}) {
                // A single quote is harmless inside of a string with double quotes.
                if (mark == '\'' && page.find("= \"") != std::string::npos) continue;
                if ((mark == '\'' || mark == '`' || mark == '$') && page.find("json") != std::string::npos) continue;
                if ((mark == '`' || mark == '$') && page.find("= \"") != std::string::npos) continue;
                EXPECT_EQ(std::ranges::count(page, mark), std::ranges::count(literal, mark)) << page;
            }
            EXPECT_THAT(page, Not(HasSubstr("\xe2\x80\xa8")));
            EXPECT_THAT(page, Not(HasSubstr("\xe2\x80\xa9")));
            if (literal.find("*/") != std::string::npos) {
                EXPECT_EQ(page.find("*/"), page.size() - 11) << page;
            }
        }
    }
}

TEST(Context, StylesGetHarmlessValuesOnly) {
    for (const char* place : {"<style>a { color: {{ v }} }</style>", "<p style=\"color: {{ v }}\">"}) {
        for (const char* value : {"red", "#fff", "12.5", "50%", "1px -2px", "a, b", "Zo_1"}) {
            EXPECT_THAT(with_value(place, value), HasSubstr(std::string("color: ") + value)) << value;
        }
        for (const char* value : {"red;x", "a:b", "url(x)", "a}b", "a{b", "</style>", "\\61", "/*", "\"", "'",
                                  "@import", "a\nb", "\xc3\xa9"}) {
            EXPECT_THAT(with_value(place, value), HasSubstr("color: blocked")) << value;
        }
    }
}

TEST(Context, RefusesWhereNothingIsSafe) {
    const std::pair<const char*, const char*> cases[] = {
        {"<{{ v }}>", "name of a tag"},
        {"</{{ v }}>", "name of a tag"},
        {"<p{{ v }}>", "name of a tag"},
        {"<p {{ v }}>", "name of an attribute"},
        {"<p {{ v }}=\"x\">", "name of an attribute"},
        {"<p data-{{ v }}=\"x\">", "name of an attribute"},
        {"<p title={{ v }}>", "no quotes"},
        {"<p title=a{{ v }}>", "no quotes"},
        {"<p onclick=\"f({{ v }})\">", "event handler"},
        {"<p ONLOAD='{{ v }}'>", "event handler"},
        {"<iframe srcdoc=\"{{ v }}\">", "page of its own"},
        {"<script>x = /{{ v }}/</script>", "regular expression"},
        {"<script>x = `${ {{ v }} }`</script>", "regular expression"},
        {"<script>x{{ v }} = 1</script>", "regular expression"},
        {"<script>x = '\\{{ v }}'</script>", "regular expression"},
        {"<script>x = {} /\"/; {{ v }}</script>", "regular expression"},
        {"<script type=\"text/template\">{{ v }}</script>", "neither JavaScript nor JSON"},
        {"<script type=\"{{ v }}\">{{ v }}</script>", "neither JavaScript nor JSON"},
        {"<script><!-- <script> </script> {{ v }}", "change where it ends"},
        {"<script>x = \"<{{ v }}\"</script>", "complete a tag"},
        {"<!-- {{ v }}> {{ v }}", "a comment"},
    };
    for (const auto& [text, message] : cases) {
        const std::string error = error_of(text, R"({"v": ""})");
        EXPECT_THAT(error, HasSubstr("t.html:1: the value {{ v }} cannot stand here: ")) << text;
        EXPECT_THAT(error, HasSubstr(message)) << text;
    }
}

TEST(Context, TheAuthorMayInsist) {
    EXPECT_EQ(with_value("<p onclick=\"{% raw v %}\">", "f()"), "<p onclick=\"f()\">");
    EXPECT_EQ(with_value("{% autoescape None %}<p {{ v }}>", "hidden"), "<p hidden>");
    LoaderOptions options;
    options.autoescape = false;
    EXPECT_EQ(render("<p {{ v }}>", R"({"v": "<"})", options), "<p <>");
    // Only for its own file.
    DictLoader loader({{"a.html", "{% autoescape None %}<p {% include b.html %}>"}, {"b.html", "{{ v }}"}});
    EXPECT_THROW(static_cast<void>(loader.load("a.html")), ParseError);
}

TEST(Context, OtherFilesThanPagesAreEscapedAsInTornado) {
    for (const char* name : {"t.txt", "t.js", "t.json", "t.css", "t.xml"}) {
        EXPECT_EQ(render("<p {{ v }} onclick={{ v }}>", R"({"v": "<"})", {}, nullptr, name), "<p &lt; onclick=&lt;>");
    }
    EXPECT_THROW(static_cast<void>(render("<p {{ v }}>", R"({"v": ""})", {}, nullptr, "page")), ParseError);
}

TEST(Context, BranchesAreJoined) {
    const char* const values = R"({"v": "javascript:x", "no": false, "list": [1, 2]})";
    EXPECT_EQ(render("<i{% if v %} a=\"1\"{% end %}{% if no %} b{% end %}>{{ v }}", values), "<i a=\"1\">javascript:x");
    EXPECT_EQ(render("<i {% if no %}a{% else %}b{% end %} title=\"{{ v }}\">", values), "<i b title=\"javascript:x\">");
    EXPECT_EQ(render("<a href=\"{% if no %}/x/{% end %}{{ v }}\">", values), "<a href=\"about:invalid#blocked\">");
    EXPECT_EQ(render("<a href=\"{% for i in list %}/{{ i }}{% end %}\">{{ v }}", values),
              "<a href=\"/1/2\">javascript:x");
    EXPECT_EQ(render("<ul{% for i in list %} d{% end %}>{{ v }}", values), "<ul d d>javascript:x");
    for (const char* text :
         {"{% if no %}<a title=\"{% end %}{{ v }}", "{% for i in list %}{{ v }}<a title=\"{% end %}",
          "{% for i in list %}{% if no %}<!--{% break %}{% end %}{% end %}{{ v }}",
          "{% for i in list %}{{ v }}{% if no %}<a title='{% continue %}{% end %}{% end %}",
          "{% while no %}<script>{% end %}{{ v }}", "<i {% if no %}a{% else %}b{% end %}c=\"{{ v }}\">",
          "<s{% if no %} x{% end %}cript>{{ v }}</script>",
          "{% try %}<a title=\"{{ v }}\">{{ 1 / 0 }}<!--{{ v }}{% except %}{% end %}{{ v }}",
          "{% try %}<a href='{{ nope }}'>{% except %}{{ v }}{% end %}",
          "{% if no %}<script>{% else %}<style>{% end %}{{ v }}"}) {
        EXPECT_THAT(error_of(text, values), HasSubstr("cannot stand here")) << text;
    }
    // Nothing is refused where no value follows.
    EXPECT_EQ(render("{% if no %}<a title=\"{% else %}<b>{% end %}x", values), "<b>x");
}

TEST(Context, IncludesAndBlocksAreReadWhereTheyStand) {
    DictLoader loader({{"attribute.html", "<a href=\"{% include url.html %}\">"},
                       {"text.html", "{% include url.html %}"},
                       {"url.html", "{{ v }}"},
                       {"page.html", "{% extends base.html %}{% block script %}{{ v }}{% end %}"},
                       {"base.html", "<script>x = {% block script %}1{% end %}</script>"}});
    const boost::json::object values{{"v", "x:<"}};
    EXPECT_EQ(loader.load("attribute.html")->render(values), "<a href=\"about:invalid#blocked\">");
    EXPECT_EQ(loader.load("text.html")->render(values), "x:&lt;");
    EXPECT_EQ(loader.load("page.html")->render(values), "<script>x = \"x:\\u003c\"</script>");
}

TEST(Context, MarkupIsHtmlInTextOnly) {
    auto functions = std::make_shared<Functions>();
    functions->add("bold", [](const Arguments&) { return Value::markup("<b>\"x\"</b>"); });
    LoaderOptions options;
    options.functions = functions;
    EXPECT_EQ(render("{{ bold() }}", "{}", options), "<b>\"x\"</b>");
    EXPECT_EQ(render("<p title=\"{{ bold() }}\">", "{}", options), "<p title=\"&lt;b&gt;&quot;x&quot;&lt;/b&gt;\">");
    EXPECT_EQ(render("<script>x = {{ bold() }}</script>", "{}", options),
              "<script>x = \"\\u003cb\\u003e\\\"x\\\"\\u003c/b\\u003e\"</script>");
}

}  // namespace
}  // namespace caropig::templates
