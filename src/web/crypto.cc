#include "web/crypto.h"

#include <caropig/base/check.h>

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

namespace caropig::web::crypto {
namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const EVP_MD* digest, std::string_view key, std::string_view message) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    const unsigned char* made =
        HMAC(digest, key.data(), static_cast<int>(key.size()), bytes_of(message), message.size(), code.data(), &size);
    CAROPIG_CHECK(made != nullptr, "OpenSSL could not make an HMAC");
    return to_hex({reinterpret_cast<const char*>(code.data()), size});
}

}  // namespace

void initialize() {
    static const int state = sodium_init();
    CAROPIG_CHECK(state >= 0, "libsodium could not be initialized");
}

std::string random_bytes(std::size_t size) {
    initialize();
    std::string bytes(size, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string hmac_sha256(std::string_view key, std::string_view message) { return hmac(EVP_sha256(), key, message); }
std::string hmac_sha1(std::string_view key, std::string_view message) { return hmac(EVP_sha1(), key, message); }

std::string sha256(std::string_view text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), bytes_of(text), text.size());
    return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

bool equal(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::string_view bytes) {
    std::string text(bytes.size() * 2 + 1, '\0');  // libsodium ends it with NUL
    sodium_bin2hex(text.data(), text.size(), bytes_of(bytes), bytes.size());
    text.pop_back();
    return text;
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes(text.size() / 2, '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    int failed = sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(),
                                nullptr, &size, &end);
    if (failed != 0 || end != text.data() + text.size() || size != bytes.size()) return std::nullopt;
    return bytes;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                   text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
    if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

}  // namespace caropig::web::crypto
