#pragma once

#include <caropig/http/headers.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace caropig::client {

/// The value of an Authorization field for Basic (RFC 7617): UTF-8 in Base64. Throws std::invalid_argument for a user
/// with a colon, or control characters in either.
std::string basic_authorization(std::string_view user, std::string_view password);

/// The same for a bearer token (RFC 6750 2.1). Throws std::invalid_argument for what is none.
std::string bearer_authorization(std::string_view token);

/// Digest authentication (RFC 7616) with one user and password, for one origin: SHA-512-256, SHA-256 and MD5, each also
/// as -sess, with qop=auth, or without qop, as RFC 2069 had it. It remembers the server's nonce and counts its uses, so
/// that requests that share one are asked for it once. No I/O; on one thread at a time.
class DigestAuth {
public:
    /// Gives what nobody can guess, in hexadecimal digits.
    using MakeNonce = std::string (*)();

    /// Throws std::invalid_argument as basic_authorization().
    DigestAuth(std::string_view user, std::string_view password, MakeNonce make_nonce = &random_nonce);

    /// The Authorization field for the next request; empty as long as no server has asked, or another origin has.
    std::string authorization(std::string_view origin, std::string_view method, std::string_view target);

    /// Takes a 401 to a request that was sent with `sent` (which may be empty). Whether it is worth to ask again: the
    /// server has asked for digest for the first time, or says that the nonce was stale. Where it just did not accept
    /// the password, it is not.
    bool challenged(std::string_view origin, const http::Headers& fields, std::string_view sent);

private:
    struct Algorithm;
    static std::string random_nonce();
    static const Algorithm* find_algorithm(std::string_view name) noexcept;

    std::string user_;
    std::string password_;
    MakeNonce make_nonce_;
    std::string origin_;
    const Algorithm* algorithm_ = nullptr;  // null: nobody has asked
    std::string realm_;
    std::string nonce_;
    std::string opaque_;
    std::string client_nonce_;
    std::uint32_t count_ = 0;
    bool has_opaque_ = false;
    bool has_qop_ = false;
    bool hashes_user_ = false;
};

}  // namespace caropig::client
