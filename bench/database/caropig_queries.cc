// CaroPig's part of bench/database.py: the same statement over a pool, by as many tasks as it has connections.
// Usage: caropig_queries URL TASKS QUERIES. Prints {"seconds": S, "cpu_seconds": C, "queries": N}.

#include <caropig/async/scope.h>
#include <caropig/base/log.h>
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>

#include <sys/resource.h>

namespace {

using namespace caropig;

constexpr long kRows = 1000;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Task<void> ask(db::Database& database, long first, long step, long queries) {
    for (long i = first; i < queries; i += step) {
        const std::int64_t id = i % kRows + 1;
        db::Rows rows = co_await database.query("SELECT id, name, email FROM people WHERE id = ?", id);
        if (rows.size() != 1 || rows[0].get<std::int64_t>("id") != id) throw std::runtime_error("one row was expected");
    }
}

Task<void> run(db::Database& database, long tasks, long queries) {
    auto body = [&](Scope& scope) -> Task<void> {
        for (long i = 0; i < tasks; ++i) scope.spawn(ask, std::ref(database), i, tasks, queries);
        co_return;
    };
    co_await with_scope(body);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 4) throw std::invalid_argument("usage: caropig_queries URL TASKS QUERIES");
    log::set_level(log::Level::kWarning);
    const long tasks = std::strtol(argv[2], nullptr, 10);
    const long queries = std::strtol(argv[3], nullptr, 10);
    db::PoolOptions options;
    options.max_size(static_cast<std::size_t>(tasks));
    db::Database database(argv[1], options);
    Loop loop;
    loop.run_until(run(database, tasks, tasks));  // connects
    const double cpu_before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    loop.run_until(run(database, tasks, queries));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"queries\": %ld}\n", elapsed.count(),
                cpu_seconds() - cpu_before, queries);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
