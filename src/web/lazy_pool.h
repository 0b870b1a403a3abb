#pragma once

#include <caropig/loop/thread_pool.h>

#include <memory>
#include <mutex>

namespace caropig::web {

/// A pool of one thread that is made when it is first needed: most folders never need it. From any thread.
class LazyPool {
public:
    ThreadPool& get() {
        std::lock_guard lock(mutex_);
        if (pool_ == nullptr) pool_ = std::make_unique<ThreadPool>(ThreadPoolOptions().threads(1).name("static"));
        return *pool_;
    }

private:
    std::mutex mutex_;
    std::unique_ptr<ThreadPool> pool_;
};

}  // namespace caropig::web
