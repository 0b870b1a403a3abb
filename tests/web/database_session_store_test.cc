#include "db/temporary_folder.h"
#include "web/crypto.h"
#include <caropig/base/error.h>
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>
#include <caropig/web/database_session_store.h>

#include <optional>
#include <string>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

class DatabaseSessions : public testing::Test {
protected:
    DatabaseSessions() { loop_.run_until(create_session_table(database_)); }

    static SessionRecord record(std::string text, std::int64_t created = 1000, std::int64_t used = 2000) {
        SessionRecord made;
        made.values["text"] = std::move(text);
        made.created = created;
        made.used = used;
        return made;
    }
    std::optional<SessionRecord> load(const std::string& cookie) { return loop_.run_until(store_.load(cookie, 2000)); }
    std::string create(const SessionRecord& record) { return loop_.run_until(store_.create(record)); }
    std::int64_t rows() {
        db::Rows all = loop_.run_until(database_.query("SELECT COUNT(*) FROM caropig_sessions"));
        return all[0].get<std::int64_t>(0);
    }

    db::TemporaryFolder folder_;
    Loop loop_;
    db::Database database_{"sqlite:" + folder_.file("sessions.db")};
    DatabaseSessionStore store_{database_};
};

TEST_F(DatabaseSessions, AreKept) {
    SessionRecord kept = record("ö \"quoted\"\n\x01");
    kept.values["number"] = 9007199254740993;
    kept.values["nested"] = {1, nullptr, true};
    std::string cookie = create(kept);
    auto loaded = load(cookie);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->values, kept.values);
    EXPECT_EQ(loaded->created, 1000);
    EXPECT_EQ(loaded->used, 2000);
}

TEST_F(DatabaseSessions, CookiesAreRandomAndTheTableHasTheirHashesOnly) {
    std::string cookie = create(record("a"));
    EXPECT_EQ(cookie.size(), 64u) << "256 bits";
    EXPECT_NE(create(record("a")), cookie);
    db::Rows all = loop_.run_until(database_.query("SELECT id FROM caropig_sessions"));
    ASSERT_EQ(all.size(), 2u);
    std::string digest = crypto::sha256(cookie);
    EXPECT_TRUE(all[0].get<std::string>("id") == digest || all[1].get<std::string>("id") == digest);
    EXPECT_FALSE(load(digest)) << "who reads the table has no session by that";
}

TEST_F(DatabaseSessions, AreUpdatedTouchedAndRemoved) {
    std::string cookie = create(record("a"));
    std::string other = create(record("other"));
    EXPECT_EQ(loop_.run_until(store_.update(cookie, record("b", 1, 3000))), cookie);
    EXPECT_EQ(load(cookie)->values.at("text"), "b");
    EXPECT_EQ(load(cookie)->created, 1000) << "the age is not changed";
    EXPECT_EQ(load(cookie)->used, 3000);
    EXPECT_TRUE(loop_.run_until(store_.touch(cookie, 4000)));
    EXPECT_EQ(load(cookie)->used, 4000);
    loop_.run_until(store_.remove(cookie));
    EXPECT_FALSE(load(cookie));
    loop_.run_until(store_.update(cookie, record("back")));
    EXPECT_FALSE(load(cookie)) << "what a logout removed stays removed";
    EXPECT_EQ(load(other)->values.at("text"), "other");
}

TEST_F(DatabaseSessions, ExpiredOnesAreRemoved) {
    std::string old = create(record("old", 1000, 5000));
    std::string idle = create(record("idle", 5000, 1000));
    std::string young = create(record("young", 1001, 1001));
    EXPECT_EQ(loop_.run_until(store_.remove_expired(1000, 1000)), 2u);
    EXPECT_FALSE(load(old));
    EXPECT_FALSE(load(idle));
    EXPECT_TRUE(load(young));
}

TEST_F(DatabaseSessions, AnyOtherTextIsNone) {
    std::string cookie = create(record("a"));
    for (const std::string& text : {std::string(), std::string("x"), cookie.substr(1), cookie + "0",
                                    std::string(64, 'x'), std::string("' OR 1=1 --"), std::string(64, '0')}) {
        EXPECT_FALSE(load(text)) << text;
        loop_.run_until(store_.remove(text));
    }
    EXPECT_EQ(rows(), 1);
    loop_.run_until(database_.execute("UPDATE caropig_sessions SET data = ?", "no JSON"));
    EXPECT_FALSE(load(cookie));
    loop_.run_until(database_.execute("UPDATE caropig_sessions SET data = ?", "[]"));
    EXPECT_FALSE(load(cookie));
}

TEST_F(DatabaseSessions, HaveALimit) {
    std::string largest(60'000 - std::string(R"({"text":""})").size(), 'x');
    std::string cookie = create(record(largest));
    EXPECT_EQ(load(cookie)->values.at("text"), boost::json::value(largest));
    EXPECT_THROW(create(record(largest + "x")), LimitError);
    EXPECT_THROW(loop_.run_until(store_.update(cookie, record(largest + "x"))), LimitError);
    EXPECT_EQ(rows(), 1);
}

TEST_F(DatabaseSessions, TheTableIsMadeOnce) {
    std::string cookie = create(record("a"));
    loop_.run_until(create_session_table(database_));
    EXPECT_TRUE(load(cookie));
}

}  // namespace
}  // namespace caropig::web
