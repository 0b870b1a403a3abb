// Cookies: reading never fails and stays within its limit, the look-up agrees with the list, and what was set is one
// line whose first piece reads back as it was.

#include "fuzz_support.h"
#include <caropig/http/chars.h>
#include <caropig/http/cookie.h>

#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig::http;
    const caropig::fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::string_view text = copy.view();

    const std::vector<Cookie> cookies = parse_cookies(text);
    FUZZ_CHECK(cookies.size() <= kMaxCookies);
    const std::array<HeaderView, 1> fields{HeaderView{"cookie", text}};
    for (const Cookie& cookie : cookies) {
        FUZZ_CHECK(cookie.name.size() + cookie.value.size() <= text.size());
        std::optional<std::string> last;
        for (const Cookie& other : cookies) {
            if (other.name == cookie.name) last = other.value;
        }
        FUZZ_CHECK(find_cookie(HeadersView(fields), cookie.name) == last);
    }

    // The text's lines are the name, the value, the path, the domain.
    std::array<std::string, 4> parts;
    std::size_t part = 0;
    for (const char c : text) {
        if (c == '\n' && part + 1 < parts.size()) {
            ++part;
        } else {
            parts[part] += c;
        }
    }
    try {
        const CookieOptions options = CookieOptions().path(parts[2]).domain(parts[3]).max_age(std::chrono::seconds(1));
        const std::string set = format_set_cookie(parts[0], parts[1], options);
        FUZZ_CHECK(is_field_value(set));
        const std::vector<Cookie> pieces = parse_cookies(set);
        FUZZ_CHECK(!pieces.empty() && pieces[0] == (Cookie{parts[0], parts[1]}));
        const std::size_t attributes = 2U + (parts[2].empty() ? 0 : 1) + (parts[3].empty() ? 0 : 1);
        FUZZ_CHECK(pieces.size() == 1 + attributes);
    } catch (const std::invalid_argument&) {
        return 0;
    }
    return 0;
}
