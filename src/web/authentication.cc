#include <caropig/http/url.h>
#include <caropig/web/authentication.h>
#include <caropig/web/request.h>

#include <algorithm>

namespace caropig::web {

std::string login_location(const Request& request, std::string_view login_url) {
    std::string location(login_url);
    if (login_url.find('?') != std::string_view::npos) return location;
    std::string next(request.path());
    if (!request.query().empty()) next += "?" + std::string(request.query());
    return location + "?next=" + http::percent_encode(next);
}

std::string safe_next(std::string_view next, std::string_view fallback) {
    bool safe = next.starts_with('/') && !next.starts_with("//") &&
                std::all_of(next.begin(), next.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
    return std::string(safe ? next : fallback);
}

}  // namespace caropig::web
