#include "db/sqlite_handle.h"

#include "db/cell_size.h"
#include "db/iso_time.h"
#include "db/redact.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace caropig::db {
namespace {

constexpr int kPrimaryCode = 0xff;

Error::Kind kind_of(int code) noexcept {
    switch (code & kPrimaryCode) {
        case SQLITE_CONSTRAINT:
            return Error::Kind::kConstraint;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Error::Kind::kConflict;
        default:
            return Error::Kind::kStatement;
    }
}

bool is_of_the_file(int code) noexcept {
    switch (code & kPrimaryCode) {
        case SQLITE_IOERR:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL:
            return true;
        default:
            return false;
    }
}

/// What SQLite says of a statement that runs may quote its arguments: a malformed path of JSON in quotation marks, a
/// column that a search of FTS5 names without.
std::string without_arguments(int code, std::string_view message) {
    if ((code & kPrimaryCode) == SQLITE_ERROR) {
        const std::size_t colon = message.find(':');
        if (colon != std::string_view::npos) return std::string(message.substr(0, colon)) + ": ...";
    }
    return redact_values(message);
}

/// Creates the file for its owner only, unless it exists: it may hold what others should not read, and SQLite gives
/// its own files beside it the same mode.
void create_privately(const std::string& file) {
    // Closing a descriptor drops the locks that this process has on the file, so nobody may open it meanwhile.
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0) ::close(fd);
}

bool is_commit(std::string_view sql) noexcept {
    const std::string_view word = sql.substr(0, sql.find_first_of(" \t\r\n;"));
    return ::sqlite3_strnicmp(word.data(), "COMMIT", 6) == 0 && word.size() == 6;
}

}  // namespace

/// Has a statement stopped when its job is asked to. The interrupt alone may come just before the statement begins,
/// and is forgotten then; the progress handler, which looks every so many steps, is not.
class SqliteHandle::Stopping {
public:
    Stopping(SqliteHandle& handle, const std::stop_token& stop)
        : handle_(handle), interrupt_(stop, Interrupt{handle.database_.get()}) {
        handle_.stop_ = &stop;
    }
    Stopping(const Stopping&) = delete;
    Stopping& operator=(const Stopping&) = delete;
    ~Stopping() { handle_.stop_ = nullptr; }

private:
    struct Interrupt {
        sqlite3* database;
        void operator()() const noexcept { ::sqlite3_interrupt(database); }
    };
    SqliteHandle& handle_;
    std::stop_callback<Interrupt> interrupt_;
};

SqliteHandle::~SqliteHandle() {
    by_text_.clear();
    statements_.clear();  // before their database
}

