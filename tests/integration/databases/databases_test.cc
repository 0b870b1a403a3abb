#include "db/temporary_folder.h"
#include "support/mariadb_server.h"
#include "support/postgres_server.h"
#include <caropig/async/when_all.h>
#include <caropig/db/database.h>
#include <caropig/db/described.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/loop/with_timeout.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<support::MariadbServer> mariadb;
std::unique_ptr<support::PostgresServer> postgres;
std::unique_ptr<TemporaryFolder> folder;

class Servers : public testing::Environment {
public:
    void SetUp() override {
        folder = std::make_unique<TemporaryFolder>();
        mariadb = std::make_unique<support::MariadbServer>();
        postgres = std::make_unique<support::PostgresServer>();
    }
    void TearDown() override {
        postgres.reset();
        mariadb.reset();
        folder.reset();
    }
};

[[maybe_unused]] testing::Environment* const environment = testing::AddGlobalTestEnvironment(new Servers);

struct Account {
    std::int64_t id = 0;
    std::string name;
    Decimal balance;
    std::optional<Date> born;
    std::optional<DateTime> seen;
    std::optional<Bytes> photo;
    bool admin = false;
};
BOOST_DESCRIBE_STRUCT(Account, (), (id, name, balance, born, seen, photo, admin))

class Databases : public testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] bool is(const std::string& name) const { return GetParam() == name; }
    [[nodiscard]] std::string url() const {
        if (is("mariadb")) return "mysql://root@127.0.0.1:" + std::to_string(mariadb->port()) + "/test";
        return is("postgres") ? postgres->url("sslmode=disable") : "sqlite:" + folder->file("test.db");
    }

    void SetUp() override {
        database_ = std::make_unique<Database>(url(), PoolOptions().max_size(4));
        wait(database_->execute("DROP TABLE IF EXISTS accounts"));
        if (is("mariadb")) {
            wait(database_->execute(
                "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name VARCHAR(200) NOT NULL UNIQUE, balance "
                "DECIMAL(12,2), born DATE, seen DATETIME(6), photo BLOB, admin BOOL) CHARACTER SET utf8mb4"));
        } else if (is("postgres")) {
            wait(database_->execute(
                "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance NUMERIC(12,2), "
                "born DATE, seen TIMESTAMP, photo BYTEA, admin BOOL)"));
        } else {
            wait(database_->execute(
                "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance TEXT, born TEXT, "
                "seen TEXT, photo BLOB, admin INT)"));
        }
    }

    template <class T>
    T wait(Task<T> task) {
        return loop_.run_until(with_timeout(30s, std::move(task)));
    }
    template <class T>
    std::optional<Error> error_of(Task<T> task) {
        try {
            wait(std::move(task));
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }
    Task<Outcome> add(Session& session, std::int64_t id, std::string name) {
        return session.execute("INSERT INTO accounts (id, name, balance, admin) VALUES (?, ?, ?, ?)", id,
                               std::move(name), Decimal("0.00"), false);
    }
    std::int64_t count() {
        const Rows rows = wait(database_->query("SELECT COUNT(*) AS n FROM accounts"));
        return rows[0].get<std::int64_t>("n");
    }

    Loop loop_;
    std::unique_ptr<Database> database_;
};

