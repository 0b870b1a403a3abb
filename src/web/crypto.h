#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// What signed cookies, XSRF tokens and sessions need of OpenSSL and libsodium, as text in and text out.
namespace caropig::web::crypto {

/// Prepares libsodium; before any other function of it. Any thread, cheap from the second time on.
void initialize();

/// Bytes that nobody can guess.
[[nodiscard]] std::string random_bytes(std::size_t size);

/// HMACs, in hexadecimal digits (lower case).
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view message);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view message);

/// SHA-256, in hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view text);

/// Compares in a time that depends on the lengths only.
[[nodiscard]] bool equal(std::string_view a, std::string_view b) noexcept;

[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Nothing for anything but pairs of hexadecimal digits.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);

/// The bytes of a text by http::to_base64(). Nothing for anything but well-formed base64 with its padding.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace caropig::web::crypto
