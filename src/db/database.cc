#include "db/database_state.h"
#include "db/dialect.h"
#include "db/execution.h"
#include "db/mysql_settings.h"
#include "db/postgres_settings.h"
#include "db/sqlite_settings.h"
#include "db/transaction_state.h"
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>

#include <utility>

namespace caropig::db {
namespace {

std::unique_ptr<detail::DatabaseState> make_state(DatabaseUrl url, const PoolOptions& options) {
    DriverOptions driver_options;
    driver_options.cancel_timeout = options.cancel_timeout();
    driver_options.statement_cache = options.statement_cache();
    std::string name;
    const DatabaseUrl::Kind kind = url.kind;
    std::unique_ptr<Driver> (*make)(Loop&, const DatabaseUrl&, const DriverOptions&) = nullptr;
    switch (kind) {
        case DatabaseUrl::Kind::kSqlite:
            name = read_sqlite_settings(url).name;
            make = &make_sqlite_driver;
            break;
        case DatabaseUrl::Kind::kMysql:
            name = read_mysql_settings(url).name;
            make = &make_mysql_driver;
            break;
        case DatabaseUrl::Kind::kPostgres:
            name = read_postgres_settings(url).name;
            make = &make_postgres_driver;
            break;
    }
    std::shared_ptr<void> memory = share_sqlite_memory(url);
    auto make_driver = [url = std::move(url), memory = std::move(memory), driver_options, make](Loop& loop) {
        return make(loop, url, driver_options);
    };
    return std::make_unique<detail::DatabaseState>(std::move(name), kind, options, std::move(make_driver));
}

/// A statement without arguments whose rows don't matter; the connection stays with `execution`.
Task<void> run_text(detail::Execution& execution, std::string_view text) {
    co_await execution.start(text, {});
    std::vector<Value> no_cells;
    Task<std::size_t> fetching = execution.connection().fetch(no_cells, 1);
    try {
        const detail::Running running(execution.lease());
        co_await execution.deadline().run(fetching);
    } catch (...) {
        execution.fail();
    }
}

}  // namespace

Database::Database(std::string_view url, const PoolOptions& options)
    : state_(make_state(parse_database_url(url), options)) {}
Database::Database(std::unique_ptr<detail::DatabaseState> state) noexcept : state_(std::move(state)) {}
Database::~Database() = default;

std::size_t Database::size() const { return state_->pool(Loop::current()).size(); }
std::size_t Database::idle() const { return state_->pool(Loop::current()).idle(); }
std::size_t Database::waiting() const { return state_->pool(Loop::current()).waiting(); }
const std::string& Database::name() const noexcept { return state_->name(); }

Task<Rows> Database::run_query(detail::Statement statement) {
    return detail::run_query(detail::Source(*state_), std::move(statement));
}
Task<Outcome> Database::run_execute(detail::Statement statement) {
    return detail::run_execute(detail::Source(*state_), std::move(statement));
}
Task<RowStream> Database::run_stream(detail::Statement statement) {
    return detail::run_stream(detail::Source(*state_), std::move(statement));
}

Task<Transaction> Database::begin(TransactionOptions options) {
    const detail::BeginStatements statements = detail::begin_statements(state_->kind(), options);
    detail::Execution execution{detail::Source(*state_)};
    if (!statements.settings.empty()) {
        execution.set_private();  // they count for whatever transaction is begun next on this connection
        co_await run_text(execution, statements.settings);
    }
    co_await run_text(execution, statements.begin);
    auto state = std::make_unique<detail::TransactionState>(execution.take_lease(), state_->kind());
    co_return Transaction(std::move(state));
}

}  // namespace caropig::db
