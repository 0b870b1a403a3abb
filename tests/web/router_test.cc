#include <caropig/web/router.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

std::atomic<std::size_t> allocations = 0;

}  // namespace

// Counts every allocation of this test program.
void* operator new(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace caropig::web {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Values = std::vector<std::string>;

/// What a table makes of a path, in a form that can be compared and printed.
struct Answer {
    std::optional<std::size_t> route;
    Values values;

    friend bool operator==(const Answer&, const Answer&) = default;
    friend void PrintTo(const Answer& answer, std::ostream* out) {
        *out << (answer.route ? "route " + std::to_string(*answer.route) : "no route");
        for (const std::string& value : answer.values) *out << " \"" << value << '"';
    }
};

const Answer kNothing{};

Answer route_of(const RouteTable& routes, std::string_view path) {
    RouteMatch match;
    Answer answer{.route = routes.match(path, match), .values = {}};
    for (const RouteParameter& parameter : match.parameters()) answer.values.emplace_back(parameter.value);
    EXPECT_EQ(answer.route.has_value(), match.status() == RouteStatus::kMatched);
    if (answer.route) {
        EXPECT_EQ(*answer.route, match.route());
    }
    return answer;
}

RouteTable table(const std::vector<Pattern>& patterns) {
    RouteTable routes;
    for (const Pattern& pattern : patterns) routes.add(pattern);
    return routes;
}

std::string error_of(const Pattern& pattern, std::string_view name = "the-name") {
    RouteTable routes;
    try {
        routes.add(pattern, name);
    } catch (const RouteError& error) {
        EXPECT_EQ(routes.size(), 0U) << "a failed add() must leave the table as it was";
        return error.what();
    }
    return {};
}

std::string reverse_error(const RouteTable& routes, std::string_view name, const Values& values) {
    const std::vector<std::string_view> views(values.begin(), values.end());
    try {
        return "no error but " + routes.reverse(name, views);
    } catch (const RouteError& error) {
        return error.what();
    }
}

/// A text with everything but printable ASCII escaped, and cut where it is long: names of tests are made of it. So are
/// brackets and semicolons, which are no text to CMake's lists of tests.
std::string shown(std::string_view text) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text.substr(0, 60)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x1f && byte < 0x7f && c != '[' && c != ']' && c != ';') {
            out += c;
        } else {
            out.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]});
        }
    }
    return out + (text.size() > 60 ? "...\"" : "\"");
}

/// Names the cases of a suite by their place: "Braces/MatchOfOnePattern.GivesTheValuesOrNothing/07".
std::string place_of(std::size_t index) { return (index < 10 ? "0" : "") + std::to_string(index); }

// --- Matching ---------------------------------------------------------------------------------------------------

struct MatchCase {
    Pattern pattern;
    std::string path;
    std::optional<Values> values;  // nothing: 404

    friend void PrintTo(const MatchCase& each, std::ostream* out) {
        *out << shown(each.pattern.text()) << " against " << shown(each.path);
    }
};

class MatchOfOnePattern : public testing::TestWithParam<MatchCase> {};

TEST_P(MatchOfOnePattern, GivesTheValuesOrNothing) {
    const auto& [pattern, path, values] = GetParam();
    const Answer expected = values ? Answer{.route = 0, .values = *values} : kNothing;
    EXPECT_EQ(route_of(table({pattern}), path), expected) << pattern.text() << " against " << path;
}

const std::string kUuid = "123e4567-e89b-12d3-A456-426614174000";
const std::optional<Values> kNo = std::nullopt;

INSTANTIATE_TEST_SUITE_P(Literal, MatchOfOnePattern,
                         testing::ValuesIn(std::vector<MatchCase>{
                             {"/", "/", Values{}},
                             {"/", "", kNo},
                             {"/", "//", kNo},
                             {"/index", "/index", Values{}},
                             {"/index", "/indexed", kNo},
                             {"/index", "/index/", kNo},
                             {"/index", "/inde", kNo},
                             {"/index", "/INDEX", kNo},
                             {"/index", "index", kNo},
                             {"/index", "*", kNo},
                             {"/index", "x/index", kNo},
                             {"/index/", "/index/", Values{}},
                             {"/index/", "/index", kNo},
                             {"/a//b", "/a//b", Values{}},
                             {"/a//b", "/a/b", kNo},
                             {"/robots.txt", "/robots.txt", Values{}},
                             {"/robots.txt", "/robotsxtxt", kNo},
                             {"/a", "/%61", kNo},
                             {Pattern::literal("/{x}/(y)+"), "/{x}/(y)+", Values{}},
                             {Pattern::literal("/{x}/(y)+"), "/1/y", kNo},
                         }),
                         [](const auto& test) { return place_of(test.index); });

