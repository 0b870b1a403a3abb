// The table of sessions on MariaDB and PostgreSQL, as database_session_store_test.cc has it on SQLite.

#include "support/mariadb_server.h"
#include "support/postgres_server.h"
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>
#include <caropig/web/database_session_store.h>

#include <memory>
#include <optional>
#include <string>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

/// Goes through a session's life.
void live(const std::string& url) {
    Loop loop;
    db::Database database(url);
    DatabaseSessionStore store(database);
    loop.run_until(create_session_table(database));
    loop.run_until(create_session_table(database));

    SessionRecord record;
    record.values["text"] = "ö 大 \"quoted\"\n😀";
    record.values["size"] = std::string(50'000, 'x');
    record.created = 1'800'000'000;
    record.used = 5'000'000'000;  // more than 32 bits
    std::string cookie = loop.run_until(store.create(record));
    std::string other = loop.run_until(store.create(record));
    auto load = [&](const std::string& text) { return loop.run_until(store.load(text, 0)); };
    ASSERT_TRUE(load(cookie));
    EXPECT_EQ(load(cookie)->values, record.values);
    EXPECT_EQ(load(cookie)->created, record.created);
    EXPECT_EQ(load(cookie)->used, record.used);

    record.values["text"] = "changed";
    EXPECT_EQ(loop.run_until(store.update(cookie, record)), cookie);
    EXPECT_TRUE(loop.run_until(store.touch(cookie, 1)));
    EXPECT_EQ(load(cookie)->values, record.values);
    EXPECT_EQ(load(cookie)->used, 1);
    EXPECT_EQ(loop.run_until(store.remove_expired(0, 1)), 1u);
    EXPECT_FALSE(load(cookie));
    EXPECT_TRUE(load(other));
    loop.run_until(store.remove(other));
    EXPECT_FALSE(load(other));
}

TEST(Sessions, InMariadb) {
    support::MariadbServer server;
    live("mysql://root@127.0.0.1:" + std::to_string(server.port()) + "/test");
}

TEST(Sessions, InPostgres) {
    support::PostgresServer server;
    live(server.url());
}

}  // namespace
}  // namespace caropig::web
