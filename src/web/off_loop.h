#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>
#include <caropig/loop/thread_pool.h>

#include <functional>
#include <type_traits>

namespace caropig::web {

/// Runs a short step of work with a file on the pool, or on the loop where there is none: the loop's other tasks go on
/// between two of them. `work` must outlive the task.
template <class Work>
Task<std::invoke_result_t<Work&>> off_loop(ThreadPool* pool, Work& work) {
    if (pool != nullptr) co_return co_await pool->run(std::ref(work));
    co_await yield();
    co_return work();
}

}  // namespace caropig::web
