// expect: Scope::spawn takes a callable and its arguments, which it owns, not a Task
#include <caropig/async/scope.h>

#include <string>

caropig::Task<void> greet(std::string name) {
    (void)name;
    co_return;
}

void start(caropig::Scope& scope) {
#ifdef CAROPIG_GOOD
    scope.spawn(greet, std::string("Mary"));
#else
    scope.spawn(greet("Mary"));
#endif
}
