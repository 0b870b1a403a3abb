// A handler that waits for a future which a thread of a pool of five sets after five seconds: index_handler.h.

#include "index_handler.h"
#include <caropig/loop/thread_pool.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

using namespace caropig;

int main(int argc, char** argv) {
    double seconds = 5;
    web::CommandLine command_line("thread_pool", "A handler that waits for a pool of five threads");
    command_line.option("--seconds", seconds, "How long a thread takes");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    ThreadPool pool(ThreadPoolOptions().threads(5));
    web::Application application;
    application.add<tutorial::IndexHandler>("/index", &pool, tutorial::Seconds(seconds));
    return web::run(application, command_line);
}
