#include "template/render.h"
#include <caropig/template/functions.h>
#include <caropig/template/value.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::templates {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::render;

TEST(Rendering, ComesInPiecesThatMakeTheWhole) {
    DictLoader loader({{"t.html", "{% for i in range(20000) %}<li>{{ i }}</li>{% end %}"}});
    const auto page = loader.load("t.html");
    const std::string whole = page->render({});
    std::string pieces;
    std::size_t count = 0;
    const boost::json::object values;
    Rendering rendering = page->start(values);
    while (const auto piece = rendering.next()) {
        EXPECT_FALSE(piece->empty());
        EXPECT_LT(piece->size(), Rendering::kPieceSize + 100);
        pieces += *piece;
        ++count;
    }
    EXPECT_EQ(pieces, whole);
    EXPECT_EQ(count, whole.size() / Rendering::kPieceSize + 1);
    EXPECT_EQ(rendering.next(), std::nullopt);
}

TEST(Rendering, EmptyPagesHaveNoPieces) {
    DictLoader loader({{"t.html", "{% if False %}x{% end %}"}});
    const boost::json::object values;
    Rendering rendering = loader.load("t.html")->start(values);
    EXPECT_EQ(rendering.next(), std::nullopt);
}

TEST(Rendering, LongTextsGoOutAsTheyLie) {
    const std::string text(100'000, 'x');
    DictLoader loader({{"t.html", "a{{ 1 }}" + text + "{{ 2 }}"}});
    const boost::json::object values;
    Rendering rendering = loader.load("t.html")->start(values);
    EXPECT_EQ(rendering.next(), "a1");
    EXPECT_EQ(rendering.next(), text);
    EXPECT_EQ(rendering.next(), "2");
    EXPECT_EQ(rendering.next(), std::nullopt);
}

TEST(Rendering, ApplyCollectsAcrossPieces) {
    DictLoader loader({{"t.html", "{% apply len %}" + std::string(50'000, 'x') + "{{ 1 }}{% end %}|"}});
    const boost::json::object values;
    Rendering rendering = loader.load("t.html")->start(values);
    EXPECT_EQ(rendering.next(), "50001|");
}

TEST(Rendering, OutlivesItsTemplateAndLoader) {
    const boost::json::object values{{"v", "x"}};
    std::optional<Rendering> rendering;
    {
        DictLoader loader({{"t.html", "a{{ v }}"}});
        rendering.emplace(loader.load("t.html")->start(values));
    }
    EXPECT_EQ(rendering->next(), "ax");
}

TEST(Rendering, ThreadsShareALoader) {
    DictLoader loader(
        {{"t.html", "{% for w in words %}{{ w.upper() }}{% include part.html %}{% end %}"}, {"part.html", "-"}});
    const boost::json::object values = boost::json::parse(R"({"words": ["a", "b", "c"]})").as_object();
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int turn = 0; turn < 100; ++turn) {
                if (turn % 10 == 0) loader.reset();
                if (loader.load("t.html")->render(values) == "A-B-C-") ++right;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 400);
}

struct Person {
    std::string name;
    int age = 0;
    std::vector<std::string> tags;
};
BOOST_DESCRIBE_STRUCT(Person, (), (name, age, tags))

TEST(Rendering, TakesDescribedStructs) {
    const boost::json::object values{{"person", boost::json::value_from(Person{"Ann", 41, {"a", "b"}})}};
    DictLoader loader({{"t.html", "{{ person.name }} {{ person.age + 1 }} {{ ','.join(person.tags) }}"}});
    EXPECT_EQ(loader.load("t.html")->render(values), "Ann 42 a,b");
}

class Names : public Environment {
public:
    Value find(std::string_view name) const override {
        ++asked;
        if (name == "static_url") {
            return Value(Function([](const Arguments& arguments) {
                return "/static/" + std::string(arguments.require(0, "path").as_string());
            }));
        }
        if (name == "locale") return Value("de");
        return Value::undefined();
    }
    Value find_module(std::string_view name) const override {
        if (name != "Menu") return Value::undefined();
        return Value(Function([](const Arguments& arguments) {
            return "<ul>" + arguments.require(0, "active").str() + arguments.get(1, "size", 3).str() + "</ul>";
        }));
    }

    mutable int asked = 0;
};

TEST(Functions, OfARequestComeBeforeThoseOfTheLoaderAndBehindTheValues) {
    auto shared = std::make_shared<Functions>();
    shared->set("locale", "en").set("site", "Shop").add("double", [](const Arguments& arguments) {
        return arguments.require(0, "n").as_int() * 2;
    });
    LoaderOptions options;
    options.functions = shared;
    const Names names;
    EXPECT_EQ(render("{{ locale }} {{ site }} {{ double(n=4) }} {{ static_url('a.css') }}", "{}", options, &names),
              "de Shop 8 /static/a.css");
    EXPECT_EQ(render("{{ locale }}", R"({"locale": "fr"})", options, &names), "fr");
    EXPECT_EQ(render("{{ locale }}", "{}", options), "en");
    EXPECT_EQ(render("{{ len }}", R"({"len": "data"})"), "data");
    EXPECT_EQ(render("{% set locale = 'it' %}{{ locale }}", "{}", options, &names), "it");
}

TEST(Functions, AreAskedForOnceInARendering) {
    const Names names;
    EXPECT_EQ(render("{% for i in range(5) %}{{ locale }}{% end %}", "{}", {}, &names), "dedededede");
    EXPECT_EQ(names.asked, 2);  // range, locale
}

TEST(Functions, ModulesWriteHtml) {
    const Names names;
    EXPECT_EQ(render("{% module Menu('<a>', size=2) %}", "{}", {}, &names), "<ul><a>2</ul>");
    EXPECT_THAT(error_of("{% module Menu() %}"), HasSubstr("there is no module 'Menu'"));
    EXPECT_THAT(error_of("{% module Menu %}"), HasSubstr("expected 'Name(arguments)'"));
    EXPECT_THAT(error_of("{% module a.b() %}"), HasSubstr("expected 'Name(arguments)'"));
}

TEST(Functions, FailAtTheLineThatCallsThem) {
    auto functions = std::make_shared<Functions>();
    functions->add("fail", [](const Arguments&) -> Value { throw Failure(ErrorKind::kValue, "no luck"); });
    functions->add("broken", [](const Arguments&) -> Value { throw std::out_of_range("mine"); });
    functions->add("one", [](const Arguments& arguments) -> Value {
        arguments.expect(1, 1);
        return arguments.positional[0];
    });
    LoaderOptions options;
    options.functions = functions;
    EXPECT_EQ(error_of("\n{{ fail() }}", "{}", options), "t.html:2: no luck");
    EXPECT_EQ(render("{% try %}{{ fail() }}{% except ValueError as e %}{{ e }}{% end %}", "{}", options), "no luck");
    EXPECT_THAT(error_of("{{ one(1, 2) }}", "{}", options), HasSubstr("expected 1 argument, not 2"));
    EXPECT_THAT(error_of("{{ one(a=1) }}", "{}", options), HasSubstr("expected 1 argument"));
    // What is no Failure is the program's own, and reaches it as it is: no template catches it.
    EXPECT_THROW(static_cast<void>(render("{% try %}{{ broken() }}{% except %}{% end %}", "{}", options)),
                 std::out_of_range);
}

TEST(Functions, NamesOfTheApplyBlockStayInside) {
    EXPECT_EQ(render("{% set a = 1 %}{% apply str %}{% set a = 2 %}{% set b = 3 %}{{ a }}{% end %}{{ a }}"), "21");
    EXPECT_THAT(error_of("{% apply str %}{% set b = 3 %}{% end %}{{ b }}"), HasSubstr("'b' is not defined"));
    EXPECT_EQ(render("{% set a = 1 %}{% try %}{% apply str %}{% set a = 2 %}lost{{ 1 / 0 }}{% end %}{% except %}{{ a "
                     "}}{% end %}"),
              "1");
}

TEST(Values, ConvertToJsonAndBack) {
    const Value value(Dict{{Value("a"), Value(List{Value(1), Value(2.5), Value(), Value(true)})},
                           {Value(1), Value::tuple({Value("x")})},
                           {Value("r"), Value(Range{0, 3, 1})}});
    EXPECT_EQ(boost::json::serialize(value.to_json()), R"({"a":[1,2.5E0,null,true],"1":["x"],"r":[0,1,2]})");
    const boost::json::value json = boost::json::parse(R"({"a": [1, "x"]})");
    const Value seen = Value::from_json(json);
    EXPECT_EQ(seen.find("a").item(1).as_string(), "x");
    EXPECT_TRUE(seen.find("b").is_undefined());
    EXPECT_THROW(static_cast<void>(seen.as_int()), Failure);
    EXPECT_THROW(static_cast<void>(Value(Function([](const Arguments&) { return Value(); })).to_json()), Failure);
}

}  // namespace
}  // namespace caropig::templates