INSTANTIATE_TEST_SUITE_P(Braces, MatchOfOnePattern,
                         testing::ValuesIn(std::vector<MatchCase>{
                             {"/users/{id}", "/users/7", Values{"7"}},
                             {"/users/{id}", "/users/", kNo},
                             {"/users/{id}", "/users", kNo},
                             {"/users/{id}", "/users/7/", kNo},
                             {"/users/{id}", "/users/7/8", kNo},
                             {"/users/{id}/orders", "/users//orders", kNo},
                             {"/users/{user}/orders/{order}", "/users/ann/orders/12", Values{"ann", "12"}},
                             {"/{a}/{b}", "/x/y", Values{"x", "y"}},
                             {"/@{user:str}", "/@ann", Values{"ann"}},
                             {"/@{user:str}", "/@", kNo},
                             {"/@{user:str}", "/ann", kNo},
                             {"/{page}.html", "/a.b.html", Values{"a.b"}},
                             {"/{page}.html", "/.html", kNo},
                             {"/ab{x}ba", "/aba", kNo},
                             {"/ab{x}ba", "/abxba", Values{"x"}},
                             {"/static/{rest:path}", "/static/css/a.css", Values{"css/a.css"}},
                             {"/static/{rest:path}", "/static/", Values{""}},
                             {"/static/{rest:path}", "/static//", Values{"/"}},
                             {"/static/{rest:path}", "/static", kNo},
                             {"/static/v{rest:path}", "/static/v1/a", Values{"1/a"}},
                             {"/static/v{rest:path}", "/static/w1/a", kNo},
                             {"/{rest:path}", "/", Values{""}},
                             {Pattern::braces("/c++/{x}"), "/c++/1", Values{"1"}},
                         }),
                         [](const auto& test) { return place_of(test.index); });

INSTANTIATE_TEST_SUITE_P(Types, MatchOfOnePattern,
                         testing::ValuesIn(std::vector<MatchCase>{
                             {"/{n:int}", "/0", Values{"0"}},
                             {"/{n:int}", "/-12", Values{"-12"}},
                             {"/{n:int}", "/007", Values{"007"}},
                             {"/{n:int}", "/+1", kNo},
                             {"/{n:int}", "/1.0", kNo},
                             {"/{n:int}", "/1a", kNo},
                             {"/{n:int}", "/-", kNo},
                             {"/{n:int}", "/%31", kNo},
                             {"/{n:int}", "/9223372036854775807", Values{"9223372036854775807"}},
                             {"/{n:int}", "/9223372036854775808", kNo},
                             {"/{n:int}", "/-9223372036854775808", Values{"-9223372036854775808"}},
                             {"/{n:int}", "/-9223372036854775809", kNo},
                             {"/{n:uint}", "/18446744073709551615", Values{"18446744073709551615"}},
                             {"/{n:uint}", "/18446744073709551616", kNo},
                             {"/{n:uint}", "/-1", kNo},
                             {"/v{n:uint}", "/v2", Values{"2"}},
                             {"/{id:uuid}", "/" + kUuid, Values{kUuid}},
                             {"/{id:uuid}", "/" + kUuid + "0", kNo},
                             {"/{id:uuid}", "/123e4567-e89b-12d3-a456_426614174000", kNo},
                             {"/{id:uuid}", "/123e4567-e89b-12d3-a456-42661417400g", kNo},
                         }),
                         [](const auto& test) { return place_of(test.index); });

