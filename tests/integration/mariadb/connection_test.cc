#include "listener.h"
#include "mariadb_fixture.h"
#include <caropig/async/scope.h>
#include <caropig/loop/timer.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class MariadbConnection : public MariadbTest {
protected:
    std::optional<Error> connect_error(const DatabaseUrl& url) {
        auto driver = make_mysql_driver(loop_, url, options_);
        return error_of(driver->connect());
    }
};

TEST_F(MariadbConnection, OverAUnixSocket) {
    DatabaseUrl url = this->url();
    url.host.clear();
    url.options["unix_socket"] = shared_server().socket();
    auto connection = connect(url);
    EXPECT_EQ(one(*connection,
                  "SELECT SUBSTRING_INDEX(host, ':', 1) FROM information_schema.processlist WHERE id = "
                  "connection_id()"),
              Value(std::string("localhost")));
    url.options["unix_socket"] = "/nowhere/socket";
    EXPECT_EQ(connect_error(url)->kind(), Error::Kind::kUnavailable);
}

TEST_F(MariadbConnection, ByName) {
    DatabaseUrl url = this->url();
    url.host = "localhost";  // ::1 first, where nobody listens
    EXPECT_EQ(one(*connect(url), "SELECT DATABASE()"), Value(std::string("test")));
}

TEST_F(MariadbConnection, WithAPassword) {
    auto admin = connect();
    query(*admin, "CREATE OR REPLACE USER 'carol'@'%' IDENTIFIED BY 'pa ss''w\\\\ord'");
    DatabaseUrl url = this->url();
    url.user = "carol";
    url.password = "pa ss'w\\ord";
    url.database = "";
    EXPECT_EQ(one(*connect(url), "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"), Value(std::string("carol")));
    url.password = "wrong-secret";
    const auto error = connect_error(url);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    EXPECT_EQ(error->server_code(), 1045);
    EXPECT_EQ(error->sql_state(), "28000");
    EXPECT_THAT(error->what(), Not(HasSubstr("secret")));
    query(*admin, "DROP USER 'carol'@'%'");
}

TEST_F(MariadbConnection, FailuresAreUnavailable) {
    DatabaseUrl url = this->url();
    url.database = "no_such_database";
    EXPECT_EQ(connect_error(url)->server_code(), 1049);
    EXPECT_EQ(connect_error(url)->kind(), Error::Kind::kUnavailable);
    url = this->url();
    url.host = "nosuch.invalid";
    const auto unknown = connect_error(url);
    ASSERT_TRUE(unknown);
    EXPECT_THAT(unknown->what(), HasSubstr("resolve nosuch.invalid"));
    url = this->url();
    url.port = 1;
    const auto refused = connect_error(url);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(refused->what(), HasSubstr("127.0.0.1:1/test: Can't connect"));
}

TEST_F(MariadbConnection, TooManyConnectionsIsUnavailable) {
    auto admin = connect();
    query(*admin, "CREATE OR REPLACE USER 'few'@'%' WITH MAX_USER_CONNECTIONS 1");
    query(*admin, "GRANT ALL ON test.* TO 'few'@'%'");
    DatabaseUrl url = this->url();
    url.user = "few";
    auto first = connect(url);
    const auto error = connect_error(url);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    EXPECT_EQ(error->server_code(), 1226);
    query(*admin, "DROP USER 'few'@'%'");
}

TEST_F(MariadbConnection, ASilentServerHoldsNobodyUp) {
    const support::Listener hole;
    DatabaseUrl url = this->url();
    url.port = hole.port();
    for (const char* mode : {"disabled", "required"}) {
        url.options["ssl_mode"] = mode;
        auto driver = make_mysql_driver(loop_, url, options_);
        Task<std::unique_ptr<Connection>> connecting = with_timeout(30ms, driver->connect());
        EXPECT_THROW(loop_.run_until(std::move(connecting)), TimeoutError) << mode;
    }
}

TEST_F(MariadbConnection, WhatIsNoDatabaseIsAnError) {
    auto listening = [&](std::string greeting) {
        const support::Listener listener;
        DatabaseUrl url = this->url();
        url.port = listener.port();
        auto greet = [&](Scope& scope) -> Task<std::optional<Error>> {
            auto driver = make_mysql_driver(loop_, url, options_);
            std::optional<Error> error;
            auto connecting = [&]() -> Task<void> {
                try {
                    co_await driver->connect();
                } catch (const Error& caught) {
                    error = caught;
                }
            };
            scope.spawn(std::ref(connecting));
            support::RawSocket peer = listener.accept();
            peer.send(greeting);
            peer.close();
            co_await scope.join();
            co_return error;
        };
        return wait(with_scope(std::ref(greet)));
    };
    for (const std::string& greeting : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string(),
                                        std::string(100, '\0'), std::string("\xff\xff\xff\x00", 4) + "x",
                                        std::string("\x05\x00\x00\x00\x0a"
                                                    "1.2.3",
                                                    10),
                                        std::string("\x4a\x00\x00\x00\x0a", 5) + std::string(74, 'x')}) {
        const auto error = listening(greeting);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Error::Kind::kUnavailable) << error->what();
    }
}

