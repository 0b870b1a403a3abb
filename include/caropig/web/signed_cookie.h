#pragma once

#include <caropig/http/cookie.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// A browser may send any cookie it likes. A signed one carries a proof that this application made it, for this name,
/// and when; it is not encrypted. The format is Tornado's, so that both read each other's:
///
///     2|LENGTH:KEY VERSION|LENGTH:TIME|LENGTH:NAME|LENGTH:BASE64 OF THE VALUE|HMAC-SHA256 IN HEX
namespace caropig::web {

/// The keys that cookies are signed with: one secret, or several with numbers, of which one signs and all verify.
/// To change the secret without logging anybody out: add the new one under a new number, make that the current one,
/// and take the old one away when its cookies have expired. As Tornado's cookie_secret and key_version.
class CookieSecrets {
public:
    /// A secret should be 32 random bytes or more, from outside of the source code. Fewer than 16 bytes are refused
    /// (std::invalid_argument), and so are none.
    explicit CookieSecrets(std::string secret);
    /// `current` is the number of the one that signs; std::invalid_argument when it is not among them, or for a number
    /// below 0.
    CookieSecrets(std::map<int, std::string> secrets, int current);

    /// The number of the secret that signs; 0 for a single one.
    [[nodiscard]] int current_version() const noexcept { return current_; }
    [[nodiscard]] const std::string& current() const { return secrets_.at(current_); }
    /// The secret that verifies what was signed with this number; null when there is none. A single secret verifies
    /// whatever the number, as in Tornado.
    [[nodiscard]] const std::string* find(int version) const noexcept;
    [[nodiscard]] bool is_single() const noexcept { return single_; }

private:
    std::map<int, std::string> secrets_;
    int current_ = 0;
    bool single_ = false;
};

/// The attributes of a signed cookie unless others are given: kept for 30 days, as in Tornado; hidden from scripts.
[[nodiscard]] http::CookieOptions signed_cookie_options();

/// Which signed values are taken.
class SignedValueOptions {
public:
    /// 31 days unless set, as in Tornado; independent of how long the browser keeps the cookie.
    SignedValueOptions& max_age(std::chrono::seconds age) noexcept {
        max_age_ = age;
        return *this;
    }
    /// The oldest format that is taken: 1 unless set, as in Tornado, which is HMAC-SHA1 and only for a single secret.
    /// 2 where no cookies of Tornado before 3.2 are to be expected. Others: std::invalid_argument.
    SignedValueOptions& min_version(int version);

    [[nodiscard]] std::chrono::seconds max_age() const noexcept { return max_age_; }
    [[nodiscard]] int min_version() const noexcept { return min_version_; }

private:
    std::chrono::seconds max_age_ = std::chrono::days(31);
    int min_version_ = 1;
};

/// Signs `value`, which may hold any bytes, for the cookie (or whatever else) called `name`, at this moment: seconds
/// since 1970, of Loop::unix_seconds(). As Tornado's create_signed_value, in its format 2.
[[nodiscard]] std::string create_signed_value(const CookieSecrets& secrets, std::string_view name,
                                              std::string_view value, std::int64_t now);

/// The value that was signed; nothing when it was signed for another name, with no secret known here, too long ago, or
/// more than 31 days in the future, and for anything that is no signed value. The comparison takes the same time
/// wherever the signatures differ. As Tornado's decode_signed_value; Tornado looks at the future in format 1 only.
[[nodiscard]] std::optional<std::string> decode_signed_value(const CookieSecrets& secrets, std::string_view name,
                                                             std::string_view text, std::int64_t now,
                                                             const SignedValueOptions& options = {});

/// The number of the secret that it says it was signed with, unverified; nothing for format 1 or no signed value.
[[nodiscard]] std::optional<int> signature_key_version(std::string_view text);

}  // namespace caropig::web
