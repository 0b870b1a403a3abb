#include "web/arguments.h"

#include <caropig/http/url.h>
#include <caropig/web/http_error.h>

#include <algorithm>

namespace caropig::web {
namespace {

/// More is no form but an attack: each of them costs dozens of times its two bytes.
constexpr std::ptrdiff_t kMaxArguments = 10000;

/// Whether `text` is one whitespace character of Unicode, as Python's str.strip() takes away.
bool is_space(std::string_view text) noexcept {
    if (text.size() == 1) return text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r');
    if (text.size() == 2) return text == "\u0085" || text == "\u00a0";
    return text == "\u1680" || (text >= "\u2000" && text <= "\u200a") || text == "\u2028" || text == "\u2029" ||
           text == "\u202f" || text == "\u205f" || text == "\u3000";
}

std::size_t space_at_start(std::string_view text) noexcept {
    for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
        if (is_space(text.substr(0, length))) return length;
    }
    return 0;
}

std::size_t space_at_end(std::string_view text) noexcept {
    for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
        if (is_space(text.substr(text.size() - length))) return length;
    }
    return 0;
}

std::string clean(std::string value) {
    for (char& c : value) {
        auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x08 || (byte >= 0x0e && byte <= 0x1f)) c = ' ';
    }
    std::string_view rest = value;
    while (std::size_t length = space_at_start(rest)) rest.remove_prefix(length);
    while (std::size_t length = space_at_end(rest)) rest.remove_suffix(length);
    return std::string(rest);
}

}  // namespace

std::vector<std::string> arguments_named(std::string_view name, std::string_view urlencoded) {
    std::vector<std::string> values;
    if (urlencoded.empty()) return values;
    if (std::count(urlencoded.begin(), urlencoded.end(), '&') >= kMaxArguments) {
        throw HttpError(400, "more than 10000 arguments");
    }
    auto parameters = http::parse_query(urlencoded);
    if (!parameters) throw HttpError(400, parameters.error());
    for (auto& [key, value] : *parameters) {
        if (key == name) values.push_back(clean(std::move(value)));
    }
    return values;
}

std::string ip_of_peer(std::string_view peer) {
    if (peer.starts_with("unix:")) return "unix";
    if (peer.starts_with('[')) return std::string(peer.substr(1, peer.find(']') - 1));
    return std::string(peer.substr(0, peer.rfind(':')));
}

}  // namespace caropig::web
