#include "client/redirect.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace caropig::client {
namespace {

/// They are meant for one server, as Authorization is, and nobody else is to see them.
constexpr std::array<std::string_view, 3> kOriginFields{"Cookie", "Proxy-Authorization", "Host"};

/// They describe a body that is no longer sent (RFC 9110 15.4).
constexpr std::array<std::string_view, 5> kBodyFields{"Content-Type", "Content-Encoding", "Content-Language",
                                                      "Content-Location", "Content-Digest"};

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Whether the next request is a GET without body, whatever this one was.
bool becomes_get(std::string_view method, int status) noexcept {
    if (status == 303) return method != "HEAD";
    return (status == 301 || status == 302) && method == "POST";
}

}  // namespace

Result<bool, std::string> follow_redirect(FetchRequest& request, int status, const http::Headers& fields,
                                          int followed) {
    if (!is_redirect(status) || followed >= request.max_redirects()) return false;
    const std::vector<std::string_view> locations = fields.get_all("Location");
    if (locations.empty()) return false;
    if (std::ranges::any_of(locations, [&](std::string_view other) { return other != locations.front(); })) {
        return std::unexpected("the redirect has several Locations");
    }
    Result<http::Url, std::string> next = http::resolve_url(request.url(), locations.front());
    if (!next) return std::unexpected(fmt::format("the redirect's Location is refused: {}", next.error()));
    if (!next->userinfo.empty()) return std::unexpected("the redirect's Location is refused: it has a user");
    if (request.url().scheme == "https" && next->scheme != "https" && !request.allows_downgrade()) {
        return std::unexpected("the redirect leads from https to http");
    }

    const bool get = becomes_get(request.method(), status);
    // What has made the body once may not be able to make it again.
    if (!get && !request.repeatable()) return false;
    if (next->fragment.empty()) next->fragment = request.url().fragment;
    if (next->origin() != request.url().origin()) {
        request.no_auth();
        for (const std::string_view name : kOriginFields) request.remove_header(name);
    }
    if (get) {
        request.method("GET").body({}).body_from({});
        for (const std::string_view name : kBodyFields) request.remove_header(name);
    }
    request.url(*std::move(next));
    return true;
}

}  // namespace caropig::client
