#pragma once

#include <caropig/http/cookie.h>
#include <caropig/web/signed_cookie.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// What an application with logins has to decide once: its secrets, and how it protects its forms.
namespace caropig::web {

/// Given to Application::security(): `app.security(SecurityOptions().cookie_secret(secret).login_url("/login"))`.
class SecurityOptions {
public:
    /// Signs cookies; see CookieSecrets. None unless set: signed cookies are an error then.
    SecurityOptions& cookie_secrets(CookieSecrets secrets) {
        secrets_ = std::move(secrets);
        return *this;
    }
    SecurityOptions& cookie_secret(std::string secret) { return cookie_secrets(CookieSecrets(std::move(secret))); }

    /// Marks signed cookies, session cookies, the XSRF cookie and those of RequestHandler::set_cookie() Secure: they
    /// are then sent over TLS only. Off unless set, since a browser keeps none of them over plain HTTP; on wherever the
    /// public side is HTTPS. Without it they are Secure in answers to requests whose scheme is https, which may be what
    /// a trusted proxy says (server::ProxyOptions).
    SecurityOptions& secure_cookies(bool enabled) noexcept {
        secure_cookies_ = enabled;
        return *this;
    }
    /// Whether requests with other methods than GET, HEAD and OPTIONS need an XSRF token (see xsrf.h). On unless set:
    /// whoever has secrets has logins. Tornado's xsrf_cookies, which is off there.
    SecurityOptions& xsrf_cookies(bool enabled) noexcept {
        xsrf_cookies_ = enabled;
        return *this;
    }
    /// "_xsrf" unless set, as in Tornado. "__Host-xsrf" keeps it from other hosts of the same domain, over TLS.
    SecurityOptions& xsrf_cookie_name(std::string name) {
        xsrf_cookie_name_ = std::move(name);
        return *this;
    }
    /// Its attributes: by default until the browser is closed, and readable by the page's scripts, which send it back
    /// in a header.
    SecurityOptions& xsrf_cookie_options(http::CookieOptions options) {
        xsrf_cookie_options_ = std::move(options);
        return *this;
    }
    /// Where RequestHandler::authenticated() sends those who have not logged in. None unless set.
    SecurityOptions& login_url(std::string url) {
        login_url_ = std::move(url);
        return *this;
    }

    [[nodiscard]] const std::optional<CookieSecrets>& cookie_secrets() const noexcept { return secrets_; }
    [[nodiscard]] bool secure_cookies() const noexcept { return secure_cookies_; }
    [[nodiscard]] bool xsrf_cookies() const noexcept { return xsrf_cookies_; }
    [[nodiscard]] const std::string& xsrf_cookie_name() const noexcept { return xsrf_cookie_name_; }
    [[nodiscard]] const http::CookieOptions& xsrf_cookie_options() const noexcept { return xsrf_cookie_options_; }
    [[nodiscard]] const std::string& login_url() const noexcept { return login_url_; }

    /// `options`, Secure where this application's cookies are, or where the request came by "https".
    [[nodiscard]] http::CookieOptions secured(http::CookieOptions options, std::string_view scheme = "http") const {
        if (secure_cookies_ || scheme == "https") options.secure();
        return options;
    }

private:
    std::optional<CookieSecrets> secrets_;
    http::CookieOptions xsrf_cookie_options_;
    std::string xsrf_cookie_name_ = "_xsrf";
    std::string login_url_;
    bool secure_cookies_ = false;
    bool xsrf_cookies_ = true;
};

}  // namespace caropig::web
