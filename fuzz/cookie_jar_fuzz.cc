// The cookie jar: each pair of lines is a URL and a Set-Cookie field from there. Whatever servers send, the limits
// hold, no cookie reaches another site, and what is sent is a field's value.

#include "client/public_suffix.h"
#include "fuzz_support.h"
#include <caropig/client/cookie_jar.h>
#include <caropig/http/chars.h>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig;
    const fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    std::string_view text = copy.view();
    const auto take_line = [&text] {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return line;
    };
    constexpr std::size_t kMost = 8;
    client::CookieJar jar(client::CookieJarOptions().max_cookies(kMost).max_cookies_per_site(4).max_field_bytes(200));
    std::int64_t now = 1'000'000'000;
    while (!text.empty()) {
        const auto url = http::parse_url(take_line());
        const std::string_view field = take_line();
        if (!url || !http::is_field_value(field)) continue;
        http::Headers fields;
        fields.add("Set-Cookie", field);
        jar.store(*url, fields, now++);
        FUZZ_CHECK(jar.size() <= kMost);
        const std::string sent = jar.cookies_for(*url, now);
        FUZZ_CHECK(sent.size() <= 200 && http::is_field_value(sent));

        client::CookieJar alone;
        alone.store(*url, fields, now);
        http::Url other = *url;
        other.host = "another.example";
        if (client::site_of(url->host) != other.host) FUZZ_CHECK(alone.cookies_for(other, now).empty());
        other.host = url->host + "x";
        FUZZ_CHECK(alone.cookies_for(other, now).empty());
        const auto set = http::parse_set_cookie(field);
        FUZZ_CHECK(set || alone.size() == 0);
        if (set && set->secure) {
            other = *url;
            other.scheme = "http";
            FUZZ_CHECK(alone.cookies_for(other, now).empty());
        }
    }
    return 0;
}
