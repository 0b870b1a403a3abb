#pragma once

#include <caropig/async/task.h>

#include <functional>
#include <utility>

#include <mysql.h>

namespace caropig {
class Loop;
}

namespace caropig::db {

/// A MYSQL of MariaDB Connector/C, and its socket on the loop.
///
/// The library runs each of its calls on a small stack of its own. One that would block is suspended there, and says
/// what it waits for; it must be continued to its end, whatever becomes of the task that began it: what it holds would
/// leak otherwise. So it belongs to the handle, not to a task: a cancelled task leaves it behind, busy() tells, and
/// finish() or break_off() brings it to an end.
class MysqlHandle {
public:
    /// Sets what all connections have in common: utf8mb4, UTC, no local files, no deadlines of the library's own.
    explicit MysqlHandle(Loop& loop);
    MysqlHandle(const MysqlHandle&) = delete;
    MysqlHandle& operator=(const MysqlHandle&) = delete;
    ~MysqlHandle();

    [[nodiscard]] MYSQL* get() const noexcept { return mysql_; }

    /// Lets calls be suspended from now on; before that, only a blocking connect may have been made.
    void enable_nonblocking();

    /// Starts a call: `start(int* result)` and `resume(int* result, int ready)` are those of the library, and give what
    /// they wait for. True when it has ended already. What the library was given must live until then.
    template <class Start, class Resume>
    bool begin(Start start, Resume resume) {
        resume_ = std::move(resume);
        waits_for_ = start(&result_);
        socket_may_have_changed();
        return !busy();
    }
    /// Waits for the end of the call. Throws Cancelled; the call is still under way then.
    Task<void> finish();

    template <class Start, class Resume>
    Task<int> call(Start start, Resume resume) {
        if (!begin(std::move(start), std::move(resume))) co_await finish();
        co_return result_;
    }

    /// Whether a call is under way.
    [[nodiscard]] bool busy() const noexcept { return waits_for_ != 0; }
    /// Of the call that has ended.
    [[nodiscard]] int result() const noexcept { return result_; }

    /// Shuts the socket down and lets the call that is under way come to its end with an error. Never waits.
    void break_off() noexcept;

    /// break_off(), and frees everything. Statements of it may only be closed afterwards.
    void close() noexcept;

private:
    void step(int ready) noexcept;
    void socket_may_have_changed() noexcept;

    Loop& loop_;
    MYSQL* mysql_;
    std::function<int(int*, int)> resume_;
    int waits_for_ = 0;
    int result_ = 0;
    int socket_ = -1;
};

}  // namespace caropig::db
