#include "postgres_fixture.h"
#include "support/raw_socket.h"
#include <caropig/loop/with_timeout.h>
#include <caropig/net/tcp.h>

#include <cstdlib>

namespace caropig::db {
namespace {

using testing::HasSubstr;
using testing::Not;

using PostgresConnect = PostgresTest;

TEST_F(PostgresConnect, OverTcp) {
    auto connection = connect();
    EXPECT_EQ(value(*connection, "SELECT current_user::text"), Value("caropig"));
    EXPECT_EQ(value(*connection, "SELECT current_database()"), Value("shop"));
    EXPECT_EQ(value(*connection, "SHOW application_name"), Value("caropig"));
    EXPECT_EQ(drivers_.back()->name(), "postgres 127.0.0.1:" + std::to_string(server().port()) + "/shop");
}

TEST_F(PostgresConnect, OverAUnixSocket) {
    auto connection = connect(server().socket_url());
    EXPECT_EQ(value(*connection, "SELECT inet_client_addr() IS NULL"), Value(true));
    expect_clean(*connection);
    // By its folder alone, a socket is of the default port.
    Error error = refused("postgres://caropig@/shop?unix_socket=" + server().folder());
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr(".s.PGSQL.5432"));
}

TEST_F(PostgresConnect, TriesAllAddressesOfAName) {
    // "localhost" is ::1 first, where this server does not listen.
    auto connection = connect(server().url("", "localhost"));
    expect_clean(*connection);
    // Where none will do, each has its word.
    std::uint16_t port = net::listen_tcp("127.0.0.1", 0)->port();
    Error error = refused("postgres://caropig@localhost:" + std::to_string(port) + "/shop");
    EXPECT_THAT(error.what(), HasSubstr("\"::1\", port " + std::to_string(port) + " failed: Connection refused; "));
    EXPECT_THAT(error.what(), HasSubstr("\"127.0.0.1\", port " + std::to_string(port) + " failed: Connection refused"));
}

TEST_F(PostgresConnect, WrongPassword) {
    std::string port = std::to_string(server().port());
    Error error = refused("postgres://caropig:wr0ng@127.0.0.1:" + port + "/shop");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_EQ(error.sql_state(), "28P01");
    EXPECT_THAT(error.what(), HasSubstr("password authentication failed"));
    EXPECT_THAT(error.what(), Not(HasSubstr("wr0ng")));

    error = refused("postgres://caropig@127.0.0.1:" + port + "/shop");
    EXPECT_EQ(error.sql_state(), "28P01");
    EXPECT_THAT(error.what(), HasSubstr("the server asks for a password, and the URL has none"));
}

TEST_F(PostgresConnect, WrongDatabase) {
    Error error = refused("postgres://caropig:" + std::string(support::PostgresServer::kPasswordInUrl) +
                          "@127.0.0.1:" + std::to_string(server().port()) + "/nosuch");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_EQ(error.sql_state(), "3D000");
}

TEST_F(PostgresConnect, NobodyListens) {
    std::uint16_t port = net::listen_tcp("127.0.0.1", 0)->port();
    Error error = refused("postgres://caropig@127.0.0.1:" + std::to_string(port) + "/shop");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("Connection refused"));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
}

TEST_F(PostgresConnect, NameThatDoesNotResolve) {
    Error error = refused("postgres://caropig@no..such/shop");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("resolve no..such"));
}

TEST_F(PostgresConnect, BlackHoleIsCancelled) {
    // Connections are made by the system, and nobody ever answers.
    auto listener = net::listen_tcp("127.0.0.1", 0);
    auto driver = make_driver("postgres://caropig@127.0.0.1:" + std::to_string(listener->port()) + "/shop");
    EXPECT_THROW(loop_.run_until(with_timeout(std::chrono::milliseconds(50), driver->connect())), TimeoutError);
    int rounds = 5;
    EXPECT_TRUE(loop_.run_until(cancel_when(driver->connect(), [&] { return --rounds < 0; })));
}

TEST_F(PostgresConnect, PeerThatIsNoDatabase) {
    auto listener = net::listen_tcp("127.0.0.1", 0);
    listener->start(loop_, [](std::unique_ptr<net::Stream> stream) { stream->close(); });
    Error error = refused("postgres://caropig@127.0.0.1:" + std::to_string(listener->port()) + "/shop");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("server closed the connection"));
}

/// An environment variable, for the lifetime of this object.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { ::unsetenv(name_); }

private:
    const char* name_;
};