TEST_P(Databases, RowsAreStructsOnAll) {
    const Date born = std::chrono::year(1990) / 2 / 28;
    const DateTime seen = std::chrono::sys_days(born) + 23h + 5s + 123456us;
    const Bytes photo(std::vector<std::byte>{std::byte{0}, std::byte{0xff}, std::byte{'\''}});
    const Outcome done =
        wait(database_->execute("INSERT INTO accounts (id, name, balance, born, seen, photo, admin) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                                1, "Ann ☃", Decimal("12.50"), born, seen, photo, true));
    EXPECT_EQ(done.affected_rows, 1U);
    wait(add(*database_, 2, "Bob"));
    const Rows rows = wait(database_->query("SELECT * FROM accounts ORDER BY id"));
    const std::vector<Account> accounts = rows.as<Account>();
    ASSERT_EQ(accounts.size(), 2U);
    EXPECT_EQ(accounts[0].name, "Ann ☃");
    EXPECT_EQ(accounts[0].balance, Decimal("12.50"));
    EXPECT_EQ(accounts[0].born, born);
    EXPECT_EQ(accounts[0].seen, seen);
    EXPECT_EQ(accounts[0].photo, photo);
    EXPECT_TRUE(accounts[0].admin);
    EXPECT_EQ(accounts[1].born, std::nullopt);
    EXPECT_FALSE(accounts[1].admin);
}

TEST_P(Databases, DataStaysData) {
    std::int64_t id = 0;
    for (const std::string& text : {std::string("'; DROP TABLE accounts; --"), std::string("\\' OR 1=1 --"),
                                    std::string("\" OR \"\"=\""), std::string("?"), std::string("$1"),
                                    std::string("%s"), std::string("') UNION SELECT 1 --"), std::string("＇ OR 1=1")}) {
        wait(add(*database_, ++id, text));
        const Rows rows = wait(database_->query("SELECT id, name FROM accounts WHERE name = ?", text));
        ASSERT_EQ(rows.size(), 1U) << text;
        EXPECT_EQ(rows[0].get<std::string>("name"), text);
        EXPECT_EQ(rows[0].get<std::int64_t>("id"), id);
    }
    EXPECT_EQ(count(), id);
}

TEST_P(Databases, AConstraintIsAKindOfItsOwnAndShowsNoValue) {
    wait(add(*database_, 1, "SECRET"));
    const auto error = error_of(add(*database_, 2, "SECRET"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kConstraint);
    EXPECT_THAT(error->what(), HasSubstr("INSERT INTO accounts"));
    EXPECT_THAT(error->what(), Not(HasSubstr("SECRET")));
    const auto misspelt = error_of(database_->query("SELECT nme FROM accounts"));
    ASSERT_TRUE(misspelt);
    EXPECT_EQ(misspelt->kind(), Error::Kind::kStatement);
}

TEST_P(Databases, TransactionsCommitAndRollBack) {
    const auto good = [this](Transaction& transaction) -> Task<std::int64_t> {
        co_await add(transaction, 1, "Ann");
        const Rows rows = co_await transaction.query("SELECT COUNT(*) AS n FROM accounts");
        co_return rows[0].get<std::int64_t>("n");
    };
    EXPECT_EQ(wait(database_->transaction(good)), 1);
    EXPECT_EQ(count(), 1);
    const auto bad = [this](Transaction& transaction) -> Task<void> {
        co_await add(transaction, 2, "Bob");
        throw std::runtime_error("changed my mind");
    };
    EXPECT_THROW(wait(database_->transaction(bad)), std::runtime_error);
    const auto undone = [this](Transaction& transaction) -> Task<void> {
        co_await add(transaction, 3, "Cid");
        co_await transaction.rollback();
    };
    wait(database_->transaction(undone));
    EXPECT_EQ(count(), 1);
    const auto look = [](Transaction& transaction) -> Task<std::int64_t> {
        const Rows rows = co_await transaction.query("SELECT COUNT(*) AS n FROM accounts");
        co_return rows[0].get<std::int64_t>("n");
    };
    const auto options = TransactionOptions().isolation(Isolation::kSerializable).read_only(true);
    EXPECT_EQ(wait(database_->transaction(options, look)), 1);
}

TEST_P(Databases, ATransactionThatIsCancelledIsRolledBack) {
    const auto slow = [this](Transaction& transaction) -> Task<void> {
        co_await add(transaction, 1, "Ann");
        co_await sleep_for(20s);
    };
    const auto cut_off = [&]() -> Task<bool> {
        bool timed_out = false;
        try {
            co_await with_timeout(50ms, database_->transaction(slow));
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        co_return timed_out;
    };
    EXPECT_TRUE(wait(cut_off()));
    EXPECT_EQ(count(), 0);
}

TEST_P(Databases, AnErrorThatTheBodyCatchesDoesNotLookLikeACommit) {
    wait(add(*database_, 1, "Ann"));
    const auto body = [this](Transaction& transaction) -> Task<void> {
        co_await add(transaction, 2, "Bob");
        try {
            co_await add(transaction, 3, "Ann");
        } catch (const Error&) {
        }
    };
    const auto error = error_of(database_->transaction(body));
    EXPECT_EQ(error.has_value(), is("postgres"));
    EXPECT_EQ(count(), error ? 1 : 2);
}

TEST_P(Databases, LargeResultsAreStreamedAndLeftEarly) {
    const auto fill = [this](Transaction& transaction) -> Task<void> {
        for (int i = 0; i < 1500; ++i) co_await add(transaction, i, std::to_string(i));
    };
    wait(database_->transaction(fill));
    const auto read = [this]() -> Task<std::int64_t> {
        std::int64_t sum = 0;
        RowStream all = co_await database_->stream("SELECT id FROM accounts WHERE id >= ?", 0);
        while (std::optional<Row> row = co_await all.next()) sum += row->get<std::int64_t>("id");
        RowStream some = co_await database_->stream("SELECT id FROM accounts");
        std::optional<Row> first = co_await some.next();
        EXPECT_TRUE(first.has_value());
        co_await some.close();
        EXPECT_EQ(database_->size(), database_->idle());
        co_return sum;
    };
    EXPECT_EQ(wait(read()), 1500 * 1499 / 2);
    EXPECT_EQ(count(), 1500);
}

TEST_P(Databases, ALongStatementIsStopped) {
    Database impatient(url(), PoolOptions().query_timeout(100ms));
    const auto error = is("mariadb") ? error_of(impatient.query("SELECT SLEEP(?)", 25))
                       : is("postgres")
                           ? error_of(impatient.query("SELECT pg_sleep(?)", 25.0))
                           : error_of(impatient.query("WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n) "
                                                      "SELECT max(i) FROM n",
                                                      1));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kTimeout);
    EXPECT_EQ(wait(impatient.query("SELECT 1")).size(), 1U);
}

TEST_P(Databases, ManyAtATimeShareAFewConnections) {
    wait(add(*database_, 1, "Ann"));
    const auto one = [this]() -> Task<void> {
        const Rows rows = co_await database_->query("SELECT name FROM accounts WHERE id = ?", 1);
        EXPECT_EQ(rows.size(), 1U);
        EXPECT_LE(database_->size(), 4U);
    };
    const auto all = [&]() -> Task<void> {
        std::vector<Task<void>> tasks;
        for (int i = 0; i < 200; ++i) tasks.push_back(one());
        co_await when_all(std::move(tasks));
        EXPECT_EQ(database_->waiting(), 0U);
    };
    wait(all());
}

INSTANTIATE_TEST_SUITE_P(All, Databases, testing::Values("sqlite", "mariadb", "postgres"),
                         [](const auto& info) { return info.param; });

TEST(Mariadb, WhenItIsGoneThatIsSaidAndItIsFoundAgain) {
    Loop loop;
    Database database("mysql://root@127.0.0.1:" + std::to_string(mariadb->port()) + "/test",
                      PoolOptions().reconnect_delay(10ms));
    const auto kind_of_failure = [&]() -> Task<std::optional<Error::Kind>> {
        std::optional<Error::Kind> kind;
        try {
            co_await database.query("SELECT 1");
        } catch (const Error& error) {
            kind = error.kind();
        }
        co_return kind;
    };
    EXPECT_EQ(loop.run_until(kind_of_failure()), std::nullopt);
    mariadb->kill();
    EXPECT_NE(loop.run_until(kind_of_failure()), std::nullopt);
    EXPECT_EQ(loop.run_until(kind_of_failure()), Error::Kind::kUnavailable);
    mariadb->restart();
    const auto until_back = [&]() -> Task<void> {
        while (true) {
            const std::optional<Error::Kind> failure = co_await kind_of_failure();
            if (!failure) break;
            co_await sleep_for(5ms);
        }
    };
    loop.run_until(with_timeout(30s, until_back()));
}

}  // namespace
}  // namespace caropig::db
