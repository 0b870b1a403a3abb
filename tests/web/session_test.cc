#include "support/web_client.h"
#include "web/session_json.h"
#include <caropig/web/application.h>
#include <caropig/web/session.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using namespace std::chrono_literals;
using support::Answer;
using support::WebClient;
using testing::HasSubstr;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

/// Keeps sessions in memory under "id1", "id2" …, and may be told to fail.
class MemoryStore final : public SessionStore {
public:
    Task<std::optional<SessionRecord>> load(const std::string& cookie, std::int64_t) override {
        fail_if_asked();
        auto found = records.find(cookie);
        if (found == records.end()) co_return std::nullopt;
        co_return found->second;
    }
    Task<std::string> create(const SessionRecord& record) override {
        fail_if_asked();
        std::string cookie = "id" + std::to_string(++made);
        records.emplace(cookie, record);
        co_return cookie;
    }
    Task<std::string> update(const std::string& cookie, const SessionRecord& record) override {
        ++updates;
        if (records.contains(cookie)) records[cookie] = record;
        co_return cookie;
    }
    Task<bool> touch(const std::string& cookie, std::int64_t now) override {
        ++touches;
        records[cookie].used = now;
        co_return true;
    }
    Task<void> remove(const std::string& cookie) override {
        records.erase(cookie);
        co_return;
    }
    Task<std::uint64_t> remove_expired(std::int64_t created, std::int64_t used) override {
        ++clean_ups;
        if (clean_up_fails) throw std::runtime_error("the table is locked");
        co_return std::erase_if(
            records, [&](const auto& each) { return each.second.created <= created || each.second.used <= used; });
    }

    std::map<std::string, SessionRecord> records;
    int made = 0;
    int updates = 0;
    int touches = 0;
    int clean_ups = 0;
    bool clean_up_fails = false;
    bool fails = false;

private:
    void fail_if_asked() const {
        if (fails) throw HttpError(503, "the database is down");
    }
};

/// Shows the session's value of "user", then does what the path says.
Task<Response> act(Request& request, Sessions& sessions, std::string action) {
    Session session = co_await sessions.load(request);
    const boost::json::value* user = session.find("user");
    Response response;
    response.append(user == nullptr ? "nobody" : boost::json::serialize(*user));
    if (action == "login") {
        session.rotate();
        session.set("user", request.query());
    }
    if (action == "set") session.set("user", request.query());
    if (action == "erase") session.erase("user");
    if (action == "big") session.set("big", std::string(4000, 'x'));
    if (action == "logout") session.clear();
    if (action != "look") co_await sessions.save(session, request, response);
    co_return response;
}

class InHandler : public RequestHandler {
public:
    explicit InHandler(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
    Task<void> get() override {
        Session session = co_await sessions_->load(request());
        session.set("user", "handler");
        if (request().query() == "late") co_await flush();
        co_await sessions_->save(session, *this);
    }

private:
    std::shared_ptr<Sessions> sessions_;
};

/// A browser's talk with an application whose sessions are in `store`.
struct Talk {
    explicit Talk(std::shared_ptr<SessionStore> store, SessionOptions options = {}, SecurityOptions security = {})
        : sessions(std::make_shared<Sessions>(std::move(store), std::move(options))) {
        app.security(std::move(security));
        app.get("/{action}",
                [this](Request& request) { return act(request, *sessions, std::string(request.param("action"))); });
        app.add<InHandler>("/in/handler", sessions);
        client.emplace(app, server::ServerOptions().keep_alive_timeout(std::chrono::days(100)));
    }

    Answer get(std::string_view target) {
        Answer answer = client->get(target, cookie.empty() ? "" : "Cookie: " + name + "=" + cookie + "\r\n");
        set = answer.field("Set-Cookie").value_or("");
        if (set.starts_with(name + "=")) {
            cookie = set.substr(name.size() + 1, set.find(';') - name.size() - 1);
        }
        return answer;
    }

