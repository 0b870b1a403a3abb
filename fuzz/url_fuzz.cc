// URLs and queries: what was accepted is written back and means the same, and holds nothing that ends a line.

#include "fuzz_support.h"
#include <caropig/http/chars.h>
#include <caropig/http/date.h>
#include <caropig/http/url.h>

#include <cstddef>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig::http;
    const caropig::fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::string_view text = copy.view();

    if (const auto url = parse_url(text)) {
        FUZZ_CHECK(!url->host.empty() && url->port != 0 && url->path.starts_with('/'));
        FUZZ_CHECK(is_field_value(url->target()) && url->target().find(' ') == std::string::npos);
        const auto again = parse_url(url->origin() + url->target());
        FUZZ_CHECK(again);
        FUZZ_CHECK(again->origin() == url->origin() && again->target() == url->target());
    } else {
        FUZZ_CHECK(!url.error().empty());
    }
    if (const auto parameters = parse_query(text)) {
        std::string query;
        for (const auto& [name, value] : *parameters) {
            query += percent_encode(name) + '=' + percent_encode(value) + '&';
        }
        FUZZ_CHECK(parse_query(query) == parameters);
    }
    FUZZ_CHECK(percent_decode(percent_encode(text)) == text);
    if (const auto date = parse_http_date(text)) FUZZ_CHECK(parse_http_date(format_http_date(*date)) == date);
    return 0;
}
