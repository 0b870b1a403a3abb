// expect: a done callback must not return a Task
#include <caropig/async/future.h>

void watch(caropig::Future<int> future) {
#ifdef CAROPIG_GOOD
    future.add_done_callback([](const caropig::Future<int>&) {});
#else
    future.add_done_callback([](caropig::Future<int> done) -> caropig::Task<void> { (void)co_await done; });
#endif
}
