#include "web/arguments.h"

#include <caropig/http/url.h>
#include <caropig/web/http_error.h>

namespace caropig::web {
namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string clean(std::string value) {
    for (char& c : value) {
        auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x08 || (byte >= 0x0e && byte <= 0x1f)) c = ' ';
    }
    std::size_t begin = 0;
    std::size_t end = value.size();
    while (begin < end && is_space(value[begin])) ++begin;
    while (end > begin && is_space(value[end - 1])) --end;
    return value.substr(begin, end - begin);
}

}  // namespace

std::vector<std::string> arguments_named(std::string_view name, std::string_view urlencoded) {
    std::vector<std::string> values;
    if (urlencoded.empty()) return values;
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
