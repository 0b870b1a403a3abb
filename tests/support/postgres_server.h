#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caropig::support {

/// A PostgreSQL server of the test's own, from Debian's package, in a temporary folder, on a free port of 127.0.0.1 and
/// on a Unix socket. It ends with this object, or with the thread that made it. As root it runs as the user postgres,
/// since it refuses root.
///
/// The superuser is `postgres`, the ordinary user `caropig` with the password kPassword (scram-sha-256), the database
/// `shop`. Failures throw std::runtime_error.
class PostgresServer {
public:
    static constexpr const char* kPassword = "s3cret pass:word";
    /// The same in a URL.
    static constexpr const char* kPasswordInUrl = "s3cret%20pass%3Aword";

    PostgresServer() {
        make_folder();
        try {
            initialize();
            start();
            observe("CREATE ROLE caropig LOGIN PASSWORD '" + std::string(kPassword) + "'");
            observe("CREATE DATABASE shop OWNER caropig");
        } catch (...) {
            kill();
            remove_folder();
            throw;
        }
    }
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;
    ~PostgresServer() {
        kill();
        remove_folder();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Where the socket is, and what a test may put beside it.
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

    /// "postgres://caropig:…@127.0.0.1:PORT/shop", with `options` behind it: "sslmode=disable".
    [[nodiscard]] std::string url(const std::string& options = "", const std::string& host = "127.0.0.1") const {
        return "postgres://caropig:" + std::string(kPasswordInUrl) + "@" + host + ":" + std::to_string(port_) +
               "/shop" + (options.empty() ? "" : "?" + options);
    }
    [[nodiscard]] std::string socket_url() const {
        return "postgres://caropig:" + std::string(kPasswordInUrl) + "@/shop?unix_socket=" + socket_path();
    }
    [[nodiscard]] std::string socket_path() const { return folder_ + "/.s.PGSQL." + std::to_string(port_); }

    /// Ends server and sessions at once, as a crash of the machine does.
    void kill() {
        if (pid_ <= 0) return;
        observer_.reset();
        std::vector<pid_t> sessions = children();
        ::kill(pid_, SIGKILL);
        for (pid_t session : sessions) ::kill(session, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        // They hold the shared memory, which a restart wants, until they are gone for good.
        for (pid_t session : sessions) wait_until([session] { return ::kill(session, 0) != 0; }, "a session to end");
    }

    /// Starts it again, on the same port.
    void start() {
        std::vector<std::string> arguments{kBinaries + "postgres", "-D", folder_ + "/data"};
        std::vector<std::string> settings{"listen_addresses=127.0.0.1",    "unix_socket_directories=" + folder_,
                                          "port=" + std::to_string(port_), "fsync=off",
                                          "max_connections=200",           "deadlock_timeout=50ms"};
        if (!certificate_.empty()) {
            settings.insert(settings.end(), {"ssl=on", "ssl_cert_file=" + certificate_, "ssl_key_file=" + key_});
        }
        for (const std::string& setting : settings) arguments.insert(arguments.end(), {"-c", setting});
        pid_ = spawn(arguments);
        wait_until([this] { return answers(); }, "PostgreSQL to answer");
    }
    void restart() {
        kill();
        start();
    }

    /// From the next start on it takes TLS connections. The files stay the test's; a copy of the key is made.
    void use_tls(const std::string& certificate, const std::string& key) {
        certificate_ = folder_ + "/server.crt";
        key_ = folder_ + "/server.key";
        for (const auto& [from, to] : {std::pair(certificate, certificate_), std::pair(key, key_)}) {
            std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
            give_away(to);
            ::chmod(to.c_str(), 0600);
        }
    }

    /// Runs `sql` as the superuser, blocking; the first cell of its result.
    std::string observe(const std::string& sql, const std::string& database = "postgres") {
        if (observer_ == nullptr || database != observed_) {
            std::string info =
                "host='" + folder_ + "' port=" + std::to_string(port_) + " user=postgres dbname=" + database;
            observer_.reset(::PQconnectdb(info.c_str()));
            observed_ = database;
        }
        std::unique_ptr<PGresult, decltype(&::PQclear)> result(::PQexec(observer_.get(), sql.c_str()), &::PQclear);
        ExecStatusType status = ::PQresultStatus(result.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            throw std::runtime_error(sql + ": " + ::PQerrorMessage(observer_.get()));
        }
        return ::PQntuples(result.get()) > 0 ? ::PQgetvalue(result.get(), 0, 0) : "";
    }

    /// Sessions of the user caropig whose running statement is like `pattern`.
    int running(const std::string& pattern) {
        return std::stoi(
            observe("SELECT count(*) FROM pg_stat_activity WHERE usename = 'caropig' AND state = 'active' "
                    "AND query LIKE '" +
                    pattern + "'"));
    }

private:
    static inline const std::string kBinaries = "/usr/lib/postgresql/15/bin/";

    /// Waits for what another process does, which gives no other sign.
    template <class Condition>
    static void wait_until(Condition condition, const std::string& what) {
        for (int tries = 0; tries < 6000; ++tries) {
            if (condition()) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        throw std::runtime_error("waited in vain for " + what);
    }

    void make_folder() {
        if (::access((kBinaries + "postgres").c_str(), X_OK) != 0) {
            throw std::runtime_error(kBinaries + "postgres is missing: install the Debian package postgresql-15");
        }
        std::string name = "/tmp/pgtest-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
        ::chmod(folder_.c_str(), 0755);
        give_away(folder_);
        port_ = free_port();
    }
    void remove_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    static const passwd* other_user() {
        if (::geteuid() != 0) return nullptr;
        const passwd* user = ::getpwnam("postgres");
        if (user == nullptr) throw std::runtime_error("no user postgres: install the Debian package postgresql-15");
        return user;
    }
    static void give_away(const std::string& path) {
        if (const passwd* user = other_user()) {
            if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown " + path);
        }
    }

    static std::uint16_t free_port() {
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            throw std::runtime_error("no free port");
        }
        ::close(fd);
        return ntohs(address.sin_port);
    }

    void initialize() {
        int status = 0;
        pid_t pid = spawn({kBinaries + "initdb", "-D", folder_ + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                           "--locale=C.UTF-8", "--no-sync", "--no-instructions"});
        ::waitpid(pid, &status, 0);
        if (status != 0) throw std::runtime_error("initdb failed:\n" + log());
        std::ofstream(folder_ + "/data/pg_hba.conf") << "local all postgres trust\n"
                                                        "local all all scram-sha-256\n"
                                                        "host all all 127.0.0.1/32 scram-sha-256\n";
    }

    /// Starts a program as the server's user, with its output in the log.
    pid_t spawn(const std::vector<std::string>& arguments) {
        std::vector<char*> pointers;
        pointers.reserve(arguments.size() + 1);
        for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
        pointers.push_back(nullptr);
        const passwd* user = other_user();
        const std::string log_path = folder_ + "/log";
        pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error("fork");
        if (pid > 0) return pid;
        int out = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        ::dup2(out, 1);
        ::dup2(out, 2);
        if (user != nullptr && (::initgroups("postgres", user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 ||
                                ::setuid(user->pw_uid) != 0)) {
            ::_exit(126);
        }
        ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // an immediate shutdown; after setuid(), which clears it
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }

    bool answers() {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("PostgreSQL did not start:\n" + log());
        }
        std::string port = std::to_string(port_);
        const char* keywords[] = {"host", "port", "dbname", nullptr};
        const char* values[] = {folder_.c_str(), port.c_str(), "postgres", nullptr};
        return ::PQpingParams(keywords, values, 0) == PQPING_OK;
    }

    [[nodiscard]] std::vector<pid_t> children() const {
        std::string id = std::to_string(pid_);
        std::ifstream list("/proc/" + id + "/task/" + id + "/children");
        std::vector<pid_t> result;
        for (pid_t child = 0; list >> child;) result.push_back(child);
        return result;
    }

    [[nodiscard]] std::string log() const {
        std::ifstream file(folder_ + "/log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string folder_;
    std::string certificate_;
    std::string key_;
    std::string observed_;
    std::unique_ptr<PGconn, decltype(&::PQfinish)> observer_{nullptr, &::PQfinish};
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace caropig::support
