// expect: co_await
#include <caropig/async/task.h>

#include <utility>

caropig::Task<int> number() { co_return 1; }

caropig::Task<int> twice() {
    caropig::Task<int> task = number();
#ifdef CAROPIG_GOOD
    co_return 2 * co_await std::move(task);
#else
    co_return 2 * co_await task;
#endif
}
