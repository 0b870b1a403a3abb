#include "template/render.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::templates {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::render;

LoaderOptions with(auto Limits::* member, auto value) {
    LoaderOptions options;
    options.limits.*member = value;
    return options;
}

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += text;
    return out;
}

TEST(Limits, AWhileThatDoesNotEndIsStopped) {
    const LoaderOptions options = with(&Limits::iterations, std::uint64_t{10});
    EXPECT_EQ(render("{% for i in range(10) %}{{ i }}{% end %}", "{}", options), "0123456789");
    EXPECT_EQ(error_of("\n{% for i in range(11) %}{% end %}", "{}", options),
              "t.html:2: loops took more than 10 turns");
    EXPECT_EQ(error_of("{% while True %}{% end %}", "{}", options), "t.html:1: loops took more than 10 turns");
    EXPECT_THAT(error_of("{% while True %}{% continue %}{% end %}", "{}", options), HasSubstr("turns"));
    // All loops of a rendering count together, and no template catches it.
    EXPECT_THAT(error_of("{% for i in range(6) %}{% end %}{% for i in range(6) %}{% end %}", "{}", options),
                HasSubstr("turns"));
    EXPECT_THAT(error_of("{% try %}{% while True %}{% end %}{% except %}{% end %}", "{}", options), HasSubstr("turns"));
    EXPECT_THAT(error_of("{% while True %}{% end %}"), HasSubstr("1000000 turns"));
}

TEST(Limits, OutputIsLimited) {
    const LoaderOptions options = with(&Limits::output, std::size_t{10});
    EXPECT_EQ(render("12345{{ '67890' }}", "{}", options), "1234567890");
    EXPECT_EQ(error_of("12345{{ '678901' }}", "{}", options), "t.html:1: the page is larger than 10 bytes");
    EXPECT_THAT(error_of("12345678901", "{}", options), HasSubstr("larger than 10 bytes"));
    EXPECT_THAT(error_of("{% apply str %}12345678901{% end %}", "{}", options), HasSubstr("larger than 10 bytes"));
    EXPECT_THAT(error_of("{{ [[1, 2, 3, 4, 5], [6]] * 2 }}", "{}", options), HasSubstr("10 bytes"));
}

TEST(Limits, PiecesCountTogether) {
    LoaderOptions options = with(&Limits::output, std::size_t{40'000});
    DictLoader loader({{"t.html", repeat("x", 20'000) + "{{ 'y' }}" + repeat("z", 20'000)}}, options);
    Rendering page = loader.load("t.html")->start({});
    EXPECT_EQ(page.next().value().size(), 20'000u);
    EXPECT_THROW(while (page.next()){}, RenderError);
    EXPECT_EQ(page.next(), std::nullopt);
}

TEST(Limits, ValuesAreLimited) {
    const LoaderOptions options = with(&Limits::value_size, std::size_t{160});
    EXPECT_EQ(render("{{ len('x' * 160) }} {{ len([0] * 10) }}", "{}", options), "160 10");
    for (const char* text :
         {"'x' * 161", "('x' * 100) + ('x' * 61)", "[0] * 11", "list(range(11))", "'%161d' % 1", "'{:161}'.format(1)",
          "f'{1:161}'", "'x'.zfill(161)", "'x'.center(161)", "'xxxxxxxxxxx'.replace('x', 'x' * 20)", "'ab' * (2 ** 62)",
          "'x'.join(['y' * 100, 'z' * 100])", "list('xxxxxxxxxxxx')", "('x ' * 20).split()", "'%*d' % (161, 1)",
          "enumerate(range(11))", "[0] * (2 ** 62)"}) {
        EXPECT_THAT(error_of(std::string("{{ ") + text + " }}", "{}", options), HasSubstr("of more than")) << text;
    }
}

TEST(Limits, NestingIsLimited) {
    const LoaderOptions options = with(&Limits::nesting, std::size_t{10});
    EXPECT_EQ(render(repeat("{% if True %}", 10) + "x" + repeat("{% end %}", 10), "{}", options), "x");
    EXPECT_THAT(error_of(repeat("{% if True %}", 11) + "x" + repeat("{% end %}", 11), "{}", options),
                HasSubstr("more than 10 levels"));
    EXPECT_EQ(render("{{ " + repeat("[", 9) + repeat("]", 9) + " }}", "{}", options), repeat("[", 9) + repeat("]", 9));
    EXPECT_THAT(error_of("{{ " + repeat("[", 11) + repeat("]", 11) + " }}", "{}", options),
                HasSubstr("more than 10 levels"));
    EXPECT_THAT(error_of("{{ 1" + repeat(" + 1", 11) + " }}", "{}", options), HasSubstr("more than 10 levels"));
    EXPECT_THAT(error_of("{{ " + repeat("-", 100'000) + "1 }}"), HasSubstr("more than 100 levels"));
    EXPECT_THAT(error_of("{{ " + repeat("(", 100'000)), HasSubstr("lacks its"));
    EXPECT_THAT(error_of("{{ " + repeat("not ", 100'000) + "1 }}"), HasSubstr("more than 100 levels"));
    EXPECT_THAT(error_of("{{ x" + repeat(".a", 100'000) + " }}"), HasSubstr("more than 100 levels"));
    EXPECT_THAT(error_of("{% set " + repeat("(", 100'000) + "x" + repeat(")", 100'000) + " = 1 %}"),
                HasSubstr("more than 100 levels"));
    EXPECT_THAT(error_of(repeat("{% for i in x %}", 100'000)), HasSubstr("more than 100 levels"));
}

TEST(Limits, FilesThatContainEachOtherAreRefused) {
    DictLoader loader({{"a.html", "{% include b.html %}"},
                       {"b.html", "{% include a.html %}"},
                       {"c.html", "{% extends d.html %}"},
                       {"d.html", "{% extends c.html %}"}});
    for (const char* name : {"a.html", "c.html"}) {
        try {
            static_cast<void>(loader.load(name));
            ADD_FAILURE() << name;
        } catch (const ParseError& error) {
            EXPECT_THAT(error.what(), HasSubstr("without an end")) << name;
        }
    }
}

TEST(Limits, FilesThatMultiplyAreRefused) {
    std::map<std::string, std::string> files{{"0.html", "x"}};
    for (int i = 1; i <= 40; ++i) {
        const std::string include = "{% include " + std::to_string(i - 1) + ".html %}";
        files.emplace(std::to_string(i) + ".html", include + include);
    }
    DictLoader loader(files, with(&Limits::instructions, std::size_t{10'000}));
    EXPECT_NO_THROW(static_cast<void>(loader.load("10.html")));
    EXPECT_THROW(static_cast<void>(loader.load("40.html")), ParseError);
}

}  // namespace
}  // namespace caropig::templates
