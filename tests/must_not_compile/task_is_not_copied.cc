// expect-gcc: use of deleted function
// expect-clang: call to deleted constructor
#include <caropig/async/task.h>

#include <utility>

caropig::Task<void> owned_once(caropig::Task<void> task) {
#ifdef CAROPIG_GOOD
    caropig::Task<void> owner = std::move(task);
#else
    caropig::Task<void> owner = task;
#endif
    co_await std::move(owner);
}
