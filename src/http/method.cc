#include <caropig/http/method.h>

#include <array>
#include <cstddef>

namespace caropig::http {
namespace {

constexpr std::array<std::string_view, 10> kNames = {"GET",    "HEAD",    "POST",  "PUT",     "PATCH",
                                                     "DELETE", "OPTIONS", "TRACE", "CONNECT", "OTHER"};

}  // namespace

std::string_view to_string(Method method) noexcept { return kNames[static_cast<std::size_t>(method)]; }

Method parse_method(std::string_view text) noexcept {
    switch (text.size()) {
        case 3:
            if (text == "GET") return Method::kGet;
            if (text == "PUT") return Method::kPut;
            break;
        case 4:
            if (text == "POST") return Method::kPost;
            if (text == "HEAD") return Method::kHead;
            break;
        case 5:
            if (text == "PATCH") return Method::kPatch;
            if (text == "TRACE") return Method::kTrace;
            break;
        case 6:
            if (text == "DELETE") return Method::kDelete;
            break;
        case 7:
            if (text == "OPTIONS") return Method::kOptions;
            if (text == "CONNECT") return Method::kConnect;
            break;
        default:
            break;
    }
    return Method::kOther;
}

}  // namespace caropig::http
