#include "web/crypto.h"
#include "web/xsrf_token.h"
#include <caropig/http/chars.h>
#include <caropig/loop/loop.h>
#include <caropig/web/application.h>
#include <caropig/web/http_error.h>
#include <caropig/web/xsrf.h>

#include <algorithm>
#include <array>

namespace caropig::web {
namespace {

constexpr std::size_t kMaskBytes = 4;

std::string apply_mask(std::string_view mask, std::string bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[i % mask.size()]);
    return bytes;
}

std::optional<XsrfToken> of_bytes(std::optional<std::string> bytes, std::int64_t time) {
    if (!bytes || bytes->size() != XsrfToken::kBytes) return std::nullopt;
    return XsrfToken{*std::move(bytes), time};
}

/// The token that the browser has in its cookie, or will have once it has got this response.
std::optional<XsrfToken> known_token(const Request& request, const Response* response) {
    const std::string& name = request.application().security().xsrf_cookie_name();
    if (auto cookie = request.get_cookie(name)) {
        if (auto token = XsrfToken::parse(*cookie)) return token;
    }
    if (response == nullptr) return std::nullopt;
    for (std::string_view field : response->headers().get_all("Set-Cookie")) {
        if (!field.starts_with(name + "=")) continue;
        field.remove_prefix(name.size() + 1);
        return XsrfToken::parse(field.substr(0, field.find(';')));
    }
    return std::nullopt;
}

}  // namespace

XsrfToken XsrfToken::make(std::int64_t now) { return {crypto::random_bytes(kBytes), now}; }

std::optional<XsrfToken> XsrfToken::parse(std::string_view text) {
    if (text.find('|') == std::string_view::npos) return of_bytes(crypto::from_hex(text), 0);
    std::array<std::string_view, 4> parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        std::size_t bar = text.find('|');
        parts.at(i) = text.substr(0, bar);
        if ((bar == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
        if (bar != std::string_view::npos) text.remove_prefix(bar + 1);
    }
    constexpr std::size_t kMaxDigits = 18;  // what fits into the time whatever the digits are
    std::string_view digits = parts[3];
    if (parts[0] != "2" || digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
    if (!std::all_of(digits.begin(), digits.end(), http::is_digit)) return std::nullopt;
    auto mask = crypto::from_hex(parts[1]);
    auto masked = crypto::from_hex(parts[2]);
    if (!mask || mask->size() != kMaskBytes || !masked) return std::nullopt;
    return of_bytes(apply_mask(*mask, *std::move(masked)), std::stoll(std::string(digits)));
}

std::string XsrfToken::masked() const {
    std::string mask = crypto::random_bytes(kMaskBytes);
    return "2|" + crypto::to_hex(mask) + "|" + crypto::to_hex(apply_mask(mask, bytes)) + "|" + std::to_string(time);
}

std::string xsrf_token(const Request& request, Response& response) {
    auto token = known_token(request, &response);
    if (!token) {
        const SecurityOptions& security = request.application().security();
        token = XsrfToken::make(request.loop().unix_seconds());
        response.set_cookie(security.xsrf_cookie_name(), token->masked(),
                            security.secured(security.xsrf_cookie_options(), request.scheme()));
    }
    return token->masked();
}

std::string xsrf_form_html(const Request& request, Response& response) {
    return xsrf_field(xsrf_token(request, response));
}

std::string xsrf_field(std::string_view token) {
    return R"(<input type="hidden" name="_xsrf" value=")" + std::string(token) + R"("/>)";
}

void check_xsrf(const Request& request) {
    std::string token = request.get_argument("_xsrf", "");
    for (std::string_view field : {"X-Xsrftoken", "X-Csrftoken"}) {
        if (token.empty()) token = request.header(field).value_or(std::string_view());
    }
    check_xsrf(request, token);
}

void check_xsrf(const Request& request, std::string_view token) {
    if (token.empty()) throw HttpError(403, "'_xsrf' argument missing from " + std::string(request.method_text()));
    auto given = XsrfToken::parse(token);
    if (!given) throw HttpError(403, "'_xsrf' argument has invalid format");
    auto expected = known_token(request, nullptr);
    if (!expected || !crypto::equal(given->bytes, expected->bytes)) {
        throw HttpError(403, "XSRF cookie does not match POST argument");
    }
}

}  // namespace caropig::web
