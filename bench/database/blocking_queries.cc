// The floor of bench/database.py: one prepared statement of MariaDB Connector/C, executed in a loop that blocks.
// Usage: blocking_queries PORT USER PASSWORD DATABASE QUERIES. Prints {"seconds": S, "cpu_seconds": C, "queries": N}.

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <mysql.h>
#include <sys/resource.h>

namespace {

constexpr unsigned long kRows = 1000;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

[[noreturn]] void fail(const char* what, const char* why) {
    std::fprintf(stderr, "%s: %s\n", what, why);
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) fail("usage", "blocking_queries PORT USER PASSWORD DATABASE QUERIES");
    const long queries = std::strtol(argv[5], nullptr, 10);
    std::unique_ptr<MYSQL, decltype(&::mysql_close)> connection(::mysql_init(nullptr), &::mysql_close);
    MYSQL* mysql = connection.get();
    if (!::mysql_real_connect(mysql, "127.0.0.1", argv[2], argv[3], argv[4],
                              static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)), nullptr, 0)) {
        fail("connect", ::mysql_error(mysql));
    }
    std::unique_ptr<MYSQL_STMT, decltype(&::mysql_stmt_close)> prepared(::mysql_stmt_init(mysql), &::mysql_stmt_close);
    MYSQL_STMT* statement = prepared.get();
    const char* sql = "SELECT id, name, email FROM people WHERE id = ?";
    if (::mysql_stmt_prepare(statement, sql, std::strlen(sql)) != 0) fail("prepare", ::mysql_stmt_error(statement));

    long long id = 0;
    MYSQL_BIND argument{};
    argument.buffer_type = MYSQL_TYPE_LONGLONG;
    argument.buffer = &id;
    ::mysql_stmt_bind_param(statement, &argument);
    long long found = 0;
    std::array<std::array<char, 128>, 2> text{};
    std::array<unsigned long, 3> lengths{};
    std::array<MYSQL_BIND, 3> columns{};
    columns[0].buffer_type = MYSQL_TYPE_LONGLONG;
    columns[0].buffer = &found;
    for (std::size_t i = 1; i < columns.size(); ++i) {
        columns[i].buffer_type = MYSQL_TYPE_STRING;
        columns[i].buffer = text[i - 1].data();
        columns[i].buffer_length = text[i - 1].size();
        columns[i].length = &lengths[i];
    }
    ::mysql_stmt_bind_result(statement, columns.data());

    const double cpu_before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < queries; ++i) {
        id = i % static_cast<long>(kRows) + 1;
        if (::mysql_stmt_execute(statement) != 0) fail("execute", ::mysql_stmt_error(statement));
        if (::mysql_stmt_fetch(statement) != 0 || found != id) fail("fetch", "another row was expected");
        if (::mysql_stmt_fetch(statement) != MYSQL_NO_DATA) fail("fetch", "one row was expected");
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"queries\": %ld}\n", elapsed.count(),
                cpu_seconds() - cpu_before, queries);
    return 0;
}