INSTANTIATE_TEST_SUITE_P(Regex, MatchOfOnePattern,
                         testing::ValuesIn(std::vector<MatchCase>{
                             {"/user/([0-9]+)", "/user/12", Values{"12"}},
                             {"/user/([0-9]+)$", "/user/12", Values{"12"}},
                             {"^/user/([0-9]+)$", "/user/12", Values{"12"}},
                             {"/user/([0-9]+)", "/user/12x", kNo},
                             {"/user/([0-9]+)", "/a/user/12", kNo},
                             {"/user/([0-9]+)", "/user/12\n", kNo},
                             {"/(?P<a>\\w+)/(?P<b>\\d+)", "/x/1", Values{"x", "1"}},
                             {"/static/(.*)", "/static/a/b", Values{"a/b"}},
                             {"/static/(.*)", "/static/", Values{""}},
                             {"/a|/b", "/a", Values{}},
                             {"/a|/b", "/ab", kNo},
                             {"/colou?r", "/color", Values{}},
                             {"/(?i)About", "/aBOUT", Values{}},
                             {"/(?:a|b)/([^/]+)", "/b/c", Values{"c"}},
                             {".*", "*", Values{}},
                             {".*", "", Values{}},
                             {Pattern::regex("/robots.txt"), "/robotsxtxt", Values{}},
                             {Pattern::regex("/a{2,3}"), "/aaa", Values{}},
                             {"/caf\xC3\xA9/(.)", "/caf\xC3\xA9/x", Values{"x"}},
                         }),
                         [](const auto& test) { return place_of(test.index); });

INSTANTIATE_TEST_SUITE_P(Decoding, MatchOfOnePattern,
                         testing::ValuesIn(std::vector<MatchCase>{
                             {"/{a}/{b}", "/x%20y/%2Fetc%2fpasswd", Values{"x y", "/etc/passwd"}},
                             {"/{a}/{b}", "/%E6%88%90%E5%8A%9F/ok", Values{"成功", "ok"}},
                             {"/{a}", "/成功", Values{"成功"}},
                             {"/{a}", "/a+b", Values{"a+b"}},
                             {"/{a}", "/%2541", Values{"%41"}},
                             {"/{a}", "/%", Values{"%"}},
                             {"/{a}", "/%4", Values{"%4"}},
                             {"/{a}", "/%zz%4g%", Values{"%zz%4g%"}},
                             {"/{a}", "/%00", Values{std::string(1, '\0')}},
                             {"/{a:path}", "/x/%2e%2E/y", Values{"x/../y"}},
                             {"/{a}.txt", "/%41.txt", Values{"A"}},
                             {"/(.*)", "/%41/b", Values{"A/b"}},
                         }),
                         [](const auto& test) { return place_of(test.index); });

TEST(RouteTable, AnswersTheTutorialsRoutesAndNothingElse) {
    const RouteTable routes = table({"/index", "/req", "/stop"});
    EXPECT_EQ(route_of(routes, "/index"), (Answer{.route = 0, .values = {}}));
    EXPECT_EQ(route_of(routes, "/req"), (Answer{.route = 1, .values = {}}));
    EXPECT_EQ(route_of(routes, "/stop"), (Answer{.route = 2, .values = {}}));
    for (const std::string_view path : {"/", "/indexed", "/index/", "/stop/now", "/requ", ""}) {
        EXPECT_EQ(route_of(routes, path), kNothing) << path;
    }
}

TEST(RouteTable, AnswersNothingWhenEmpty) {
    EXPECT_EQ(route_of(RouteTable(), "/"), kNothing);
    EXPECT_EQ(route_of(RouteTable(), std::string_view()), kNothing);
}

TEST(RouteTable, FindsParametersByName) {
    RouteTable routes;
    routes.add("/{a}/{b:int}");
    routes.add(R"(/x/(\d)/(\d))");
    RouteMatch match;
    ASSERT_TRUE(routes.match("/left/2", match));
    EXPECT_EQ(match.find("a"), "left");
    EXPECT_EQ(match.find("b"), "2");
    EXPECT_EQ(match.find("c"), std::nullopt);
    ASSERT_TRUE(routes.match("/x/1/2", match));
    EXPECT_EQ(match.find("a"), std::nullopt);
    EXPECT_EQ(match.find(""), std::nullopt);
}

TEST(RouteTable, TellsAnAbsentGroupFromAnEmptyOne) {
    RouteTable routes;
    routes.add("/(?P<a>x)?(?P<b>y*)");
    RouteMatch match;
    ASSERT_TRUE(routes.match("/", match));
    EXPECT_FALSE(match.parameters()[0].present());
    EXPECT_TRUE(match.parameters()[1].present());
    EXPECT_EQ(match.find("a"), std::nullopt);
    EXPECT_EQ(match.find("b"), "");
}