bool SqliteHandle::open(const SqliteSettings& settings, const std::stop_token& stop) {
    cache_size_ = settings.statement_cache;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= settings.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (settings.in_memory) flags |= SQLITE_OPEN_URI;
    if (settings.in_memory || (settings.may_create && !settings.read_only)) flags |= SQLITE_OPEN_CREATE;
    if (!settings.in_memory && (flags & SQLITE_OPEN_CREATE) != 0) create_privately(settings.file);

    sqlite3* opened = nullptr;
    const int code = ::sqlite3_open_v2(settings.file.c_str(), &opened, flags, nullptr);
    database_.reset(opened);
    if (code != SQLITE_OK) {
        fail(code);
        return false;
    }
    // A text in double quotes is a name, never a string: a name that is misspelt is an error then.
    ::sqlite3_db_config(opened, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    ::sqlite3_db_config(opened, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    // Here it may wait for a lock; later it must not: a thread that waits is none that ends what is waited for.
    const Stopping stopping(*this, stop);
    give_up_at_ = std::chrono::steady_clock::now() + settings.busy_timeout;
    ::sqlite3_busy_handler(
        opened,
        [](void* self, int) {
            auto& handle = *static_cast<SqliteHandle*>(self);
            if (handle.stop_->stop_requested() || std::chrono::steady_clock::now() >= handle.give_up_at_) return 0;
            std::this_thread::sleep_for(
                std::chrono::milliseconds(2));  // a thread of the driver's, and it may be stopped
            return 1;
        },
        this);
    if (!settings.read_only && !execute("PRAGMA journal_mode = WAL")) return false;
    const std::string synchronous = "PRAGMA synchronous = " + settings.synchronous;
    if (!execute(synchronous.c_str()) || !execute("PRAGMA foreign_keys = ON") ||
        !execute("PRAGMA trusted_schema = OFF")) {
        return false;
    }
    ::sqlite3_busy_timeout(opened, 0);
    constexpr int kStepsBetweenLooks = 1000;
    ::sqlite3_progress_handler(
        opened, kStepsBetweenLooks,
        [](void* self) {
            const std::stop_token* stop = static_cast<SqliteHandle*>(self)->stop_;
            return stop != nullptr && stop->stop_requested() ? 1 : 0;
        },
        this);
    return true;
}

bool SqliteHandle::execute(const char* sql) {
    const int code = ::sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
    return code == SQLITE_OK;
}

SqliteHandle::State SqliteHandle::start(std::string_view sql, std::span<const Value> arguments,
                                        std::vector<Value>& cells, std::size_t most, const std::stop_token& stop) {
    // In the middle of a transaction waiting is no use: the other one may be waiting for this one.
    const bool may_wait = ::sqlite3_txn_state(database_.get(), nullptr) == SQLITE_TXN_NONE || is_commit(sql);
    columns_ = nullptr;
    if (!prepare(sql) || !bind(arguments)) {
        reset();
        return (failure_.code & kPrimaryCode) == SQLITE_BUSY && may_wait ? State::kBusy : State::kFailed;
    }
    outcome_ = {};
    changes_before_ = ::sqlite3_total_changes64(database_.get());
    if (::sqlite3_stmt_readonly(current_->statement.get()) == 0) {
        ::sqlite3_set_last_insert_rowid(database_.get(), 0);
    }
    const std::size_t cells_before = cells.size();
    const State state = step(cells, most, stop);
    const bool is_busy = (failure_.code & kPrimaryCode) == SQLITE_BUSY && failure_.code != SQLITE_BUSY_SNAPSHOT;
    if (state == State::kFailed && is_busy && may_wait) {
        cells.resize(cells_before);
        return State::kBusy;
    }
    return state;
}

SqliteHandle::State SqliteHandle::fetch(std::vector<Value>& cells, std::size_t most, const std::stop_token& stop) {
    return step(cells, most, stop);
}

SqliteHandle::State SqliteHandle::step(std::vector<Value>& cells, std::size_t most, const std::stop_token& stop) {
    const Stopping stopping(*this, stop);
    sqlite3_stmt* statement = current_->statement.get();
    std::size_t bytes = 0;
    for (std::size_t rows = 0; rows < most && bytes < kBatchBytes; ++rows) {
        const std::size_t before = cells.size();
        const int code = ::sqlite3_step(statement);
        if (columns_ == nullptr) refresh_columns();
        if (code == SQLITE_ROW) {
            read_row(cells);
            bytes += bytes_of(std::span(cells).subspan(before));
            continue;
        }
        if (code != SQLITE_DONE) return fail(code);
        finish();
        return State::kDone;
    }
    return State::kRows;
}

bool SqliteHandle::prepare(std::string_view sql) {
    if (const auto found = by_text_.find(sql); found != by_text_.end()) {
        statements_.splice(statements_.begin(), statements_, found->second);
        current_ = &statements_.front();
        return true;
    }
    if (sql.size() > INT32_MAX) {
        refuse("the statement is too long");
        return false;
    }
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const unsigned flags = cache_size_ != 0 ? SQLITE_PREPARE_PERSISTENT : 0;
    const int code =
        ::sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), flags, &raw, &rest);
    std::unique_ptr<sqlite3_stmt, Finalize> statement(raw);
    if (code != SQLITE_OK) {
        fail(code);
        failure_.shown.clear();  // no argument has been bound: it can be said in full
        failure_.statement = sql;
        return false;
    }
    if (statement == nullptr) {
        refuse("the statement is empty");
        return false;
    }
    if (std::string_view(rest, sql.data() + sql.size() - rest).find_first_not_of(" \t\r\n;") !=
        std::string_view::npos) {
        refuse("more than one statement was given");
        failure_.statement = sql;
        return false;
    }
    statements_.push_front({std::string(sql), std::move(statement), nullptr, 0});
    current_ = &statements_.front();
    if (cache_size_ == 0) return true;
    by_text_.emplace(current_->sql, statements_.begin());
    if (statements_.size() > cache_size_) {
        by_text_.erase(statements_.back().sql);
        statements_.pop_back();
    }
    return true;
}

bool SqliteHandle::bind(std::span<const Value> arguments) {
    sqlite3_stmt* statement = current_->statement.get();
    const auto wanted = static_cast<std::size_t>(::sqlite3_bind_parameter_count(statement));
    if (wanted != arguments.size()) {
        refuse(fmt::format("the statement has {} parameters, and {} arguments were given", wanted, arguments.size()));
        return false;
    }
    int index = 0;
    for (const Value& value : arguments) {
        const int code = bind_one(++index, value);
        if (code == SQLITE_OK) continue;
        if (code != SQLITE_MISMATCH) {
            fail(code);
        } else {
            refuse(fmt::format("argument {} is beyond what SQLite can hold", index));
        }
        return false;
    }
    return true;
}

