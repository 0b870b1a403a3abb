#include <caropig/async/task_group.h>
#include <caropig/base/log.h>

#include <string>

namespace caropig::detail {

void log_exception(std::string_view where, const std::exception_ptr& exception) noexcept {
    std::string line = "exception in ";
    line += where;
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        line += ": ";
        line += error.what();
    } catch (const Cancelled&) {
        line += ": cancelled";
    } catch (...) {
        line += ": of a type that does not derive from std::exception";
    }
    log::write(log::Level::kError, "application", line);
}

bool is_cancelled(const std::exception_ptr& exception) noexcept {
    try {
        std::rethrow_exception(exception);
    } catch (const Cancelled&) {
        return true;
    } catch (...) {
        return false;
    }
}

void TaskGroup::rethrow_if_failed() const {
    if (exception_) std::rethrow_exception(exception_);
    if (cancelled_) throw Cancelled();
}

void TaskGroup::member_ended(std::size_t index, const std::exception_ptr& exception) noexcept {
    bool is_first = first_ == kNone;
    if (is_first) first_ = index;
    bool may_decide = ends_with_ == EndsWith::kAll || is_first;
    if (exception) {
        if (is_cancelled(exception)) {
            if (may_decide) cancelled_ = true;
        } else if (may_decide && !exception_) {
            exception_ = exception;
        } else {
            log_exception("a task whose group had ended otherwise", exception);
        }
    }
    if (ends_with_ == EndsWith::kFirst || exception) {
        decided_ = true;
        cancellation_.request();
    }
    if (--running_ == 0) joiner_.grant_all();
}

}  // namespace caropig::detail
