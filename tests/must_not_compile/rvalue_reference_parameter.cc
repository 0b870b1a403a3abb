// expect: a Task coroutine must not take an rvalue reference
#include <caropig/async/task.h>

#include <string>

#ifdef CAROPIG_GOOD
caropig::Task<std::size_t> length(std::string text) { co_return text.size(); }
#else
caropig::Task<std::size_t> length(std::string&& text) { co_return text.size(); }
#endif
