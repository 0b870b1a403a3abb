// expect: GCC 12 destroys a temporary closure twice inside of a co_await expression
#include <caropig/async/scope.h>

#include <functional>
#include <string>

caropig::Task<void> greet(std::string name) {
#ifdef CAROPIG_GOOD
    auto body = [name](caropig::Scope&) -> caropig::Task<void> { co_return; };
    co_await caropig::with_scope(std::ref(body));
#else
    co_await caropig::with_scope([name](caropig::Scope&) -> caropig::Task<void> { co_return; });
#endif
}
