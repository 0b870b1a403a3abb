#include <caropig/http/negotiation.h>

#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Preference> read(std::string_view field) {
    PreferenceList list(field);
    return {list.begin(), list.end()};
}

TEST(PreferenceList, ReadsValuesAndWeights) {
    EXPECT_THAT(read("gzip"), ElementsAre(Preference{"gzip", 1000}));
    EXPECT_THAT(read("gzip;q=0.5, br , *;q=0"),
                ElementsAre(Preference{"gzip", 500}, Preference{"br", 1000}, Preference{"*", 0}));
    EXPECT_THAT(read("text/html;level=1;q=0.123,text/*;Q=1.000"),
                ElementsAre(Preference{"text/html", 123}, Preference{"text/*", 1000}));
    EXPECT_THAT(read("a \t;\t q=0.1 "), ElementsAre(Preference{"a", 100}));
    EXPECT_THAT(read("a;x=\"1,2;q=0\";q=0.2"), ElementsAre(Preference{"a", 200}))
        << "quoted separators separate nothing";
    EXPECT_THAT(read(""), IsEmpty());
    EXPECT_THAT(read(" , ,"), IsEmpty());
}

TEST(PreferenceList, WeightsHaveAtMostThreeDigitsAndAreAtMostOne) {
    for (std::string_view good : {"0", "1", "0.", "1.", "0.0", "0.001", "0.999", "1.0", "1.000"}) {
        EXPECT_EQ(read("x;q=" + std::string(good)).size(), 1u) << good;
    }
    for (std::string_view bad : {"", "2", "1.1", "1.001", "0.1234", "-1", ".5", "0.x", "00", "1e0", "0 .5", "inf"}) {
        const std::string field = "gzip, x;q=" + std::string(bad);
        std::vector<Preference> list = read(field);
        ASSERT_FALSE(list.empty()) << bad;
        EXPECT_EQ(list[0], (Preference{"gzip", 1000})) << "a mistake costs that element only";
        for (const Preference& each : list) EXPECT_NE(each.value, "x") << bad;
    }
}

TEST(PreferenceList, ElementsThatAreNoTokenAreLeftOut) {
    EXPECT_THAT(read("gz ip, @, \"br\", a/b/c, /, a/, br"), ElementsAre(Preference{"br", 1000}));
    EXPECT_THAT(read("\"never closed, gzip"), IsEmpty());
}

TEST(PreferenceList, LooksAtALimitedNumber) {
    std::string field;
    for (std::size_t i = 1; i < PreferenceList::kMaxItems; ++i) field += i % 2 == 0 ? "a," : "@,";
    const std::string just = field + "last";
    const std::string more = "a," + just;
    EXPECT_TRUE(PreferenceList(just).weight("last"));
    EXPECT_FALSE(PreferenceList(more).weight("last")) << "those left out count too";
    EXPECT_EQ(read(std::string(100'000, ',')).size(), 0u);
}

TEST(PreferenceList, JoinsFieldsOfTheSameName) {
    std::array<HeaderView, 3> fields{{{"Accept-Encoding", "gzip"}, {"Accept", "x"}, {"accept-encoding", "br;q=0.1"}}};
    PreferenceList list(HeadersView(fields), "Accept-Encoding");
    EXPECT_EQ(list.size(), 2u);
    EXPECT_EQ(list.weight("br"), 100u);
}

TEST(PreferenceList, AValueOfItsOwnGoesBeforeTheStar) {
    PreferenceList list("*;q=0.3, GZIP;q=0");
    EXPECT_EQ(list.weight("gzip"), 0u);
    EXPECT_EQ(list.weight("br"), 300u);
    EXPECT_EQ(PreferenceList("gzip").weight("br"), std::nullopt);
}

TEST(ContentCoding, Names) {
    for (ContentCoding coding :
         {ContentCoding::kIdentity, ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd}) {
        EXPECT_EQ(parse_content_coding(to_string(coding)), coding);
    }
    EXPECT_EQ(parse_content_coding("X-GZip"), ContentCoding::kGzip);
    EXPECT_EQ(parse_content_coding("deflate"), std::nullopt);
    EXPECT_EQ(parse_content_coding(""), std::nullopt);
}

TEST(ContentCoding, Choice) {
    constexpr ContentCoding kAll[] = {ContentCoding::kBrotli, ContentCoding::kZstd, ContentCoding::kGzip};
    struct Row {
        std::string_view accepted;
        ContentCoding best;
    };
    constexpr Row kRows[] = {
        {"", ContentCoding::kIdentity},
        {"gzip", ContentCoding::kGzip},
        {"x-gzip", ContentCoding::kGzip},
        {"gzip;q=0, x-gzip", ContentCoding::kGzip},
        {"gzip, deflate, br, zstd", ContentCoding::kBrotli},
        {"gzip, deflate, zstd", ContentCoding::kZstd},
        {"gzip, br;q=0.9", ContentCoding::kGzip},
        {"br;q=0, gzip;q=0.001", ContentCoding::kGzip},
        {"br;q=0, gzip;q=0", ContentCoding::kIdentity},
        {"br;q=0, zstd;q=0, gzip;q=0, *", ContentCoding::kIdentity},
        {"*", ContentCoding::kBrotli},
        {"*, br;q=0", ContentCoding::kZstd},
        {"*;q=0", ContentCoding::kIdentity},
        {"*;q=0, gzip", ContentCoding::kGzip},
        {"identity", ContentCoding::kIdentity},
        {"identity;q=0", ContentCoding::kIdentity},
        {"identity;q=0, gzip;q=0.1", ContentCoding::kGzip},
        {"identity, gzip;q=0.5", ContentCoding::kIdentity},
        {"identity;q=0.5, gzip;q=0.5", ContentCoding::kGzip},
        {"deflate, compress", ContentCoding::kIdentity},
        {"gzip;q=nonsense", ContentCoding::kIdentity},
    };
    for (const Row& row : kRows) EXPECT_EQ(choose_coding(PreferenceList(row.accepted), kAll), row.best) << row.accepted;
    EXPECT_EQ(choose_coding(PreferenceList("br, gzip"), {}), ContentCoding::kIdentity);
    constexpr ContentCoding kGzipOnly[] = {ContentCoding::kGzip};
    EXPECT_EQ(choose_coding(PreferenceList("br, gzip;q=0.1"), kGzipOnly), ContentCoding::kGzip);
}

}  // namespace
}  // namespace caropig::http