    std::shared_ptr<Sessions> sessions;
    Application app;
    std::optional<WebClient> client;
    std::string name = "session";
    std::string cookie;
    std::string set;  // the last answer's Set-Cookie
};

// --- What holds for every store -----------------------------------------------------------------------------------

class EverySession : public testing::TestWithParam<bool> {
protected:
    std::shared_ptr<SessionStore> store() {
        if (GetParam()) return std::make_shared<SignedCookieSessionStore>(CookieSecrets(kSecret));
        return std::make_shared<MemoryStore>();
    }
};

INSTANTIATE_TEST_SUITE_P(Session, EverySession, testing::Bool(),
                         [](const auto& info) { return info.param ? "InTheCookie" : "InAStore"; });

TEST_P(EverySession, RemembersBetweenRequests) {
    Talk talk(store());
    EXPECT_EQ(talk.get("/look").body, "nobody");
    EXPECT_EQ(talk.set, "");
    talk.get("/set?alice");
    EXPECT_THAT(talk.set, testing::EndsWith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax"));
    EXPECT_EQ(talk.get("/look").body, "\"alice\"");
    talk.get("/set?bob");
    EXPECT_EQ(talk.get("/look").body, "\"bob\"");
}

TEST_P(EverySession, WithoutValuesLeavesNoTrace) {
    Talk talk(store());
    talk.get("/save");
    talk.get("/logout");
    EXPECT_EQ(talk.set, "");
}

TEST_P(EverySession, UnchangedIsNotSavedAgain) {
    Talk talk(store());
    talk.get("/set?alice");
    talk.client->loop().advance(59s);
    talk.get("/save");
    EXPECT_EQ(talk.set, "");
}

TEST_P(EverySession, EndsWithALogout) {
    Talk talk(store());
    talk.get("/set?alice");
    EXPECT_EQ(talk.get("/logout").body, "\"alice\"");
    EXPECT_THAT(talk.set, HasSubstr("session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"));
    EXPECT_EQ(talk.get("/look").body, "nobody");
    talk.get("/set?alice");
    talk.get("/erase");
    EXPECT_THAT(talk.set, HasSubstr("Max-Age=0")) << "the last value that is erased takes the session with it";
}

TEST_P(EverySession, EndsWhenItIsNotUsed) {
    Talk talk(store(), SessionOptions().idle_timeout(1h));
    talk.get("/set?alice");
    talk.client->loop().advance(1h - 1s);
    EXPECT_EQ(talk.get("/save").body, "\"alice\"");
    talk.client->loop().advance(1h - 1s);
    EXPECT_EQ(talk.get("/look").body, "\"alice\"") << "it was used in between";
    talk.client->loop().advance(1h);
    EXPECT_EQ(talk.get("/look").body, "nobody");
}

TEST_P(EverySession, EndsWithItsAgeHoweverMuchItIsUsed) {
    Talk talk(store(), SessionOptions().max_age(2h).idle_timeout(1h));
    talk.get("/login?alice");
    EXPECT_THAT(talk.set, HasSubstr("Max-Age=7200"));
    for (int i = 0; i < 3; ++i) {
        talk.client->loop().advance(30min);
        EXPECT_EQ(talk.get("/save").body, "\"alice\"");
    }
    talk.client->loop().advance(30min - 1s);
    EXPECT_EQ(talk.get("/save").body, "\"alice\"");
    talk.client->loop().advance(1s);
    EXPECT_EQ(talk.get("/look").body, "nobody");
}

TEST_P(EverySession, ALoginGivesItAnotherCookieAndItsWholeAge) {
    Talk talk(store(), SessionOptions().max_age(2h));
    talk.get("/set?planted");
    std::string planted = talk.cookie;
    talk.client->loop().advance(1h);
    EXPECT_EQ(talk.get("/login?alice").body, "\"planted\"") << "what lay in the basket stays there";
    EXPECT_NE(talk.cookie, planted);
    EXPECT_THAT(talk.set, HasSubstr("Max-Age=7200"));
    std::string mine = talk.cookie;
    talk.cookie = planted;
    EXPECT_NE(talk.get("/look").body, "\"alice\"");
    talk.cookie = mine;
    talk.client->loop().advance(2h - 1s);
    EXPECT_EQ(talk.get("/look").body, "\"alice\"");
}

TEST_P(EverySession, OfAnUnknownCookieIsNewOne) {
    Talk talk(store());
    for (const char* cookie : {"x", "id0", "2|1:0|"}) {
        talk.cookie = cookie;
        EXPECT_EQ(talk.get("/set?alice").body, "nobody");
        EXPECT_NE(talk.cookie, cookie) << "a cookie that we have not made is never taken over";
    }
}

TEST_P(EverySession, IsSavedFromAHandler) {
    Talk talk(store());
    talk.get("/in/handler");
    EXPECT_EQ(talk.get("/look").body, "\"handler\"");
    EXPECT_FALSE(talk.get("/in/handler?late").complete) << "the head had been sent: the handler failed";
}

TEST_P(EverySession, CookieIsTheApplications) {
    SessionOptions options;
    options.cookie_name("__Host-id").cookie_options(http::CookieOptions().same_site(http::SameSite::kStrict));
    Talk talk(store(), std::move(options), SecurityOptions().secure_cookies(true));
    talk.name = "__Host-id";
    talk.get("/set?alice");
    EXPECT_THAT(talk.set, testing::MatchesRegex("__Host-id=.*; Path=/; Secure; SameSite=Strict"));
    EXPECT_EQ(talk.get("/look").body, "\"alice\"");
}

TEST(SessionValues, AreJsonOrText) {
    Session session;
    session.set("text", "a");
    session.set("view", std::string_view("b"));
    session.set("number", boost::json::value(1));
    EXPECT_EQ(session.get_text("text"), "a");
    EXPECT_EQ(session.get_text("view"), "b");
    EXPECT_EQ(session.get_text("number"), std::nullopt);
    EXPECT_EQ(session.get_text("nothing"), std::nullopt);
    EXPECT_EQ(*session.find("number"), 1);
    EXPECT_EQ(session.find("nothing"), nullptr);
    session.clear();
    EXPECT_TRUE(session.empty());
}

TEST(SessionValues, AreWrittenInAsciiWhereCharacterSetsMatter) {
    boost::json::value value(std::string_view("a\n\x7f\"é߿ࠀ大￿😀\U0010ffff"));
    std::string ascii = ascii_session_json(value);
    EXPECT_EQ(ascii, "\"a\\n\x7f\\\"\\u00e9\\u07ff\\u0800\\u5927\\uffff\\ud83d\\ude00\\udbff\\udfff\"");
    EXPECT_EQ(boost::json::parse(ascii), value);
    EXPECT_EQ(boost::json::parse(session_json(value)), value);
    EXPECT_THROW(static_cast<void>(session_json(boost::json::value(std::string_view("\xff")))), std::invalid_argument);
}

// --- In a store ---------------------------------------------------------------------------------------------------

TEST(StoredSession, ALoginRemovesTheOldOne) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store);
    talk.get("/set?planted");
    talk.get("/login?alice");
    EXPECT_EQ(store->records.size(), 1u);
    EXPECT_TRUE(store->records.contains(talk.cookie));
    talk.get("/logout");
    EXPECT_TRUE(store->records.empty());
}

