// Redirects: the first line is where the request goes, the second its method, the third the status; what follows is the
// Location. Whatever it says, the next request can be sent, and no credentials leave their origin.

#include "client/redirect.h"
#include "fuzz_support.h"
#include <caropig/http/chars.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace {

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig;
    const fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    std::string_view text = copy.view();
    const std::string_view url = take_line(text);
    const std::string_view method = take_line(text);
    const std::string_view digits = take_line(text);
    int status = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), status);

    const auto parsed = http::parse_url(url);
    if (!parsed || !parsed->userinfo.empty() || !http::is_token(method) || method == "CONNECT") return 0;
    if (!http::is_field_value(text)) return 0;
    client::FetchRequest request(url);
    request.method(method).body("body").header("Authorization", "secret").header("Cookie", "a=b");
    http::Headers fields;
    fields.add("Location", text);

    const std::string before = request.url().origin() + request.url().target();
    const auto followed = client::follow_redirect(request, status, fields, 4);
    const http::Url& next = request.url();
    if (!followed || !*followed) {
        FUZZ_CHECK(followed || !followed.error().empty());
        FUZZ_CHECK(next.origin() + next.target() == before && request.method() == method && request.body() == "body");
        return 0;
    }
    FUZZ_CHECK(status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
    FUZZ_CHECK(!client::follow_redirect(request, status, fields, 5).value_or(true));
    FUZZ_CHECK(next.userinfo.empty() && !next.host.empty() && next.port != 0);
    FUZZ_CHECK(next.path.starts_with('/') && (next.path + '/').find("/../") == std::string::npos);
    FUZZ_CHECK(http::is_field_value(next.target()) && next.target().find(' ') == std::string::npos);
    FUZZ_CHECK(!(parsed->scheme == "https" && next.scheme == "http"));
    FUZZ_CHECK((next.origin() == parsed->origin()) == request.headers().find("Authorization").has_value());
    FUZZ_CHECK((next.origin() == parsed->origin()) == request.headers().find("Cookie").has_value());
    FUZZ_CHECK(request.method() == method || (request.method() == "GET" && request.body().empty()));
    const auto again = http::parse_url(next.origin() + next.target());
    FUZZ_CHECK(again && again->origin() == next.origin() && again->target() == next.target());
    return 0;
}
