#pragma once

#include <caropig/async/future.h>
#include <caropig/base/log.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/web/application.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

/// \file
/// The tutorial's Tornado handler: a future that a thread of a pool sets after some seconds; the handler waits for it
/// without holding up anybody, and then writes 成功.
namespace tutorial {

using Seconds = std::chrono::duration<double>;

inline void waiting(caropig::Promise<int>& future, Seconds seconds) {
    std::this_thread::sleep_for(seconds);  // stands for any call that blocks
    future.set_result(123);
}

class IndexHandler : public caropig::web::RequestHandler {
public:
    IndexHandler(caropig::ThreadPool* pool, Seconds seconds) : pool_(*pool), seconds_(seconds) {}

    caropig::Task<void> get() override {
        caropig::Promise<int> promise;
        caropig::Future<int> future = promise.future();
        future.add_done_callback([](const caropig::Future<int>& done) {
            caropig::log::info("the future is set: " + std::to_string(done.result()));
        });
        auto work = [promise = std::move(promise), seconds = seconds_]() mutable { waiting(promise, seconds); };
        if (!pool_.post(std::move(work))) throw caropig::web::HttpError(503, "the pool's queue is full");
        co_await future;
        write("成功");
    }

private:
    caropig::ThreadPool& pool_;
    Seconds seconds_;
};

}  // namespace tutorial
