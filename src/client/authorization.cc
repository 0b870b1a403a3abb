#include "client/authorization.h"

#include "client/random.h"
#include "http/base64.h"
#include "http/challenge.h"
#include <caropig/http/chars.h>
#include <caropig/http/url.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace caropig::client {
namespace {

bool has_control(std::string_view text) noexcept {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

void check_credentials(std::string_view user, std::string_view password) {
    if (user.find(':') != std::string_view::npos) throw std::invalid_argument("user: it has a colon");
    if (has_control(user)) throw std::invalid_argument("user: it has a control character");
    if (has_control(password)) throw std::invalid_argument("password: it has a control character");
}

std::string to_hex(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
    return text;
}

/// As the inside of a quoted string.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

bool has_auth(std::string_view qop) noexcept {
    while (!qop.empty()) {
        const std::size_t comma = qop.find(',');
        if (http::iequals(http::trim_ows(qop.substr(0, comma)), "auth")) return true;
        qop.remove_prefix(comma == std::string_view::npos ? qop.size() : comma + 1);
    }
    return false;
}

bool says_true(const std::string* value) noexcept { return value != nullptr && http::iequals(*value, "true"); }

}  // namespace

struct DigestAuth::Algorithm {
    std::string_view name;
    const EVP_MD* (*kind)();
    bool session;
    int strength;

    /// Empty where OpenSSL does not make it: MD5, when told to do only what FIPS approves.
    [[nodiscard]] std::string hash(std::string_view text) const {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        unsigned size = 0;
        const int made = ::EVP_Digest(text.data(), text.size(), digest.data(), &size, kind(), nullptr);
        return made == 1 ? to_hex(digest.data(), size) : std::string();
    }
};

std::string basic_authorization(std::string_view user, std::string_view password) {
    check_credentials(user, password);
    return "Basic " + http::to_base64(fmt::format("{}:{}", user, password));
}

std::string bearer_authorization(std::string_view token) {
    const auto is_char = [](char c) { return http::is_unreserved(c) || c == '+' || c == '/'; };
    const auto end = std::ranges::find_if_not(token, is_char);
    if (end == token.begin() || !std::all_of(end, token.end(), [](char c) { return c == '='; })) {
        throw std::invalid_argument("bearer token: it is none");
    }
    return fmt::format("Bearer {}", token);
}

DigestAuth::DigestAuth(std::string_view user, std::string_view password, MakeNonce make_nonce)
    : user_(user), password_(password), make_nonce_(make_nonce) {
    check_credentials(user, password);
}

std::string DigestAuth::random_nonce() { return random_hex(16); }

const DigestAuth::Algorithm* DigestAuth::find_algorithm(std::string_view name) noexcept {
    static constexpr std::array<Algorithm, 6> kAlgorithms{{{"MD5", &::EVP_md5, false, 1},
                                                           {"MD5-sess", &::EVP_md5, true, 1},
                                                           {"SHA-256", &::EVP_sha256, false, 2},
                                                           {"SHA-256-sess", &::EVP_sha256, true, 2},
                                                           {"SHA-512-256", &::EVP_sha512_256, false, 3},
                                                           {"SHA-512-256-sess", &::EVP_sha512_256, true, 3}}};
    const auto* found = std::ranges::find_if(
        kAlgorithms, [name](const Algorithm& algorithm) { return http::iequals(algorithm.name, name); });
    return found == kAlgorithms.end() ? nullptr : found;
}

std::string DigestAuth::authorization(std::string_view origin, std::string_view method, std::string_view target) {
    if (algorithm_ == nullptr || origin != origin_) return {};
    ++count_;
    std::string secret = algorithm_->hash(fmt::format("{}:{}:{}", user_, realm_, password_));
    if (algorithm_->session) secret = algorithm_->hash(fmt::format("{}:{}:{}", secret, nonce_, client_nonce_));
    const std::string asked = algorithm_->hash(fmt::format("{}:{}", method, target));
    const std::string response =
        has_qop_
            ? algorithm_->hash(fmt::format("{}:{}:{:08x}:{}:auth:{}", secret, nonce_, count_, client_nonce_, asked))
            : algorithm_->hash(fmt::format("{}:{}:{}", secret, nonce_, asked));

    std::string field = "Digest ";
    if (hashes_user_) {
        field += "username=" + quoted(algorithm_->hash(fmt::format("{}:{}", user_, realm_))) + ", userhash=true";
    } else if (std::ranges::all_of(user_, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
        field += "username=" + quoted(user_);
    } else {
        field += "username*=UTF-8''" + http::percent_encode(user_);  // RFC 8187
    }
    field += fmt::format(", realm={}, nonce={}, uri={}, algorithm={}, response=\"{}\"", quoted(realm_), quoted(nonce_),
                         quoted(target), algorithm_->name, response);
    if (has_qop_) field += fmt::format(", qop=auth, nc={:08x}", count_);
    if (has_qop_ || algorithm_->session) field += ", cnonce=" + quoted(client_nonce_);
    if (has_opaque_) field += ", opaque=" + quoted(opaque_);
    return field;
}

bool DigestAuth::challenged(std::string_view origin, const http::Headers& fields, std::string_view sent) {
    const Algorithm* chosen = nullptr;
    http::Challenge best;
    for (const std::string_view field : fields.get_all("WWW-Authenticate")) {
        for (http::Challenge& challenge : http::parse_challenges(field)) {
            if (challenge.scheme != "digest") continue;
            const std::string* name = challenge.find("algorithm");
            const Algorithm* algorithm = find_algorithm(name != nullptr ? std::string_view(*name) : "MD5");
            const std::string* qop = challenge.find("qop");
            if (algorithm == nullptr || algorithm->hash({}).empty() || (qop != nullptr && !has_auth(*qop))) continue;
            if (challenge.find("realm") == nullptr || challenge.find("nonce") == nullptr) continue;
            if (chosen != nullptr && chosen->strength >= algorithm->strength) continue;
            chosen = algorithm;
            best = std::move(challenge);
        }
    }
    if (chosen == nullptr) return false;
    const bool fresh = *best.find("nonce") != nonce_ || origin != origin_;
    if (!sent.empty() && !(fresh && says_true(best.find("stale")))) {
        algorithm_ = nullptr;  // the password is wrong: the next request begins anew
        return false;
    }
    origin_ = origin;
    algorithm_ = chosen;
    realm_ = *best.find("realm");
    nonce_ = *best.find("nonce");
    has_opaque_ = best.find("opaque") != nullptr;
    opaque_ = has_opaque_ ? *best.find("opaque") : std::string();
    has_qop_ = best.find("qop") != nullptr;
    hashes_user_ = says_true(best.find("userhash"));
    client_nonce_ = make_nonce_();
    count_ = 0;
    return true;
}

}  // namespace caropig::client
