#pragma once

#include <caropig/base/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Absolute http and https URLs, percent-encoding, and query strings (RFC 3986, RFC 9110 4.2).
namespace caropig::http {

/// The parts of an absolute URL. Scheme and host are in lower case; everything else is as it was written, still
/// percent-encoded.
struct Url {
    std::string scheme;      ///< "http" or "https"
    std::string userinfo;    ///< before "@"; never sent in a request
    std::string host;        ///< a name or an address; an IPv6 address stands without its brackets
    std::uint16_t port = 0;  ///< 80 or 443 where the URL names none
    std::string path;        ///< begins with "/"
    std::string query;       ///< without "?"
    std::string fragment;    ///< without "#"; never sent in a request

    /// "https://example.com:8443": scheme and authority, what the same-origin rule compares.
    [[nodiscard]] std::string origin() const;

    /// "example.com:8443", "[::1]": what the Host field carries; the scheme's own port is left out.
    [[nodiscard]] std::string authority() const;

    /// "/path?query": what the request line carries.
    [[nodiscard]] std::string target() const;
};

/// Splits an absolute http or https URL. The error is one line that says what is wrong. Refused: other schemes, no
/// host, a port that is not 1 to 65535, a bad IPv6 literal, bad percent escapes, and spaces, control characters or
/// bytes beyond ASCII anywhere: those have to be percent-encoded first.
Result<Url, std::string> parse_url(std::string_view text);

/// What a reference means in a document at `base`, as RFC 3986 5.2 says: "../a?b", "//host/", "?c", "#d", "" or an
/// absolute URL. Dot segments are removed; the fragment is the reference's own. Refused with one line is what
/// parse_url() refuses in the outcome, so other schemes too, and "http:a" without slashes.
Result<Url, std::string> resolve_url(const Url& base, std::string_view reference);

/// Undoes percent-encoding. Nothing if a "%" is not followed by two hexadecimal digits. The result may hold any byte.
std::optional<std::string> percent_decode(std::string_view text);

/// The same, with "+" as a space: for names and values of queries and HTML forms.
std::optional<std::string> query_decode(std::string_view text);

/// Encodes every byte but letters, digits and "-._~" (RFC 3986 2.3): safe in a path segment and in a query.
std::string percent_encode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// Splits "a=1&b=%20&c" into decoded pairs, in order; a name without "=" has the value "". Empty pieces are skipped.
/// The error, one line, is a bad percent escape or a name or value that is no UTF-8.
Result<QueryParameters, std::string> parse_query(std::string_view query);

/// Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text) noexcept;

}  // namespace caropig::http
