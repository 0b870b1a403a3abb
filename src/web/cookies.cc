#include <caropig/loop/loop.h>
#include <caropig/web/application.h>
#include <caropig/web/request.h>
#include <caropig/web/request_handler.h>
#include <caropig/web/response.h>
#include <caropig/web/signed_cookie.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace caropig::web {
namespace {

const CookieSecrets& secrets_of(const Request& request) {
    const auto& secrets = request.application().security().cookie_secrets();
    if (!secrets) throw std::logic_error("signed cookies need a secret: set SecurityOptions::cookie_secret()");
    return *secrets;
}

}  // namespace

// --- Request ------------------------------------------------------------------------------------------------------

std::optional<std::string> Request::get_cookie(std::string_view name) const {
    return http::find_cookie(headers(), name);
}

std::string Request::get_cookie(std::string_view name, std::string_view fallback) const {
    return get_cookie(name).value_or(std::string(fallback));
}

std::optional<std::string> Request::get_signed_cookie(std::string_view name) const {
    return get_signed_cookie(name, SignedValueOptions());
}

std::optional<std::string> Request::get_signed_cookie(std::string_view name, const SignedValueOptions& options) const {
    const CookieSecrets& secrets = secrets_of(*this);
    auto text = get_cookie(name);
    if (!text) return std::nullopt;
    return decode_signed_value(secrets, name, *text, loop().unix_seconds(), options);
}

// --- Response -----------------------------------------------------------------------------------------------------

void Response::put_cookie(std::string_view name, std::string_view field) {
    std::string start = std::string(name) + "=";
    std::vector<std::string> others;
    bool found = false;
    for (std::string_view each : headers_.get_all("Set-Cookie")) {
        if (each.starts_with(start)) {
            found = true;
        } else {
            others.emplace_back(each);
        }
    }
    if (found) {
        headers_.remove("Set-Cookie");
        for (const std::string& other : others) headers_.add("Set-Cookie", other);
    }
    headers_.add("Set-Cookie", field);
}

Response& Response::set_cookie(std::string_view name, std::string_view value, const http::CookieOptions& options) {
    put_cookie(name, http::format_set_cookie(name, value, options));
    return *this;
}

Response& Response::clear_cookie(std::string_view name, const http::CookieOptions& options) {
    put_cookie(name, http::format_cleared_cookie(name, options));
    return *this;
}

Response& Response::set_signed_cookie(const Request& request, std::string_view name, std::string_view value) {
    return set_signed_cookie(request, name, value, signed_cookie_options());
}

Response& Response::set_signed_cookie(const Request& request, std::string_view name, std::string_view value,
                                      http::CookieOptions options) {
    std::string text = create_signed_value(secrets_of(request), name, value, request.loop().unix_seconds());
    return set_cookie(name, text, request.application().security().secured(std::move(options), request.scheme()));
}

// --- RequestHandler -----------------------------------------------------------------------------------------------

std::optional<std::string> RequestHandler::get_signed_cookie(std::string_view name) const {
    return request_->get_signed_cookie(name);
}

std::optional<std::string> RequestHandler::get_signed_cookie(std::string_view name,
                                                             const SignedValueOptions& options) const {
    return request_->get_signed_cookie(name, options);
}

void RequestHandler::set_cookie(std::string_view name, std::string_view value, http::CookieOptions options) {
    require_unsent();
    response_.set_cookie(name, value,
                         request_->application().security().secured(std::move(options), request_->scheme()));
}

void RequestHandler::clear_cookie(std::string_view name, http::CookieOptions options) {
    require_unsent();
    response_.clear_cookie(name, request_->application().security().secured(std::move(options), request_->scheme()));
}

void RequestHandler::set_signed_cookie(std::string_view name, std::string_view value) {
    set_signed_cookie(name, value, signed_cookie_options());
}

void RequestHandler::set_signed_cookie(std::string_view name, std::string_view value, http::CookieOptions options) {
    require_unsent();
    response_.set_signed_cookie(*request_, name, value, std::move(options));
}

}  // namespace caropig::web
