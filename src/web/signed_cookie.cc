#include "http/base64.h"
#include "web/crypto.h"
#include <caropig/http/chars.h>
#include <caropig/web/signed_cookie.h>

#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

namespace caropig::web {
namespace {

constexpr std::size_t kMinSecretBytes = 16;
constexpr std::int64_t kMaxSecondsAhead = std::int64_t{31} * 86400;

void check_secret(const std::string& secret) {
    if (secret.size() < kMinSecretBytes) throw std::invalid_argument("a cookie secret has 16 bytes or more");
    if (secret.size() > std::numeric_limits<int>::max()) throw std::invalid_argument("a cookie secret is too long");
}

/// Digits only, without zeros in front.
template <class Number>
std::optional<Number> read_number(std::string_view text) {
    Number number = 0;
    bool canonical = !text.empty() && http::is_digit(text[0]) && (text[0] != '0' || text.size() == 1);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (!canonical || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Takes "LENGTH:FIELD|" from the front of the text.
std::optional<std::string_view> take_field(std::string_view& text) {
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto length = read_number<std::size_t>(text.substr(0, colon));
    text.remove_prefix(colon + 1);
    if (!length || *length >= text.size() || text[*length] != '|') return std::nullopt;
    std::string_view field = text.substr(0, *length);
    text.remove_prefix(*length + 1);
    return field;
}

struct Fields {
    int key_version = 0;
    std::int64_t time = 0;
    std::string_view name;
    std::string_view value;  // base64
    std::string_view signed_text;
    std::string_view signature;
};

std::optional<Fields> read_fields(std::string_view text) {
    if (!text.starts_with("2|")) return std::nullopt;
    std::string_view rest = text.substr(2);
    auto key_version = take_field(rest);
    auto time = key_version ? take_field(rest) : std::nullopt;
    auto name = time ? take_field(rest) : std::nullopt;
    auto value = name ? take_field(rest) : std::nullopt;
    if (!value) return std::nullopt;
    auto version_number = read_number<int>(*key_version);
    auto time_number = read_number<std::int64_t>(*time);
    if (!version_number || !time_number) return std::nullopt;
    return Fields{*version_number, *time_number, *name, *value, text.substr(0, text.size() - rest.size()), rest};
}

bool is_timely(std::int64_t time, std::int64_t now, const SignedValueOptions& options) noexcept {
    return time >= 0 && now - time <= options.max_age().count() && time <= now + kMaxSecondsAhead;
}

std::optional<std::string> decode_version_2(const CookieSecrets& secrets, std::string_view name, std::string_view text,
                                            std::int64_t now, const SignedValueOptions& options) {
    auto fields = read_fields(text);
    if (!fields) return std::nullopt;
    const std::string* secret = secrets.find(fields->key_version);
    if (secret == nullptr || !crypto::equal(fields->signature, crypto::hmac_sha256(*secret, fields->signed_text))) {
        return std::nullopt;
    }
    if (fields->name != name || !is_timely(fields->time, now, options)) return std::nullopt;
    return crypto::from_base64(fields->value);
}

/// "BASE64|TIME|SIGNATURE". What is signed has no marks between its parts, so digits could be moved from the value to
/// the time: that is why a time far ahead or with a zero in front is refused.
std::optional<std::string> decode_version_1(const CookieSecrets& secrets, std::string_view name, std::string_view text,
                                            std::int64_t now, const SignedValueOptions& options) {
    if (!secrets.is_single()) return std::nullopt;
    std::size_t first = text.find('|');
    std::size_t second = first == std::string_view::npos ? first : text.find('|', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    std::string_view value = text.substr(0, first);
    std::string_view time = text.substr(first + 1, second - first - 1);
    std::string message = std::string(name) + std::string(value) + std::string(time);
    if (!crypto::equal(text.substr(second + 1), crypto::hmac_sha1(secrets.current(), message))) return std::nullopt;
    auto seconds = read_number<std::int64_t>(time);
    if (!seconds || !is_timely(*seconds, now, options)) return std::nullopt;
    return crypto::from_base64(value);
}

/// Format 1 has no number in front; Tornado takes up to three digits and a bar for a format's number, since base64 of
/// digits alone has a multiple of four.
int format_of(std::string_view text) {
    auto number = read_number<int>(text.substr(0, text.find('|')));
    return number && *number >= 1 && *number <= 999 && text.find('|') != std::string_view::npos ? *number : 1;
}

std::string field(std::string_view text) { return std::to_string(text.size()) + ":" + std::string(text) + "|"; }

}  // namespace

http::CookieOptions signed_cookie_options() { return http::CookieOptions().max_age(std::chrono::days(30)).http_only(); }

CookieSecrets::CookieSecrets(std::string secret) : single_(true) {
    check_secret(secret);
    secrets_.emplace(0, std::move(secret));
}

CookieSecrets::CookieSecrets(std::map<int, std::string> secrets, int current)
    : secrets_(std::move(secrets)), current_(current) {
    for (const auto& [version, secret] : secrets_) {
        if (version < 0) throw std::invalid_argument("the number of a cookie secret is 0 or more");
        check_secret(secret);
    }
    if (!secrets_.contains(current_)) throw std::invalid_argument("there is no cookie secret with the current number");
}

const std::string* CookieSecrets::find(int version) const noexcept {
    auto found = secrets_.find(single_ ? 0 : version);
    return found == secrets_.end() ? nullptr : &found->second;
}

SignedValueOptions& SignedValueOptions::min_version(int version) {
    if (version != 1 && version != 2) throw std::invalid_argument("signed values have the formats 1 and 2");
    min_version_ = version;
    return *this;
}

std::string create_signed_value(const CookieSecrets& secrets, std::string_view name, std::string_view value,
                                std::int64_t now) {
    std::string text = "2|" + field(std::to_string(secrets.current_version())) + field(std::to_string(now)) +
                       field(name) + field(http::to_base64(value));
    text += crypto::hmac_sha256(secrets.current(), text);
    return text;
}

std::optional<std::string> decode_signed_value(const CookieSecrets& secrets, std::string_view name,
                                               std::string_view text, std::int64_t now,
                                               const SignedValueOptions& options) {
    int format = format_of(text);
    if (format < options.min_version()) return std::nullopt;
    if (format == 2) return decode_version_2(secrets, name, text, now, options);
    if (format == 1) return decode_version_1(secrets, name, text, now, options);
    return std::nullopt;
}

std::optional<int> signature_key_version(std::string_view text) {
    auto fields = read_fields(text);
    if (!fields) return std::nullopt;
    return fields->key_version;
}

}  // namespace caropig::web
