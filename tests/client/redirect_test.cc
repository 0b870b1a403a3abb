#include "client/redirect.h"

#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

http::Headers to(std::string_view location) {
    http::Headers fields;
    fields.add("Location", location);
    return fields;
}

std::string url_of(const FetchRequest& request) { return request.url().origin() + request.url().target(); }

FetchRequest post() {
    FetchRequest request("http://a.example/form");
    request.method("POST").body("x=1").header("Content-Type", "application/x-www-form-urlencoded").header("X", "y");
    return request;
}

TEST(Redirect, FollowsTheFiveStatuses) {
    for (int status = 200; status < 600; ++status) {
        FetchRequest request("http://a.example/b/c");
        const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        EXPECT_EQ(follow_redirect(request, status, to("../d?e"), 0), redirects) << status;
        EXPECT_EQ(url_of(request), redirects ? "http://a.example/d?e" : "http://a.example/b/c");
    }
}

TEST(Redirect, NeedsALocation) {
    FetchRequest request("http://a.example/");
    EXPECT_EQ(follow_redirect(request, 302, {}, 0), false);
}

TEST(Redirect, EndsAtTheLimit) {
    FetchRequest request("http://a.example/");
    EXPECT_EQ(follow_redirect(request, 302, to("/4"), 4), true);
    EXPECT_EQ(follow_redirect(request, 302, to("/5"), 5), false);
    EXPECT_EQ(url_of(request), "http://a.example/4");
    request.max_redirects(0);
    EXPECT_EQ(follow_redirect(request, 302, to("/5"), 0), false);
}

TEST(Redirect, MakesAGetOfSomeMethods) {
    struct Row {
        const char* method;
        int status;
        const char* next;
    };
    for (const Row& row : {Row{"POST", 301, "GET"},
                           {"POST", 302, "GET"},
                           {"POST", 303, "GET"},
                           {"POST", 307, "POST"},
                           {"POST", 308, "POST"},
                           {"PUT", 301, "PUT"},
                           {"PUT", 302, "PUT"},
                           {"PUT", 303, "GET"},
                           {"DELETE", 303, "GET"},
                           {"HEAD", 301, "HEAD"},
                           {"HEAD", 303, "HEAD"},
                           {"GET", 308, "GET"}}) {
        FetchRequest request = post();
        request.method(row.method);
        EXPECT_EQ(follow_redirect(request, row.status, to("/"), 0), true);
        EXPECT_EQ(request.method(), row.next) << row.method << ' ' << row.status;
        const bool emptied = std::string_view(row.next) == "GET" && std::string_view(row.method) != "GET";
        EXPECT_EQ(request.body(), emptied ? "" : "x=1") << row.method << ' ' << row.status;
        EXPECT_EQ(request.headers().find("Content-Type").has_value(), !emptied);
        EXPECT_EQ(request.headers().find("X"), "y");
    }
}

TEST(Redirect, DoesNotRepeatAProducedBody) {
    FetchRequest request = post();
    request.body({}).body_from([](RequestBody&) -> Task<void> { co_return; });
    EXPECT_EQ(follow_redirect(request, 307, to("/"), 0), false);
    EXPECT_EQ(follow_redirect(request, 303, to("/"), 0), true);
    EXPECT_FALSE(request.producer());
}

TEST(Redirect, LeavesCredentialsWithTheirOrigin) {
    struct Row {
        const char* location;
        bool keeps;
    };
    for (const Row& row : {Row{"/x", true},
                           {"http://a.example:80/", true},
                           {"http://A.EXAMPLE/", true},
                           {"https://a.example/", false},
                           {"http://a.example:81/", false},
                           {"http://b.a.example/", false},
                           {"//evil.example/", false}}) {
        FetchRequest request("http://a.example/");
        for (const char* name : {"Authorization", "cookie", "Proxy-Authorization", "Host", "Accept"}) {
            request.header(name, "v");
        }
        EXPECT_EQ(follow_redirect(request, 307, to(row.location), 0), true);
        for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
            EXPECT_EQ(request.headers().find(name).has_value(), row.keeps) << row.location << ' ' << name;
        }
        EXPECT_TRUE(request.headers().find("Accept"));
    }
}

TEST(Redirect, RefusesToGoFromHttpsToHttp) {
    FetchRequest request("https://a.example/");
    const Result<bool, std::string> refused = follow_redirect(request, 301, to("http://a.example/b"), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), "the redirect leads from https to http");
    EXPECT_EQ(url_of(request), "https://a.example/");
    EXPECT_EQ(follow_redirect(request.allow_downgrade(), 301, to("http://a.example/b"), 0), true);
    EXPECT_EQ(url_of(request), "http://a.example/b");
}

TEST(Redirect, InheritsTheFragment) {
    FetchRequest request("http://a.example/#top");
    EXPECT_EQ(follow_redirect(request, 301, to("/b"), 0), true);
    EXPECT_EQ(request.url().fragment, "top");
    EXPECT_EQ(follow_redirect(request, 301, to("/b#end"), 0), true);
    EXPECT_EQ(request.url().fragment, "end");
}

TEST(Redirect, RefusesABadLocationAndChangesNothing) {
    for (const char* location :
         {"ftp://a/", "http://", "/a b", "http://user:pw@a.example/", "javascript:1", "http:a"}) {
        FetchRequest request = post();
        EXPECT_FALSE(follow_redirect(request, 303, to(location), 0)) << location;
        EXPECT_EQ(request.method(), "POST");
        EXPECT_EQ(request.body(), "x=1");
        EXPECT_EQ(url_of(request), "http://a.example/form");
    }
    FetchRequest request = post();
    http::Headers two = to("/a");
    two.add("location", "/b");
    EXPECT_FALSE(follow_redirect(request, 303, two, 0));
    http::Headers same = to("/a");
    same.add("location", "/a");
    EXPECT_EQ(follow_redirect(request, 303, same, 0), true);
}

}  // namespace
}  // namespace caropig::client