TEST(RouteTable, ReportsParametersThatAreNotUtf8) {
    RouteTable routes;
    routes.add("/b/{a}");
    routes.add("/r/(.*)");
    routes.add("/{all:path}");
    RouteMatch match;
    for (const std::string_view value : {"%E9", "\xE9", "ok%C3", "%ED%A0%80", "%C0%AF", "%E0%80%80", "%F4%90%80%80",
                                         "%F0%8F%BF%BF", "%FF", "%80", "%C3%28"}) {
        for (const std::string prefix : {"/b/", "/r/"}) {
            EXPECT_EQ(routes.match(prefix + std::string(value), match), std::nullopt) << value;
            EXPECT_EQ(match.status(), RouteStatus::kBadEncoding) << value;
            EXPECT_EQ(match.route(), prefix == "/b/" ? 0U : 1U);
            EXPECT_TRUE(match.parameters().empty());
        }
    }
    ASSERT_EQ(routes.match("/b/%F0%9F%90%96", match), 0U) << "a good match after bad ones";
    EXPECT_EQ(match.find("a"), "\xF0\x9F\x90\x96");
}

// --- Order ------------------------------------------------------------------------------------------------------

TEST(RouteOrder, FirstRouteWinsWhateverItsSyntax) {
    struct Case {
        std::vector<Pattern> patterns;
        std::string path;
        Answer expected;
    };
    const std::vector<Case> cases{
        {{"/a", "/{x}"}, "/a", {0, {}}},
        {{"/{x}", "/a"}, "/a", {0, {"a"}}},
        {{"/(.*)", "/{x}", "/a"}, "/a", {0, {"a"}}},
        {{"/{x}", "/(.*)", "/a"}, "/a", {0, {"a"}}},
        {{"/{x}", "/(.*)", "/a"}, "/a/b", {1, {"a/b"}}},
        {{"/a", "/a"}, "/a", {0, {}}},
        {{"/{x}/1", "/{y}/{z}"}, "/a/1", {0, {"a"}}},
        {{"/{x}/1", "/{y}/{z}"}, "/a/2", {1, {"a", "2"}}},
        {{"/{n:int}", "/{s}"}, "/12", {0, {"12"}}},
        {{"/{n:int}", "/{s}"}, "/9223372036854775808", {1, {"9223372036854775808"}}},
        {{"/{s}", "/{n:int}"}, "/12", {0, {"12"}}},
        {{"/{n:int}", "/{n:uint}", R"(/(\d+))"}, "/18446744073709551615", {1, {"18446744073709551615"}}},
        {{"/{n:int}", "/{n:uint}", R"(/(\d+))"}, "/18446744073709551616", {2, {"18446744073709551616"}}},
        {{"/{rest:path}", "/a/b"}, "/a/b", {0, {"a/b"}}},
        {{"/a/{rest:path}", "/{rest:path}"}, "/a/b", {0, {"b"}}},
        {{"/{rest:path}", "/a/{rest:path}"}, "/a/b", {0, {"a/b"}}},
        {{"/a/{x}/c", "/a/b/{y}", "/{z}/b/c"}, "/a/b/c", {0, {"b"}}},
        {{"/{z}/b/c", "/a/b/{y}", "/a/{x}/c"}, "/a/b/c", {0, {"a"}}},
        {{"/a/b/x", "/{p}/b/{q}", "/a/{r}/c"}, "/a/b/c", {1, {"a", "c"}}},
        {{"/{x}.html", "/{x}"}, "/i.html", {0, {"i"}}},
        {{"/{x}", "/{x}.html"}, "/i.html", {0, {"i.html"}}},
        {{R"(/(\d+))", R"(/(\w+))", "/12"}, "/12", {0, {"12"}}},
        {{R"(/(\d+))", R"(/(\w+))", "/12"}, "/x", {1, {"x"}}},
    };
    for (const Case& c : cases) {
        std::string shown;
        for (const Pattern& pattern : c.patterns) shown += pattern.text() + "  ";
        EXPECT_EQ(route_of(table(c.patterns), c.path), c.expected) << shown << "against " << c.path;
    }
}

