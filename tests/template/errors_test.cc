#include "template/render.h"
#include <caropig/template/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::templates {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Errors, NameFileLineAndWhatWasExpected) {
    EXPECT_EQ(error_of("a\nb {{ nme }}"), "t.html:2: name 'nme' is not defined");
    EXPECT_EQ(error_of("\n\n{{ 1 + }}"), "t.html:3: the expression ends where a value is expected");
    EXPECT_EQ(error_of("{% if x %}\n"), "t.html:1: 'if' lacks its {% end %}");
    EXPECT_EQ(error_of("{% for x %}{% end %}"), "t.html:1: expected 'in' before the end");
    EXPECT_EQ(error_of("{{ a.b }}", R"({"a": {}})"), "t.html:1: a dict has no attribute 'b'");
    EXPECT_EQ(error_of("{{ s.upper }}", R"({"s": "x"})"),
              "t.html:1: a str has no attribute 'upper'; the method of that name needs its ()");
    EXPECT_EQ(error_of("{{ 1 + 'a' }}"), "t.html:1: '+' is not possible between int and str");
    EXPECT_EQ(error_of("{% else if x %}"), "t.html:1: 'else' outside of a block that it could belong to");
    EXPECT_EQ(error_of("{% if x %}{% else if y %}{% end %}"), "t.html:1: expected nothing behind 'else'; write 'elif'");
    EXPECT_EQ(error_of("{% endif %}"), "t.html:1: unknown tag 'endif'; every block ends with {% end %}");
    EXPECT_EQ(error_of("\n{{ x\n"), "t.html:2: an expression lacks its '}}'");
}

TEST(Errors, SayThroughWhichFilesTheyCame) {
    DictLoader loader({{"page.html", "{% extends base.html %}\n{% block body %}\n{{ nope }}{% end %}"},
                       {"base.html", "\n\n{% block body %}{% end %}"},
                       {"outer.html", "\n{% include inner.html %}"},
                       {"inner.html", "{{ 1 / 0 }}"},
                       {"broken.html", "\n{% include missing.html %}"}});
    const auto message = [&](const char* name) -> std::string {
        try {
            static_cast<void>(loader.load(name)->render({}));
            return {};
        } catch (const TemplateError& error) {
            return error.what();
        }
    };
    EXPECT_EQ(message("page.html"), "page.html:3: name 'nope' is not defined (via base.html:3)");
    EXPECT_EQ(message("outer.html"), "inner.html:1: division by zero (via outer.html:2)");
    EXPECT_EQ(message("broken.html"), "broken.html:2: there is no template 'missing.html'");
    EXPECT_EQ(message("absent.html"), "absent.html: there is no template 'absent.html'");
}

TEST(Errors, AreOfTheRightTypeAndKind) {
    EXPECT_THROW(static_cast<void>(testing::render("{{ 1 + }}")), ParseError);
    try {
        static_cast<void>(testing::render("\n{{ x[9] }}", R"({"x": [1]})"));
        FAIL();
    } catch (const RenderError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kIndex);
        EXPECT_EQ(error.file(), "t.html");
        EXPECT_EQ(error.line(), 2);
        EXPECT_EQ(error.message(), "index 9 is outside of a list of 1");
    }
}

TEST(Errors, WhatIsNotSupportedIsSaidAtLoadTime) {
    const std::pair<const char*, const char*> cases[] = {
        {"{{ [x for x in y] }}", "comprehensions"},
        {"{{ {k: v for k in y} }}", "comprehensions"},
        {"{{ (x for x in y) }}", "comprehensions"},
        {"{{ f(x for x in y) }}", "comprehensions"},
        {"{{ x for x in y }}", "comprehensions"},
        {"{{ lambda: 1 }}", "lambda"},
        {"{{ {1, 2} }}", "sets are not supported"},
        {"{{ b'x' }}", "bytes literals"},
        {"{{ f(*x) }}", "'*' and '**' in a call"},
        {"{{ f(**x) }}", "'*' and '**' in a call"},
        {"{{ [*x] }}", "'*' and '**' before a value"},
        {"{{ (x := 1) }}", "':='"},
        {"{{ await x }}", "'await'"},
        {"{{ yield x }}", "'yield'"},
        {"{{ a @ b }}", "'@'"},
        {"{{ ... }}", "'...'"},
        {"{% import os %}", "'import' is not supported"},
        {"{% from os import path %}", "'import' is not supported"},
        {"{% set x.y = 1 %}", "only names can be assigned"},
        {"{% set x[0] = 1 %}", "only names can be assigned"},
        {"{% set f(x) %}", "expected 'name = expression'"},
        {"{% set *a, b = x %}", "starred targets"},
        {"{% for i in x %}{% apply escape %}{% break %}{% end %}{% end %}", "'break' outside of a loop"},
        {"{% try %}{% except OSError %}{% end %}", "'OSError' is no error that a template can catch"},
        {"{{ '\\N{DIGIT ONE}' }}", "'\\N{...}'"},
    };
    for (const auto& [text, message] : cases) {
        DictLoader loader({{"t.html", text}});
        try {
            static_cast<void>(loader.load("t.html"));
            ADD_FAILURE() << text << " was accepted";
        } catch (const ParseError& error) {
            EXPECT_THAT(error.what(), HasSubstr(message)) << text;
            EXPECT_EQ(error.line(), 1) << text;
        }
    }
}

TEST(Errors, DeadBranchesAreParsedToo) {
    DictLoader loader({{"page.html", "{% extends base.html %}{% block b %}{% end %}"},
                       {"base.html", "{% block b %}{{ 1 + }}{% end %}"}});
    EXPECT_THROW(static_cast<void>(loader.load("page.html")), ParseError);
}

TEST(Errors, InvalidTextIsRefused) {
    EXPECT_EQ(error_of("a\xff"), "t.html: the file is not UTF-8");
    EXPECT_THAT(error_of("{{ 99999999999999999999 }}"), HasSubstr("beyond 64 bits"));
    EXPECT_THAT(error_of("{{ n }}", R"({"n": 18446744073709551615})"), HasSubstr("beyond 64 bits"));
}

TEST(Errors, TheErrorThatIsCaughtHasItsMessage) {
    EXPECT_EQ(testing::render("{% try %}{{ nope }}{% except NameError as e %}{% raw e %}{% end %}"),
              "name 'nope' is not defined");
    EXPECT_THAT(error_of("{% try %}{{ nope }}{% except as e %}{% end %}"), StartsWith("t.html:1: "));
    EXPECT_THAT(error_of("{% try %}{{ nope }}{% except NameError as e %}{% end %}{{ e }}"),
                HasSubstr("'e' is not defined"));
}

}  // namespace
}  // namespace caropig::templates
