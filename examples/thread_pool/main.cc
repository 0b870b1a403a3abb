// The tutorial's Tornado handler: a future that a thread of a pool of five sets after five seconds; the handler waits for
// it without holding up anybody, and then writes 成功.

#include <caropig/async/future.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <chrono>
#include <cstdio>
#include <thread>

using namespace caropig;

using Seconds = std::chrono::duration<double>;

void waiting(Promise<int>& future, Seconds seconds) {
    std::this_thread::sleep_for(seconds);  // stands for any call that blocks
    future.set_result(123);
}

class IndexHandler : public web::RequestHandler {
public:
    IndexHandler(ThreadPool* pool, const Seconds* seconds) : pool_(*pool), seconds_(*seconds) {}

    Task<void> get() override {
        Promise<int> promise;
        Future<int> future = promise.future();
        future.add_done_callback([](const Future<int>& done) { std::printf("the future is set: %d\n", done.result()); });
        pool_.post([promise = std::move(promise), seconds = seconds_]() mutable { waiting(promise, seconds); });
        co_await future;
        write("成功");
    }

private:
    ThreadPool& pool_;
    Seconds seconds_;
};

int main(int argc, char** argv) {
    double seconds = 5;
    web::CommandLine command_line("thread_pool", "A handler that waits for a pool of five threads");
    command_line.option("--seconds", seconds, "How long a thread takes");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    ThreadPool pool(ThreadPoolOptions().threads(5));
    Seconds duration(seconds);
    web::Application application;
    application.add<IndexHandler>("/index", &pool, &duration);
    return web::run(application, command_line);
}