/// The same answers as trying one route after the other, on random tables over a small alphabet.
TEST(RouteOrder, ALiteralPathIsReachedUnlessAnEarlierRouteMatchesIt) {
    const RouteTable routes = table({"/before", "/{page}.html", "/(old|older)", "/index.html", "/old", "/new",
                                     "/a/{p:int}", "/a/1", "/a/b", "/before", "/{any}", "/late"});
    EXPECT_EQ(route_of(routes, "/before"), (Answer{0, {}}));
    EXPECT_EQ(route_of(routes, "/index.html"), (Answer{1, {"index"}}));
    EXPECT_EQ(route_of(routes, "/old"), (Answer{2, {"old"}}));
    EXPECT_EQ(route_of(routes, "/new"), (Answer{5, {}}));
    EXPECT_EQ(route_of(routes, "/a/1"), (Answer{6, {"1"}}));
    EXPECT_EQ(route_of(routes, "/a/b"), (Answer{8, {}}));
    EXPECT_EQ(route_of(routes, "/late"), (Answer{10, {"late"}}));
    EXPECT_EQ(route_of(routes, "/a"), (Answer{10, {"a"}}));
}

TEST(RouteTable, FindsManyLiteralPathsWhateverTheirLength) {
    RouteTable routes;
    std::vector<std::string> paths{"/"};
    for (std::size_t size = 1; size <= 90; ++size) {
        for (const char letter : {'a', 'b', 'c'}) paths.push_back('/' + std::string(size, letter));
    }
    for (const std::string& path : paths) routes.add(path);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        EXPECT_EQ(route_of(routes, paths[i]), (Answer{i, {}}));
        EXPECT_EQ(route_of(routes, paths[i] + "d"), kNothing);
        EXPECT_EQ(route_of(routes, paths[i] + "/"), kNothing);
    }
    EXPECT_EQ(route_of(routes, ""), kNothing);
    EXPECT_EQ(route_of(routes, std::string_view()), kNothing);
}

TEST(RouteOrder, AgreesWithTryingEachRouteInTurn) {
    const std::vector<std::string> pieces{"a",   "b",     "ab",        "{p}",    "{p:int}",  "a{p}",  "{p}b",
                                          "12",  "",      "{p:uint}",  "a{p}b",  "{p:path}", "(a|b)", "(?:a*)",
                                          "\\d", "(?i)A", "(?:12|ab)", "[ab]12", "(.*)"};
    const std::vector<std::string> texts{"a", "b", "ab", "12", "", "aab", "-1", "A", "b12"};
    std::mt19937 random(20250101);
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    for (int round = 0; round < 300; ++round) {
        RouteTable all;
        std::vector<RouteTable> single;
        for (std::size_t attempts = 2 + below(12); attempts > 0; --attempts) {
            std::string pattern;
            const std::size_t depth = 1 + below(3);
            for (std::size_t i = 0; i < depth; ++i) {
                std::string piece = pieces[below(pieces.size())];
                if (const std::size_t at = piece.find("{p"); at != std::string::npos) {
                    piece.replace(at, 2, "{p" + std::to_string(i));
                }
                pattern += "/" + piece;
            }
            try {
                RouteTable one;
                one.add(pattern);
                single.push_back(std::move(one));
                all.add(pattern);
            } catch (const RouteError&) {
                continue;  // a path parameter in the middle, or both syntaxes at once
            }
        }
        for (int tries = 0; tries < 60; ++tries) {
            std::string path;
            const std::size_t depth = 1 + below(3);
            for (std::size_t i = 0; i < depth; ++i) path += "/" + texts[below(texts.size())];
            Answer expected;
            for (std::size_t i = 0; i < single.size() && !expected.route; ++i) {
                expected = route_of(single[i], path);
                if (expected.route) expected.route = i;
            }
            ASSERT_EQ(route_of(all, path), expected) << path;
        }
    }
}

// --- Hostile paths ----------------------------------------------------------------------------------------------