TEST(StoredSession, UseIsNotedOnceAMinute) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store);
    talk.get("/set?alice");
    talk.client->loop().advance(59s);
    talk.get("/look");
    EXPECT_EQ(store->touches, 0);
    talk.client->loop().advance(1s);
    talk.get("/save");
    talk.get("/look");
    EXPECT_EQ(store->touches, 1);
    EXPECT_EQ(store->updates, 0) << "what was noted by load() is not written again by save()";
}

TEST(StoredSession, AnExpiredOneIsRemoved) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store, SessionOptions().idle_timeout(1h));
    talk.get("/set?alice");
    talk.client->loop().advance(1h);
    talk.get("/look");
    EXPECT_TRUE(store->records.empty());
}

TEST(StoredSession, OneRemovedMeanwhileIsNotBroughtBack) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store);
    talk.get("/set?alice");
    store->records.clear();
    EXPECT_EQ(talk.get("/look").body, "nobody");
}

TEST(StoredSession, ExpiredOnesAreRemovedByThoseWhoCome) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store, SessionOptions().idle_timeout(5min));
    talk.get("/set?alice");
    EXPECT_EQ(store->clean_ups, 1);
    for (int i = 0; i < 3; ++i) {
        talk.cookie.clear();
        talk.get("/set?bob");
    }
    EXPECT_EQ(store->clean_ups, 1) << "not more often than each ten minutes";
    EXPECT_EQ(store->records.size(), 4u);
    talk.client->loop().advance(10min);
    talk.cookie.clear();
    talk.get("/set?carol");
    EXPECT_EQ(store->clean_ups, 2);
    EXPECT_EQ(store->records.size(), 1u);
}

