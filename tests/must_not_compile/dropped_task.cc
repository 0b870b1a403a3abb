// expect: a Task does nothing until it is awaited
#include <caropig/async/task.h>

caropig::Task<void> work() { co_return; }

caropig::Task<void> caller() {
#ifdef CAROPIG_GOOD
    co_await work();
#else
    work();
    co_return;
#endif
}