TEST_F(PostgresConnect, TheEnvironmentHasNoSay) {
    Environment variables[] = {{"PGHOST", "192.0.2.1"},
                               {"PGHOSTADDR", "192.0.2.1"},
                               {"PGPORT", "1"},
                               {"PGUSER", "nobody"},
                               {"PGDATABASE", "nothing"},
                               {"PGPASSWORD", support::PostgresServer::kPassword},
                               {"PGPASSFILE", "/etc/passwd"},
                               {"PGOPTIONS", "-c DateStyle=SQL"},
                               {"PGAPPNAME", "other"},
                               {"PGCLIENTENCODING", "LATIN1"},
                               {"PGDATESTYLE", "German"},
                               {"PGTZ", "Asia/Tokyo"},
                               {"PGSSLMODE", "verify-full"},
                               {"PGSSLROOTCERT", "/nowhere"},
                               {"PGCHANNELBINDING", "require"},
                               {"PGTARGETSESSIONATTRS", "standby"}};
    auto connection = connect();
    EXPECT_EQ(value(*connection, "SELECT current_user::text"), Value("caropig"));
    EXPECT_EQ(value(*connection, "SHOW DateStyle"), Value("ISO, DMY"));
    EXPECT_EQ(value(*connection, "SHOW TimeZone"), Value("UTC"));
    EXPECT_EQ(value(*connection, "SHOW client_encoding"), Value("UTF8"));
    // A URL without a password is one without a password.
    EXPECT_EQ(refused("postgres://caropig@127.0.0.1:" + std::to_string(server().port()) + "/shop").sql_state(),
              "28P01");
}

TEST_F(PostgresConnect, ServerIsKilledAndComesBack) {
    auto busy = connect();
    auto idle = connect();
    expect_clean(*idle);
    // In the middle of a statement: nobody knows what became of it.
    Error error = error_of([&] {
        auto kill_it = [&] {
            if (server().running("SELECT pg_sleep(30)%") == 0) return false;
            server().kill();
            return true;
        };
        auto both = [&]() -> Task<void> {
            Task<Result> sleeping = query(*busy, "SELECT pg_sleep(30)");
            Task<void> killing = support::yield_until(kill_it);
            co_await when_all(std::move(sleeping), std::move(killing));
        };
        loop_.run_until(both());
    });
    EXPECT_EQ(error.kind(), Error::Kind::kBroken) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("SELECT pg_sleep(30)"));
    EXPECT_FALSE(busy->usable());
    // One that was idle notices before it sends anything.
    error = failed(*idle, "SELECT 1");
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable) << error.what();
    EXPECT_FALSE(idle->usable());
    EXPECT_EQ(refused(server().url()).kind(), Error::Kind::kUnavailable);
    EXPECT_THROW(loop_.run_until(idle->ping()), Error);

    server().start();
    auto again = loop_.run_until(drivers_.front()->connect());
    expect_clean(*again);
}

TEST_F(PostgresConnect, SessionIsTerminated) {
    auto connection = connect();
    Error error = failed(*connection, "SELECT pg_terminate_backend(pg_backend_pid())");
    EXPECT_EQ(error.kind(), Error::Kind::kBroken);
    EXPECT_EQ(error.sql_state(), "57P01");
    EXPECT_FALSE(connection->usable());
}

TEST_F(PostgresConnect, SessionIsTerminatedWhileIdle) {
    for (int i = 0; i < 20; ++i) {
        auto connection = connect();
        std::string pid = std::to_string(std::get<std::int64_t>(value(*connection, "SELECT pg_backend_pid()")));
        server().observe("SELECT pg_terminate_backend(" + pid + ", 10000)");
        Error error = failed(*connection, "SELECT 1");
        EXPECT_EQ(error.kind(), Error::Kind::kUnavailable) << error.what();
        EXPECT_FALSE(connection->usable());
    }
}

TEST_F(PostgresConnect, PingAndInvariants) {
    auto connection = connect();
    loop_.run_until(connection->ping());
    EXPECT_TRUE(connection->usable());
    EXPECT_FALSE(connection->in_transaction());
    loop_.run_until(connection->abandon());  // nothing to abandon
    EXPECT_TRUE(connection->usable());
}

TEST_F(PostgresConnect, ManyAtOnceDontWaitForEachOther) {
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<Task<Result>> tasks;
    for (int i = 0; i < 20; ++i) connections.push_back(connect());
    for (auto& connection : connections) tasks.push_back(query(*connection, "SELECT pg_sleep(0.5)"));
    auto begin = std::chrono::steady_clock::now();
    loop_.run_until(when_all(std::move(tasks)));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "one after the other takes 10 s";
}

}  // namespace

support::PostgresServer& PostgresTest::server() {
    static support::PostgresServer server;
    return server;
}

}  // namespace caropig::db
