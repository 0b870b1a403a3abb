// expect: Scope::spawn would keep a view whose memory may die before the task
#include <caropig/async/scope.h>

#include <string>
#include <string_view>

caropig::Task<void> greet(std::string_view name) {
    (void)name;
    co_return;
}

void start(caropig::Scope& scope, std::string_view name) {
#ifdef CAROPIG_GOOD
    scope.spawn(greet, std::string(name));
#else
    scope.spawn(greet, name);
#endif
}
