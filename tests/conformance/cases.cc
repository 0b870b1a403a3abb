#include "cases.h"

namespace caropig::conformance {

std::span<const Table> tables() {
    static const Table all[] = {
        {"request line", request_line_cases()},
        {"fields", field_cases()},
        {"Host", host_cases()},
        {"framing", framing_cases()},
        {"chunked coding", chunked_cases()},
        {"connections", connection_cases()},
        {"semantics", semantics_cases()},
    };
    return all;
}

}  // namespace caropig::conformance