/// SQLITE_MISMATCH: there is no such value in SQLite.
int SqliteHandle::bind_one(int index, const Value& value) {
    sqlite3_stmt* statement = current_->statement.get();
    const auto text = [&](std::string_view characters) {
        return ::sqlite3_bind_text64(statement, index, characters.data(), characters.size(), SQLITE_TRANSIENT,
                                     SQLITE_UTF8);
    };
    struct Bind {
        decltype(text)& bind_text;
        sqlite3_stmt* statement;
        int index;

        int operator()(std::monostate) const { return ::sqlite3_bind_null(statement, index); }
        int operator()(bool truth) const { return ::sqlite3_bind_int(statement, index, truth ? 1 : 0); }
        int operator()(std::int64_t number) const { return ::sqlite3_bind_int64(statement, index, number); }
        int operator()(std::uint64_t number) const {
            if (!std::in_range<std::int64_t>(number)) return SQLITE_MISMATCH;
            return ::sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(number));
        }
        int operator()(double number) const { return ::sqlite3_bind_double(statement, index, number); }
        int operator()(const std::string& characters) const { return bind_text(characters); }
        int operator()(const Bytes& bytes) const {
            // A null pointer would be NULL, and an empty vector has one.
            if (bytes.data.empty()) return ::sqlite3_bind_zeroblob(statement, index, 0);
            return ::sqlite3_bind_blob64(statement, index, bytes.data.data(), bytes.data.size(), SQLITE_TRANSIENT);
        }
        int operator()(const Decimal& decimal) const { return bind_text(decimal.text); }
        int operator()(const Date& date) const {
            const auto written = iso_date(date);
            return written ? bind_text(*written) : SQLITE_MISMATCH;
        }
        int operator()(DateTime moment) const {
            const auto written = iso_date_time(moment);
            return written ? bind_text(*written) : SQLITE_MISMATCH;
        }
    };
    return std::visit(Bind{text, statement, index}, value);
}

void SqliteHandle::refresh_columns() {
    sqlite3_stmt* statement = current_->statement.get();
    const int times = ::sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (current_->columns == nullptr || times != current_->times_prepared) {
        auto names = std::make_shared<std::vector<std::string>>();
        for (int i = 0; i < ::sqlite3_column_count(statement); ++i) {
            const char* name = ::sqlite3_column_name(statement, i);
            if (name == nullptr) throw std::bad_alloc();
            names->emplace_back(name);
        }
        current_->columns = std::move(names);
        current_->times_prepared = times;
    }
    columns_ = current_->columns;
}

void SqliteHandle::read_row(std::vector<Value>& cells) const {
    sqlite3_stmt* statement = current_->statement.get();
    const int count = ::sqlite3_data_count(statement);
    for (int i = 0; i < count; ++i) {
        switch (::sqlite3_column_type(statement, i)) {
            case SQLITE_INTEGER:
                cells.emplace_back(std::int64_t{::sqlite3_column_int64(statement, i)});
                break;
            case SQLITE_FLOAT:
                cells.emplace_back(::sqlite3_column_double(statement, i));
                break;
            case SQLITE_TEXT: {
                const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(statement, i));
                if (text == nullptr) throw std::bad_alloc();
                cells.emplace_back(std::in_place_type<std::string>, text,
                                   static_cast<std::size_t>(::sqlite3_column_bytes(statement, i)));
                break;
            }
            case SQLITE_BLOB: {
                const auto* bytes = static_cast<const std::byte*>(::sqlite3_column_blob(statement, i));
                const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(statement, i));
                if (bytes == nullptr && size != 0) throw std::bad_alloc();
                cells.emplace_back(std::in_place_type<Bytes>, std::vector<std::byte>(bytes, bytes + size));
                break;
            }
            default:
                cells.emplace_back();
                break;
        }
    }
}

void SqliteHandle::finish() {
    if (const auto changed = ::sqlite3_total_changes64(database_.get()); changed != changes_before_) {
        outcome_.affected_rows = static_cast<std::uint64_t>(::sqlite3_changes64(database_.get()));
        const sqlite3_int64 id = ::sqlite3_last_insert_rowid(database_.get());
        if (id > 0) outcome_.last_insert_id = static_cast<std::uint64_t>(id);
    }
    reset();
}

SqliteHandle::State SqliteHandle::fail(int code) {
    failure_.code = code;
    failure_.kind = kind_of(code);
    failure_.message = database_ ? ::sqlite3_errmsg(database_.get()) : ::sqlite3_errstr(code);
    failure_.shown = without_arguments(code, failure_.message);
    failure_.statement = current_ != nullptr ? current_->sql : std::string();
    if (is_of_the_file(code)) usable_ = false;
    reset();
    return State::kFailed;
}

void SqliteHandle::refuse(std::string message) {
    failure_ = {
        Error::Kind::kStatement, 0, std::move(message), {}, current_ != nullptr ? current_->sql : std::string()};
}

void SqliteHandle::reset() noexcept {
    if (current_ != nullptr) {
        ::sqlite3_reset(current_->statement.get());
        ::sqlite3_clear_bindings(current_->statement.get());
        if (cache_size_ == 0) statements_.clear();
        current_ = nullptr;
    }
    in_transaction_ = database_ != nullptr && ::sqlite3_get_autocommit(database_.get()) == 0;
}

}  // namespace caropig::db