TEST_F(MariadbConnection, AKilledConnectionIsBrokenInAStatementAndUnavailableBeforeIt) {
    auto admin = connect();
    auto connection = connect();
    const std::string id = std::get<std::string>(one(*connection, "SELECT CAST(connection_id() AS CHAR)"));
    auto body = [&](Scope& scope) -> Task<std::optional<Error>> {
        std::optional<Error> error;
        auto sleeping = [&]() -> Task<void> {
            try {
                co_await run(*connection, "SELECT SLEEP(30), 'killed'");
            } catch (const Error& caught) {
                error = caught;
            }
        };
        scope.spawn(std::ref(sleeping));
        for (;;) {
            Cells arguments(1, Value(std::string("%killed%")));
            const Result seen = co_await run(*admin, kCountRunning, std::move(arguments));
            if (seen.cells.at(0) != Value(std::int64_t{0})) break;
            co_await sleep_for(5ms);
        }
        std::string kill = "KILL " + id;
        co_await run(*admin, std::move(kill));
        co_await scope.join();
        co_return error;
    };
    const auto error = wait(with_scope(std::ref(body)));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kBroken) << error->what();
    EXPECT_FALSE(connection->usable());

    connection = connect();
    query(*admin, "KILL " + std::get<std::string>(one(*connection, "SELECT CAST(connection_id() AS CHAR)")));
    const auto idle = error_of(run(*connection, "SELECT 'another statement'"));
    ASSERT_TRUE(idle);
    EXPECT_EQ(idle->kind(), Error::Kind::kUnavailable) << idle->what();
    EXPECT_FALSE(connection->usable());
}

TEST_F(MariadbConnection, APingFindsADeadConnection) {
    auto admin = connect();
    auto connection = connect();
    wait(connection->ping());
    EXPECT_TRUE(connection->usable());
    query(*admin, "KILL " + std::get<std::string>(one(*connection, "SELECT CAST(connection_id() AS CHAR)")));
    const auto error = error_of(connection->ping());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    EXPECT_FALSE(connection->usable());
}

TEST_F(MariadbConnection, AServerThatDiesInAStatement) {
    support::MariadbServer server;
    DatabaseUrl url = this->url();
    url.port = server.port();
    auto driver = make_mysql_driver(loop_, url, options_);
    auto connection = wait(driver->connect());
    auto streaming = wait(driver->connect());
    auto admin = wait(driver->connect());
    auto body = [&](Scope& scope) -> Task<std::pair<std::optional<Error>, std::optional<Error>>> {
        std::pair<std::optional<Error>, std::optional<Error>> errors;
        auto note = [](Task<Result> task, std::optional<Error>& error) -> Task<void> {
            try {
                co_await std::move(task);
            } catch (const Error& caught) {
                error = caught;
            }
        };
        auto sleeping = [&]() { return note(run(*connection, "SELECT SLEEP(30), 'dying'"), errors.first); };
        auto reading = [&]() {
            return note(run(*streaming, "SELECT REPEAT('x', 20000), SLEEP(0.001), 'dying' FROM seq_1_to_100000"),
                        errors.second);
        };
        scope.spawn(std::ref(sleeping));
        scope.spawn(std::ref(reading));
        for (;;) {
            Cells arguments(1, Value(std::string("%dying%")));
            const Result seen = co_await run(*admin, kCountRunning, std::move(arguments));
            if (seen.cells.at(0) == Value(std::int64_t{2})) break;
            co_await sleep_for(5ms);
        }
        server.kill();
        co_await scope.join();
        co_return errors;
    };
    const auto errors = wait(with_scope(std::ref(body)));
    for (const auto& error : {errors.first, errors.second}) {
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Error::Kind::kBroken) << error->what();
    }
    EXPECT_FALSE(connection->usable());
    EXPECT_EQ(error_of(driver->connect())->kind(), Error::Kind::kUnavailable);
    server.restart();
    connection = wait(driver->connect());
    EXPECT_EQ(one(*connection, "SELECT 1"), Value(std::int64_t{1}));
}

TEST_F(MariadbConnection, ClosedAtAStatementWithoutAWait) {
    for (int i = 0; i < 20; ++i) {
        auto connection = connect();
        auto some = [&]() -> Task<void> {
            Cells cells;
            co_await connection->start("SELECT REPEAT('x', 20000) FROM seq_1_to_100000", {});
            co_await connection->fetch(cells, static_cast<std::size_t>(i));
        };
        wait(some());
        EXPECT_FALSE(connection->usable());
    }
}

/// A hundred statements of 100 ms at once, on one thread.
TEST_F(MariadbConnection, ManyConnectionsWaitSideBySide) {
    constexpr int kCount = 100;
    auto driver = this->driver();
    auto body = [&](Scope& scope) -> Task<int> {
        int done = 0;
        auto sleeping = [&]() -> Task<void> {
            auto connection = co_await driver->connect();
            co_await run(*connection, "SELECT SLEEP(0.1), 'side by side'");
            ++done;
        };
        for (int i = 0; i < kCount; ++i) scope.spawn(std::ref(sleeping));
        co_await scope.join();
        co_return done;
    };
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(wait(with_scope(std::ref(body))), kCount);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "one after the other they would take 10 s";
}

TEST_F(MariadbConnection, LeavesNoDescriptorBehind) {
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    wait(connect()->ping());
    const auto before = descriptors();
    for (int i = 0; i < 10; ++i) {
        auto connection = connect();
        query(*connection, "SELECT 1");
        DatabaseUrl wrong = url();
        wrong.user = "nobody";
        connect_error(wrong);
    }
    EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace caropig::db
