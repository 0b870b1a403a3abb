#include "web/session_json.h"

#include <caropig/http/url.h>

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include <boost/json/serialize.hpp>
#include <fmt/core.h>

namespace caropig::web {
namespace {

/// Takes the first character of well-formed UTF-8 from the front of the text.
std::uint32_t take_character(std::string_view& text) {
    auto lead = static_cast<unsigned char>(text[0]);
    std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t character = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (char c : text.substr(1, length - 1)) character = character << 6 | (static_cast<unsigned char>(c) & 0x3fU);
    text.remove_prefix(length);
    return character;
}

}  // namespace

std::string session_json(const boost::json::value& value) {
    std::string text = boost::json::serialize(value);
    if (!http::is_utf8(text)) throw std::invalid_argument("a session's values have text that is no UTF-8");
    return text;
}

std::string ascii_session_json(const boost::json::value& value) {
    std::string text = session_json(value);
    std::string ascii;
    ascii.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
        std::uint32_t character = take_character(rest);
        if (character < 0x80) {
            ascii += static_cast<char>(character);
        } else if (character < 0x10000) {
            ascii += fmt::format("\\u{:04x}", character);
        } else {  // a pair of surrogates (RFC 8259 section 7)
            std::uint32_t offset = character - 0x10000;
            ascii += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
        }
    }
    return ascii;
}

}  // namespace caropig::web