TEST(RouteTable, WithstandsDeepAndLongPaths) {
    const RouteTable routes = table({"/{a}/{b}", "/{a}/x/{b}", "/deep/{rest:path}", R"(/r/([^/]+))"});
    std::string deep;
    for (int i = 0; i < 200'000; ++i) deep += "/x";
    EXPECT_EQ(route_of(routes, deep), kNothing);
    EXPECT_EQ(route_of(routes, std::string(1'000'000, '/')), kNothing);
    EXPECT_EQ(route_of(routes, "/deep" + deep), (Answer{.route = 2, .values = {deep.substr(1)}}));
    const std::string segment(1'000'000, 'y');
    EXPECT_EQ(route_of(routes, "/" + segment + "/" + segment), (Answer{.route = 0, .values = {segment, segment}}));
    EXPECT_EQ(route_of(routes, "/r/" + segment + "/" + segment), kNothing);
    std::string escapes;
    for (int i = 0; i < 100'000; ++i) escapes += "%2F";
    EXPECT_EQ(route_of(routes, "/r/" + escapes), (Answer{.route = 0, .values = {"r", std::string(100'000, '/')}}));
}

TEST(RouteTable, WalksATreeOfManyWaysOnce) {
    // Each level can be entered in two ways: 2^20 ways to try if the walk went through them all.
    RouteTable routes;
    std::string literal;
    std::string parameters;
    for (int i = 0; i < 15; ++i) {
        literal += "/a";
        parameters += "/{p" + std::to_string(i) + "}";
    }
    routes.add(literal + "/end");
    routes.add(parameters + "/end");
    EXPECT_EQ(route_of(routes, literal + "/end").route, 0U);
    EXPECT_EQ(route_of(routes, "/b" + literal.substr(2) + "/end").route, 1U);
    EXPECT_EQ(route_of(routes, literal + "/other"), kNothing);
}

TEST(RouteTable, TakesLinearTimeOnExpressionsThatExplodeElsewhere) {
    // A backtracking engine needs longer than the age of the universe for each of these.
    const RouteTable routes = table({"/(?:a*)*b", "/(?:a|a)*c", "/(a+)+d", "/(?:.*a){12}e"});
    EXPECT_EQ(route_of(routes, "/" + std::string(20'000, 'a')), kNothing);
}

// --- Allocations ------------------------------------------------------------------------------------------------

std::size_t allocations_of(const RouteTable& routes, std::string_view path) {
    RouteMatch match;
    (void)routes.match(path, match);  // grows the buffers
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) (void)routes.match(path, match);
    return allocations - before;
}

TEST(RouteTable, MatchesWithoutAllocating) {
    RouteTable routes;
    for (int i = 0; i < 110; ++i) routes.add("/service" + std::to_string(i) + "/{user}/orders/{order:int}");
    routes.add(R"(/named/(?P<a>\w+)/(?P<b>[^/]+))");
    std::string many = "/many";
    std::string many_path = "/many";
    for (std::size_t i = 0; i < RouteMatch::kMaxParameters; ++i) {
        many += "/{p" + std::to_string(i) + "}";
        many_path += "/%20value";
    }
    routes.add(many);
    routes.add("/{rest:path}");

    ASSERT_EQ(route_of(routes, many_path).route, 111U);
    for (const std::string_view path : std::vector<std::string_view>{
             "/service0/ann/orders/1", "/service109/ann%20with%20a%20long%20name%20to%20decode/orders/99",
             "/service50/ann/orders/x", "/named/a/b%2Fc", many_path, "", "*", "/b/%FF"}) {
        EXPECT_EQ(allocations_of(routes, path), 0U) << path;
    }
}

// --- Mistakes at start-up ---------------------------------------------------------------------------------------

struct MistakeCase {
    Pattern pattern;
    std::string reason;

    friend void PrintTo(const MistakeCase& each, std::ostream* out) {
        *out << shown(each.pattern.text()) << ": " << shown(each.reason);
    }
};

class Mistake : public testing::TestWithParam<MistakeCase> {};

TEST_P(Mistake, IsAnErrorThatNamesTheRoute) {
    const auto& [pattern, reason] = GetParam();
    EXPECT_THAT(error_of(pattern),
                AllOf(HasSubstr('"' + pattern.text() + '"'), HasSubstr("the-name"), HasSubstr(reason)));
}

INSTANTIATE_TEST_SUITE_P(RouteTable, Mistake,
                         testing::ValuesIn(std::vector<MistakeCase>{
                             {"", "starts with \"/\""},
                             {"index", "starts with \"/\""},
                             {Pattern::literal("x"), "starts with \"/\""},
                             {"/{a", "unbalanced"},
                             {"/a}", "unbalanced"},
                             {"/}a{", "unbalanced"},
                             {"/{a/b}", "unbalanced"},
                             {"/{}", "\"\" is no name"},
                             {"/{1a}", "\"1a\" is no name"},
                             {"/{a-b}", "\"a-b\" is no name"},
                             {"/{:int}", "\"\" is no name"},
                             {"/a{4}", "\"4\" is no name"},
                             {"/{a:float}", "\"float\" is none of"},
                             {"/{a:}", "\"\" is none of"},
                             {"/{a}{b}", "more than one parameter"},
                             {"/{a}.{b}", "more than one parameter"},
                             {"/{{a}}", "more than one parameter"},
                             {"/{a:path}/b", "last"},
                             {"/{a:path}.txt", "last"},
                             {"/{a}/{a}", "two parameters are called \"a\""},
                             {"/{a}/(\\d+)", "mixes"},
                             {"/{a:[0-9]+}", "mixes"},
                             {"/(a", "missing )"},
                             {"/a)(", "unexpected )"},
                             {"/[a", "missing ]"},
                             {"/c++", "bad repetition operator"},
                             {"*", "no argument for repetition"},
                             {"/(?!a)", "(?!"},
                             {"/(a)\\1", "\\1"},
                             {"/(?P<a>x)/(y)", "all named or all positional"},
                             {"/(x)/(?P<a>y)", "all named or all positional"},
                             {"/(?P<a>x)/(?P<a>y)", "(?P<a>"},
                             {"/()()()()()()()()()()()()()()()()()", "more than 16"},
                         }),
                         [](const auto& test) { return place_of(test.index); });

TEST(RouteTable, NamesARouteWithoutANameByItsPattern) {
    EXPECT_EQ(error_of("/{a:float}", ""),
              "route \"/{a:float}\": parameter type \"float\" is none of str, int, uint, uuid, path");
}

TEST(RouteTable, RejectsANameThatIsTaken) {
    RouteTable routes;
    routes.add("/first", "home");
    routes.add("/nameless");
    routes.add("/nameless-too");
    try {
        routes.add("/second", "home");
        FAIL() << "no error";
    } catch (const RouteError& error) {
        EXPECT_THAT(error.what(), AllOf(HasSubstr("/second"), HasSubstr("home"), HasSubstr("/first")));
    }
    EXPECT_EQ(routes.size(), 3U);
    EXPECT_EQ(routes.reverse("home"), "/first");
    EXPECT_EQ(route_of(routes, "/second"), kNothing);
}

TEST(RouteTable, NumbersRoutesInOrder) {
    RouteTable routes;
    EXPECT_EQ(routes.add("/a"), 0U);
    EXPECT_EQ(routes.add("/(b)"), 1U);
    EXPECT_EQ(routes.add(Pattern::literal("/{c}")), 2U);
    EXPECT_EQ(routes.size(), 3U);
    EXPECT_EQ(routes.pattern(1), "/(b)");
    RouteTable moved = std::move(routes);
    EXPECT_EQ(route_of(moved, "/b"), (Answer{.route = 1, .values = {"b"}}));
}

// --- Reversal ---------------------------------------------------------------------------------------------------

struct ReverseCase {
    Pattern pattern;
    Values values;
    std::string path;

    friend void PrintTo(const ReverseCase& each, std::ostream* out) {
        *out << shown(each.pattern.text()) << " gives " << shown(each.path);
    }
};

class Reverse : public testing::TestWithParam<ReverseCase> {};

TEST_P(Reverse, GivesAPathThatMatchesWithTheSameValues) {
    const auto& [pattern, values, path] = GetParam();
    RouteTable routes;
    routes.add(pattern, "it");
    const std::vector<std::string_view> views(values.begin(), values.end());
    EXPECT_EQ(routes.reverse("it", views), path);
    EXPECT_EQ(route_of(routes, path), (Answer{.route = 0, .values = values}));
}

INSTANTIATE_TEST_SUITE_P(
    Braces, Reverse,
    testing::ValuesIn(std::vector<ReverseCase>{
        {"/", {}, "/"},
        {"/index/", {}, "/index/"},
        {"/a//b", {}, "/a//b"},
        {Pattern::literal("/{x}"), {}, "/{x}"},
        {"/users/{user}/orders/{order}", {"ann", "7"}, "/users/ann/orders/7"},
        {"/{a}", {"1 + 1"}, "/1%20%2B%201"},
        {"/{a}", {"a/b?c#d"}, "/a%2Fb%3Fc%23d"},
        {"/{a}", {"%41"}, "/%2541"},
        {"/{a}", {"成功"}, "/%E6%88%90%E5%8A%9F"},
        {"/{a}", {"-._~"}, "/-._~"},
        {"/@{a}.html", {"x.html"}, "/@x.html.html"},
        {"/{n:int}", {"-5"}, "/-5"},
        {"/{n:uint}", {"18446744073709551615"}, "/18446744073709551615"},
        {"/{u:uuid}", {"123e4567-e89b-12d3-a456-426614174000"}, "/123e4567-e89b-12d3-a456-426614174000"},
        {"/s/{rest:path}", {"css/a b.css"}, "/s/css/a%20b.css"},
        {"/s/{rest:path}", {""}, "/s/"},
    }),
    [](const auto& test) { return place_of(test.index); });

INSTANTIATE_TEST_SUITE_P(Regex, Reverse,
                         testing::ValuesIn(std::vector<ReverseCase>{
                             {"/user/([0-9]+)", {"12"}, "/user/12"},
                             {"^/user/([0-9]+)$", {"12"}, "/user/12"},
                             {"/(?P<a>\\w+)/(?P<b>\\d+)/edit", {"x", "1"}, "/x/1/edit"},
                             {"/static/(.*)", {"css/a b.css"}, "/static/css/a%20b.css"},
                             {"/one/([^/]+)", {"a/b"}, "/one/a%2Fb"},
                             {"/(.*)/(.*)", {"a", "b/c"}, "/a/b%2Fc"},
                             {"/a\\.b\\+c/(x)", {"x"}, "/a.b+c/x"},
                             {"/\\(([^()]+)\\)", {"x"}, "/(x)"},
                             {Pattern::regex("/robots.txt"), {}, "/robots.txt"},
                         }),
                         [](const auto& test) { return place_of(test.index); });

TEST(RouteReverse, TakesStringsAndIntegers) {
    RouteTable routes;
    routes.add("/u/{user}/o/{order:int}", "order");
    routes.add("/n/{n:uint}", "n");
    routes.add("/", "home");
    EXPECT_EQ(routes.reverse("order", std::string("ann"), 7), "/u/ann/o/7");
    EXPECT_EQ(routes.reverse("order", "ann", std::string_view("-7")), "/u/ann/o/-7");
    EXPECT_EQ(routes.reverse("n", std::numeric_limits<std::uint64_t>::max()), "/n/18446744073709551615");
    EXPECT_EQ(routes.reverse("home"), "/");
}

TEST(RouteReverse, RejectsWhatHasNoPath) {
    RouteTable routes;
    const auto named = [&](std::string_view name) {
        return AllOf(HasSubstr('"' + std::string(name) + '"'), HasSubstr("route \""));
    };
    routes.add("/u/{user}/{n:int}", "braces");
    routes.add("/r/([^/]+)/(\\d+)", "regex");
    EXPECT_THAT(reverse_error(routes, "nobody", {}), HasSubstr("no route has the name \"nobody\""));
    EXPECT_THAT(reverse_error(routes, "braces", {"ann"}), AllOf(named("braces"), HasSubstr("takes 2 values, not 1")));
    EXPECT_THAT(reverse_error(routes, "regex", {"a", "1", "2"}),
                AllOf(named("regex"), HasSubstr("takes 2 values, not 3")));
    EXPECT_THAT(reverse_error(routes, "braces", {"ann", "x"}), AllOf(named("braces"), HasSubstr("\"x\" does not fit")));
    EXPECT_THAT(reverse_error(routes, "braces", {"", "1"}), AllOf(named("braces"), HasSubstr("does not fit")));
    EXPECT_THAT(reverse_error(routes, "regex", {"a", "x"}), AllOf(named("regex"), HasSubstr("does not match")));
    EXPECT_THAT(reverse_error(routes, "braces", {"\xE9", "1"}), AllOf(named("braces"), HasSubstr("not UTF-8")));
}

TEST(RouteReverse, RejectsExpressionsThatAreMoreThanTextAndGroups) {
    for (const std::string pattern :
         {"/a?", "/a|/b", "/((a)b)", "/(?:a)", "/\\d", "/[ab]", "/(a)*", "/a*/(b)", "(?i)/x", "/(a(?:b))", "/a$|b"}) {
        RouteTable routes;
        routes.add(pattern, "it");
        const Values values(pattern.find("((") != std::string::npos                                ? 2
                            : pattern == "/(a)*" || pattern == "/a*/(b)" || pattern == "/(a(?:b))" ? 1
                                                                                                   : 0,
                            "a");
        EXPECT_THAT(reverse_error(routes, "it", values),
                    AllOf(HasSubstr('"' + pattern + '"'), HasSubstr("cannot be reversed")));
    }
}

}  // namespace
}  // namespace caropig::web
