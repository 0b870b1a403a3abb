#include <caropig/async/queue.h>

namespace caropig::detail {

void QueueBase::task_done() {
    if (unfinished_ == 0) throw std::logic_error("task_done() was called more often than items were put");
    if (--unfinished_ == 0) finished_.set();
}

Task<void> QueueBase::join() { return finished_.wait(); }

void QueueBase::item_put() noexcept {
    ++unfinished_;
    finished_.clear();
}

}  // namespace caropig::detail
