// expect: Scope::spawn needs a callable that returns Task<void>
#include <caropig/async/scope.h>

void start(caropig::Scope& scope) {
#ifdef CAROPIG_GOOD
    scope.spawn([]() -> caropig::Task<void> { co_return; });
#else
    scope.spawn([]() -> caropig::Task<int> { co_return 1; });
#endif
}
