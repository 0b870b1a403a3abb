#include <caropig/http/content_disposition.h>
#include <caropig/http/header_value.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

/// `value name=[parameter] …`, or the error.
std::string shown(std::string_view text) {
    auto parsed = parse_parameterized(text);
    if (!parsed) return "error: " + parsed.error();
    std::string out = parsed->value;
    for (const auto& [name, value] : parsed->parameters)
        out.append(" ").append(name).append("=[").append(value).append("]");
    return out;
}

TEST(ParameterizedValue, TakesWhatRfc9110Allows) {
    EXPECT_EQ(shown("text/html"), "text/html");
    EXPECT_EQ(shown("Text/HTML ; Charset=UTF-8"), "text/html charset=[UTF-8]");
    EXPECT_EQ(shown("a;b=c;d=\"e\""), "a b=[c] d=[e]");
    EXPECT_EQ(shown("a\t;\tb=c "), "a b=[c]");
    EXPECT_EQ(shown("a;; ;b=c;"), "a b=[c]") << "empty parameters";
    EXPECT_EQ(shown("a;b=\"\""), "a b=[]");
    EXPECT_EQ(shown("a;b=\"c;d=e\";f=g"), "a b=[c;d=e] f=[g]") << "a semicolon in quotes separates nothing";
    EXPECT_EQ(shown(R"(a;b="c\"d\\e")"), R"(a b=[c"d\e])");
    EXPECT_EQ(shown(R"(a;b="C:\new\x")"), R"(a b=[C:\new\x])") << "as browsers mean it";
    EXPECT_EQ(shown("a;b=\"\xc3\xa4\""), "a b=[\xc3\xa4]");
    EXPECT_EQ(shown("a;b*=c"), "a b*=[c]");
}

TEST(ParameterizedValue, RefusesTheRest) {
    for (const char* text :
         {"", ";", ";b=c", "a b;c=d", "a;b", "a;b=", "a;=c", "a;b =c", "a;b= c", "a;b=c d=e", "a;b=\"c", "a;b=\"c\\\"",
          "a;b=\"c\"d", "a;b=c;B=d", "a;b=\"c\rd\"", "a;b=\"\x7f\"", "a;b=\xc3\xa4", "\"a\";b=c", "a,b;c=d"}) {
        EXPECT_TRUE(shown(text).starts_with("error: ")) << text;
    }
    EXPECT_TRUE(shown(std::string_view("a;b=\"\0\"", 7)).starts_with("error: "));
}

TEST(ParameterizedValue, HasAtMost32Parameters) {
    std::string text = "a";
    for (int i = 0; i < 32; ++i) text += ";p" + std::to_string(i) + "=x";
    EXPECT_TRUE(shown(text).ends_with("p31=[x]"));
    EXPECT_EQ(shown(text + ";p32=x"), "error: too many parameters");
}

TEST(ContentType, HasTypeCharsetAndBoundary) {
    const auto type = parse_content_type("Multipart/Form-Data; charset=\"UTF-8\"; boundary=\"a B\"; x=y");
    ASSERT_TRUE(type);
    EXPECT_EQ(type->type, "multipart/form-data");
    EXPECT_EQ(type->charset, "utf-8");
    EXPECT_EQ(type->boundary, "a B");
    EXPECT_EQ(parse_content_type("text/plain")->charset, "");
    for (const char* text : {"", "text", "text/", "/plain", "a/b/c", "text/plain; a", "text/plain, text/html"}) {
        EXPECT_FALSE(parse_content_type(text)) << text;
    }
}

TEST(ContentType, MediaTypeIsComparedWithoutItsParameters) {
    EXPECT_TRUE(has_media_type("text/html", "text/html"));
    EXPECT_TRUE(has_media_type(" Text/HTML \t; broken", "text/html"));
    EXPECT_FALSE(has_media_type("text/html5", "text/html"));
    EXPECT_FALSE(has_media_type("", "text/html"));
    EXPECT_FALSE(has_media_type(";text/html", "text/html"));
}

/// `name|file name` of a form's part, "-" where there is none.
std::string names(std::string_view parameters, std::string_view type = "form-data") {
    const auto parsed = parse_content_disposition(std::string(type) + "; " + std::string(parameters));
    if (!parsed) return "error";
    return parsed->name.value_or("-") + "|" + parsed->file_name.value_or("-");
}

TEST(ContentDisposition, HasNameAndFileName) {
    EXPECT_EQ(names("name=a"), "a|-");
    EXPECT_EQ(names("name=\"a\"; filename=\"b c\""), "a|b c");
    EXPECT_EQ(names("filename=\"\"; name=a"), "a|");
    EXPECT_EQ(names(R"(name=a; filename="C:\docs\a\"b.txt")"), R"(a|C:\docs\a"b.txt)");
    EXPECT_EQ(names("name=a; filename=\"\xff\""), "error");
    EXPECT_EQ(names("name=\"\xc0\xaf\""), "error");
    EXPECT_EQ(names("name=a; filename=b; filename=c"), "error");
    EXPECT_EQ(parse_content_disposition("Attachment; filename=x")->type, "attachment");
}

TEST(ContentDisposition, ExtendedFileNameComesFirst) {
    EXPECT_EQ(names("name=a; filename=b; filename*=UTF-8''%e2%82%ac"), "a|€");
    EXPECT_EQ(names("name=a; filename*=utf-8'en'%e2%82%ac; filename=b"), "a|€");
    EXPECT_EQ(names("name=a; filename*=\"UTF-8''x%20y\""), "a|x y") << "quoted, as some send it";
    EXPECT_EQ(names("name=a; filename*=ISO-8859-1''%a3%20%41"), "a|£ A");
    for (const char* bad : {"UTF-8''%ff", "UTF-8''%e", "UTF-16''a", "UTF-8'a", "a", "''a"}) {
        EXPECT_EQ(names("name=a; filename=b; filename*=" + std::string(bad)), "a|b") << bad << " is ignored";
        EXPECT_EQ(names("name=a; filename*=" + std::string(bad)), "a|-") << bad;
    }
}

TEST(ContentDisposition, BrowsersEscapesAreUndoneInForms) {
    EXPECT_EQ(names("name=\"%22a%0D%0ab\"; filename=\"%22\""), "\"a\r\nb|\"");
    EXPECT_EQ(names("name=\"100%25%2522%\"; filename=\"%2\""), "100%25%2522%|%2") << "nothing else is";
    EXPECT_EQ(names("filename=\"%22\"", "attachment"), "-|%22") << "downloads have filename* for that";
}

TEST(ContentDisposition, IsWrittenSoThatEveryBrowserReadsIt) {
    EXPECT_EQ(format_content_disposition("attachment", "a b.txt"), "attachment; filename=\"a b.txt\"");
    EXPECT_EQ(format_content_disposition("inline", ""), "inline");
    EXPECT_EQ(format_content_disposition("attachment", "naïve €.txt"),
              "attachment; filename=\"na_ve _.txt\"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.txt");
    EXPECT_EQ(format_content_disposition("attachment", "a\"b"), "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b");
    EXPECT_EQ(format_content_disposition("attachment", "100%41"),
              "attachment; filename=\"100_41\"; filename*=UTF-8''100%2541");
    EXPECT_EQ(format_content_disposition("attachment", "100%"), "attachment; filename=\"100%\"");
    EXPECT_EQ(format_content_disposition("attachment", "../a\\b\r\nX: y\x7f"),
              "attachment; filename=\".._a_b__X: y_\"");
    EXPECT_EQ(format_content_disposition("attachment", "\xff.txt"), "attachment; filename=\"_.txt\"");
}

TEST(ContentDisposition, WhatIsWrittenIsReadAgain) {
    for (const char* name : {"a", "a b.txt", "naïve €.txt", "a\"b", "100%41", "成功.html", "%22", "a;b=\"c"}) {
        const auto parsed = parse_content_disposition(format_content_disposition("attachment", name));
        ASSERT_TRUE(parsed) << name;
        EXPECT_EQ(parsed->file_name, name);
    }
}

TEST(ContentDispositionDeathTest, TypeIsAToken) { EXPECT_DEATH((void)format_content_disposition("a;b", "x"), "token"); }

TEST(SafeFileName, IsANameInAFolderOrEmpty) {
    for (const auto& [sent, safe] : std::vector<std::pair<std::string, std::string>>{
             {"a.txt", "a.txt"},
             {"/etc/passwd", "passwd"},
             {"..\\..\\boot.ini", "boot.ini"},
             {"C:\\docs\\a/b", "b"},
             {"..", ""},
             {".", ""},
             {"../", ""},
             {"", ""},
             {" . . ", ""},
             {".profile", ".profile"},
             {" a. ", "a"},
             {"a\r\n\tb\x7f", "ab"},
             {std::string("a\0b", 3), "ab"},
             {"成功.html", "成功.html"},
         }) {
        EXPECT_EQ(safe_file_name(sent), safe) << sent;
    }
}

TEST(SafeFileName, IsCutOffBetweenCharacters) {
    EXPECT_EQ(safe_file_name(std::string(255, 'a')), std::string(255, 'a'));
    EXPECT_EQ(safe_file_name(std::string(256, 'a')), std::string(255, 'a'));
    EXPECT_EQ(safe_file_name(std::string(254, 'a') + "ä"), std::string(254, 'a'));
    EXPECT_EQ(safe_file_name(std::string(253, 'a') + "ä"), std::string(253, 'a') + "ä");
}

}  // namespace
}  // namespace caropig::http
