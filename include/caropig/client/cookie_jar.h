#pragma once

#include <caropig/http/headers.h>
#include <caropig/http/set_cookie.h>
#include <caropig/http/url.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// What a server wants to be told again. A jar takes the cookies of answers and gives each request those that are meant
/// for it, so that a program can log in somewhere and stay logged in. Servers are not trusted: one can neither set
/// cookies for another site nor fill the jar.
namespace caropig::client {

/// What a CookieJar holds at most. Set what differs: `CookieJarOptions().max_cookies(100)`. Whatever is beyond pushes
/// out what was sent or set longest ago.
class CookieJarOptions {
public:
    /// Cookies in all. 3000 is what RFC 6265 6.1 asks of browsers.
    CookieJarOptions& max_cookies(std::size_t count) noexcept {
        max_cookies_ = count;
        return *this;
    }
    /// Cookies of one site: of a domain that somebody can register, and all below it. Chrome's number; RFC 6265 6.1
    /// asks for 50 a domain.
    CookieJarOptions& max_cookies_per_site(std::size_t count) noexcept {
        max_cookies_per_site_ = count;
        return *this;
    }
    /// Bytes of all cookies' names, values, domains and paths. 1 MiB; 3000 common cookies take a quarter of it.
    CookieJarOptions& max_bytes(std::size_t bytes) noexcept {
        max_bytes_ = bytes;
        return *this;
    }
    /// Bytes of the Cookie field of one request; the cookies that don't fit are left out, those with the shortest paths
    /// first. 8 KiB: many servers refuse longer lines.
    CookieJarOptions& max_field_bytes(std::size_t bytes) noexcept {
        max_field_bytes_ = bytes;
        return *this;
    }

    [[nodiscard]] std::size_t max_cookies() const noexcept { return max_cookies_; }
    [[nodiscard]] std::size_t max_cookies_per_site() const noexcept { return max_cookies_per_site_; }
    [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }
    [[nodiscard]] std::size_t max_field_bytes() const noexcept { return max_field_bytes_; }

private:
    std::size_t max_cookies_ = 3000;
    std::size_t max_cookies_per_site_ = 180;
    std::size_t max_bytes_ = std::size_t{1024} * 1024;
    std::size_t max_field_bytes_ = std::size_t{8} * 1024;
};

/// Cookies by RFC 6265 5.3 and 5.4, in memory. For one thread at a time: a jar that several requests share belongs to
/// one loop. Moments are seconds since 1970 of the wall clock (Loop::unix_seconds()).
///
/// Stricter than RFC 6265, as RFC 6265bis: http can neither set a Secure cookie nor replace one, and the prefixes
/// __Secure- and __Host- keep their promise. A domain under which anybody can register names ("com", "co.uk",
/// "github.io": the Public Suffix List) gets no cookies. SameSite and HttpOnly change nothing: there are no pages and
/// no scripts here. A cookie without an expiry lives as long as the jar.
class CookieJar {
public:
    explicit CookieJar(CookieJarOptions options = {}) noexcept : options_(options) {}

    /// Takes the Set-Cookie fields of an answer from `url`. What is refused is left out without a word, as by browsers.
    void store(const http::Url& url, const http::Headers& fields, std::int64_t now);

    /// The value of the Cookie field for a request to `url`: longer paths first, then older cookies. Empty where there
    /// are none.
    [[nodiscard]] std::string cookies_for(const http::Url& url, std::int64_t now);

    /// How many cookies it holds, expired ones included that nobody has asked for since.
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    void clear() noexcept;

private:
    struct Stored {
        std::string name;
        std::string value;
        std::string domain;
        std::string path;
        std::int64_t expires = 0;
        std::uint64_t created = 0;  // both are counts, not moments: two cookies never have the same
        std::uint64_t used = 0;
        bool host_only = false;
        bool secure = false;
    };
    using Site = std::vector<Stored>;

    void store_one(const http::Url& url, http::SetCookie set, std::int64_t now);
    void drop_expired(Site& site, std::int64_t now) noexcept;
    void drop_beyond_limits(Site& site, std::int64_t now);
    void erase(Site& site, std::size_t index) noexcept;

    CookieJarOptions options_;
    std::map<std::string, Site, std::less<>> sites_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t ticks_ = 0;
};

}  // namespace caropig::client