TEST(StoredSession, ACleanUpThatFailsFailsNobodysLogin) {
    auto store = std::make_shared<MemoryStore>();
    store->clean_up_fails = true;
    Talk talk(store);
    EXPECT_EQ(talk.get("/login?alice").status, 200);
    EXPECT_THAT(talk.client->log("general"), testing::ElementsAre(HasSubstr("the table is locked")));
}

TEST(StoredSession, AStoreThatFailsIsTheAnswer) {
    auto store = std::make_shared<MemoryStore>();
    Talk talk(store);
    talk.get("/set?alice");
    store->fails = true;
    EXPECT_EQ(talk.get("/look").status, 503);
    talk.cookie.clear();
    EXPECT_EQ(talk.get("/look").status, 200) << "without a cookie nobody asks the store";
    EXPECT_EQ(talk.get("/set?alice").status, 503);
    EXPECT_EQ(talk.set, "");
}

// --- In the cookie ------------------------------------------------------------------------------------------------

TEST(CookieSession, HasItsLimit) {
    Talk talk(std::make_shared<SignedCookieSessionStore>(CookieSecrets(kSecret)));
    EXPECT_EQ(talk.get("/big").status, 500);
    EXPECT_THAT(talk.client->log("application"), testing::ElementsAre(HasSubstr("keep it in a database")));
    auto size_of = [](std::size_t size) {
        SignedCookieSessionStore store{CookieSecrets(kSecret)};
        SessionRecord record;
        record.values["a"] = std::string(size, 'x');
        testkit::TestLoop loop;
        return loop.run_until(store.create(record)).size();
    };
    std::size_t largest = 0;
    auto grow = [&] {
        for (std::size_t size = 2500; size < 4000; ++size) largest = size_of(size);
    };
    EXPECT_THROW(grow(), LimitError);
    EXPECT_GT(largest, 4000u - 4) << "base64 grows by four";
    EXPECT_LE(largest, 4000u);
}

TEST(CookieSession, IsNoOtherSignedCookie) {
    CookieSecrets secrets(kSecret);
    SignedCookieSessionStore store{secrets};
    testkit::TestLoop loop;
    std::int64_t now = loop.unix_seconds();
    auto load = [&](std::string_view name, std::string_view text) {
        std::string cookie = create_signed_value(secrets, name, text, now);
        return loop.run_until(store.load(cookie, now)).has_value();
    };
    EXPECT_TRUE(load("caropig.session", R"({"created":1,"used":2,"values":{}})"));
    EXPECT_FALSE(load("session", R"({"created":1,"used":2,"values":{}})"));
    for (const char* text : {"", "1", "{}", R"({"created":1,"used":2})", R"({"created":"1","used":2,"values":{}})",
                             R"({"created":1,"used":null,"values":{}})", R"({"created":1,"used":2,"values":[]})"}) {
        EXPECT_FALSE(load("caropig.session", text)) << text;
    }
}

}  // namespace
}  // namespace caropig::web
