#include "http/challenge.h"

#include <string>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

/// "scheme{token68}(name=value;…)" of each.
std::string told(std::string_view field) {
    std::string out;
    for (const Challenge& challenge : parse_challenges(field)) {
        out += challenge.scheme;
        if (!challenge.token68.empty()) out += '{' + challenge.token68 + '}';
        if (challenge.parameters.empty()) continue;
        out += '(';
        for (const auto& [name, value] : challenge.parameters) out += name + '=' + value + ';';
        out += ')';
    }
    return out;
}

TEST(Challenges, AreToldApart) {
    EXPECT_EQ(told("Basic realm=\"a\""), "basic(realm=a;)");
    EXPECT_EQ(told("Basic realm = \"a, b\" , Charset=UTF-8"), "basic(realm=a, b;charset=UTF-8;)");
    EXPECT_EQ(told(R"(Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple")"),
              "newauth(realm=apps;type=1;title=Login to \"apps\";)basic(realm=simple;)");
    EXPECT_EQ(told("Negotiate"), "negotiate");
    EXPECT_EQ(told("Negotiate abc/+==, Basic realm=x"), "negotiate{abc/+==}basic(realm=x;)");
    EXPECT_EQ(told("Negotiate, NTLM , ,Digest nonce=\"\""), "negotiatentlmdigest(nonce=;)");
    EXPECT_EQ(told(" , Basic"), "basic");
    EXPECT_EQ(told("Basic a=b, c=d,e=f"), "basic(a=b;c=d;e=f;)");
    EXPECT_EQ(told("Digest realm="), "digest{realm=}");  // as the grammar has it
    EXPECT_EQ(told(""), "");
}

TEST(Challenges, EndWhereTheyMakeNoSense) {
    for (const char* rest : {"Digest realm=\"x", "Digest realm=, a=b", "Digest realm=\"x\" y", "Digest a=b c=d",
                             "Digest a=b\\", "Negotiate a==, b=c"}) {
        EXPECT_EQ(told(std::string("Basic realm=x, ") + rest), "basic(realm=x;)") << rest;
    }
    EXPECT_EQ(told("realm=x"), "");
    EXPECT_EQ(told("\"Basic\" realm=x"), "");
    EXPECT_EQ(told("Basic realm=\"\x01\""), "");
    std::string many = "Basic a=1";
    for (int i = 0; i < 63; ++i) many += ",a=1";
    EXPECT_EQ(parse_challenges(many)[0].parameters.size(), 64u);
    EXPECT_TRUE(parse_challenges(many + ",a=1").empty());
}

}  // namespace
}  // namespace caropig::http
