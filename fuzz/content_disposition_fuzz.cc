// Values with parameters, and file names: what was read is UTF-8 and safe, and what is written is read again.

#include "fuzz_support.h"
#include <caropig/http/chars.h>
#include <caropig/http/content_disposition.h>
#include <caropig/http/header_value.h>
#include <caropig/http/url.h>

#include <cstddef>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig::http;
    const caropig::fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::string_view text = copy.view();

    if (const auto value = parse_parameterized(text)) {
        FUZZ_CHECK(!value->value.empty() && value->parameters.size() <= 32);
        std::string written = value->value;
        for (const auto& [name, parameter] : value->parameters) {
            FUZZ_CHECK(is_token(name) && value->find(name) == &parameter && is_field_value(parameter));
            written += ";" + name + "=\"";
            for (const char c : parameter) {
                if (c == '"' || c == '\\') written += '\\';
                written += c;
            }
            written += '"';
        }
        const auto again = parse_parameterized(written);
        FUZZ_CHECK(again && again->value == value->value && again->parameters == value->parameters);
    } else {
        FUZZ_CHECK(!value.error().empty());
    }
    if (const auto type = parse_content_type(text)) FUZZ_CHECK(has_media_type(text, type->type));
    if (const auto disposition = parse_content_disposition(text)) {
        FUZZ_CHECK(!disposition->name || is_utf8(*disposition->name));
        FUZZ_CHECK(!disposition->file_name || is_utf8(*disposition->file_name));
    }

    const std::string safe = safe_file_name(text);
    FUZZ_CHECK(safe.size() <= 255 && safe != "." && safe != ".." && safe_file_name(safe) == safe);
    FUZZ_CHECK(safe.find_first_of(std::string_view("/\\\0\r\n", 5)) == std::string::npos);
    FUZZ_CHECK(is_utf8(safe) || !is_utf8(text));

    const std::string header = format_content_disposition("attachment", text);
    FUZZ_CHECK(is_field_value(header));
    const auto read = parse_content_disposition(header);
    FUZZ_CHECK(read && read->type == "attachment");
    if (is_utf8(text) && !safe.empty() && safe == text) FUZZ_CHECK(read->file_name == safe);
    return 0;
}
