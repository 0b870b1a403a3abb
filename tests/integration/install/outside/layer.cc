#include <caropig/loop/loop.h>

#include <iostream>
#include <string>

caropig::Task<std::string> greeting() { co_return "hello from outside"; }

int main() {
    caropig::Loop loop;
    std::cout << loop.run_until(greeting()) << "\n";
}
