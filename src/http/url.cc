#include "http/authority.h"
#include <caropig/http/chars.h>
#include <caropig/http/url.h>

namespace caropig::http {
namespace {

std::uint16_t default_port(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (text.size() - i < 3 || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2])) return std::nullopt;
            out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
            i += 2;
        } else {
            out += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

// What is wrong with the bytes of a path, query or fragment; nothing if they may be sent as they are.
const char* fault_of(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (text.size() - i < 3 || !is_hex_digit(text[i + 1]) || !is_hex_digit(text[i + 2])) {
                return "bad percent escape in the URL";
            }
        } else if (!is_target_char(text[i]) && text[i] != '?') {
            return "the URL has a character that must be percent-encoded";
        }
    }
    return nullptr;
}

}  // namespace

std::string Url::authority() const {
    std::string out = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != default_port(scheme)) out.append(":").append(std::to_string(port));
    return out;
}

std::string Url::origin() const { return scheme + "://" + authority(); }

std::string Url::target() const { return query.empty() ? path : path + '?' + query; }

Result<Url, std::string> parse_url(std::string_view text) {
    const auto fail = [](const char* why) { return std::unexpected(std::string(why)); };
    for (const char c : text) {
        if (!is_field_char(c) || c == ' ' || c == '\t') return fail("the URL has a space or a control character");
    }
    Url url;
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) return fail("the URL is not absolute: it must begin with http:// or https://");
    url.scheme = lower(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https") return fail("the URL's scheme is neither http nor https");
    text.remove_prefix(colon + 3);

    if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
        url.fragment = text.substr(hash + 1);
        text = text.substr(0, hash);
    }
    if (const std::size_t question = text.find('?'); question != std::string_view::npos) {
        url.query = text.substr(question + 1);
        text = text.substr(0, question);
    }
    const std::size_t slash = text.find('/');
    url.path = slash == std::string_view::npos ? "/" : text.substr(slash);
    text = text.substr(0, slash);
    for (const std::string* part : {&url.path, &url.query, &url.fragment}) {
        if (const char* fault = fault_of(*part)) return fail(fault);
    }

    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        url.userinfo = text.substr(0, at);
        text.remove_prefix(at + 1);
        // "@", "/" or brackets in it are how one URL is made to look like another.
        if (url.userinfo.find_first_of("@[]\\") != std::string::npos) return fail("bad user information in the URL");
        if (const char* fault = fault_of(url.userinfo)) return fail(fault);
    }
    if (text.empty() || text.starts_with(':')) return fail("the URL has no host");
    const std::optional<Authority> authority = split_authority(text);
    if (!authority) return fail("bad host or port in the URL");
    if (authority->port == 0) return fail("bad host or port in the URL");
    url.host = lower(authority->host);
    url.port = authority->port.value_or(default_port(url.scheme));
    return url;
}

std::optional<std::string> percent_decode(std::string_view text) { return decode(text, false); }

std::optional<std::string> query_decode(std::string_view text) { return decode(text, true); }

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
        }
    }
    return out;
}

Result<QueryParameters, std::string> parse_query(std::string_view query) {
    QueryParameters parameters;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        const std::size_t equals = piece.find('=');
        std::optional<std::string> name = query_decode(piece.substr(0, equals));
        std::optional<std::string> value = equals == std::string_view::npos ? std::optional<std::string>(std::in_place)
                                                                            : query_decode(piece.substr(equals + 1));
        if (!name || !value) return std::unexpected(std::string("bad percent escape in the query"));
        if (!is_utf8(*name) || !is_utf8(*value)) return std::unexpected(std::string("the query is not valid UTF-8"));
        parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return parameters;
}

bool is_utf8(std::string_view text) noexcept {
    std::size_t i = 0;
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    while (i < text.size()) {
        const unsigned first = byte(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        // The second byte's range is what excludes overlong forms, surrogates and code points past U+10FFFF.
        std::size_t length = 0;
        unsigned low = 0x80;
        unsigned high = 0xbf;
        if (first >= 0xc2 && first <= 0xdf) {
            length = 2;
        } else if (first >= 0xe0 && first <= 0xef) {
            length = 3;
            if (first == 0xe0) low = 0xa0;
            if (first == 0xed) high = 0x9f;
        } else if (first >= 0xf0 && first <= 0xf4) {
            length = 4;
            if (first == 0xf0) low = 0x90;
            if (first == 0xf4) high = 0x8f;
        } else {
            return false;
        }
        if (text.size() - i < length || byte(i + 1) < low || byte(i + 1) > high) return false;
        for (std::size_t k = 2; k < length; ++k) {
            if (byte(i + k) < 0x80 || byte(i + k) > 0xbf) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace caropig::http
