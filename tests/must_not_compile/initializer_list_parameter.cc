// expect: a Task coroutine must not take an initializer_list
#include <caropig/async/task.h>

#include <initializer_list>
#include <vector>

#ifdef CAROPIG_GOOD
caropig::Task<std::size_t> count(std::vector<int> numbers) { co_return numbers.size(); }
#else
caropig::Task<std::size_t> count(std::initializer_list<int> numbers) { co_return numbers.size(); }
#endif
