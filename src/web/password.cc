#include "http/base64.h"
#include "web/crypto.h"
#include "web/password_hash.h"
#include <caropig/web/password.h>

#include <array>
#include <cerrno>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>

#include <sodium.h>

namespace caropig::web {
namespace {

/// Overwrites a coroutine's own copy of a password when the coroutine ends.
class Wiped {
public:
    explicit Wiped(std::string& text) noexcept : text_(text) {}
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    ~Wiped() { sodium_memzero(text_.data(), text_.size()); }

private:
    std::string& text_;
};

PasswordOptions checked(const PasswordOptions& options) {
    if (options.operations() < crypto_pwhash_OPSLIMIT_MIN) {
        throw std::invalid_argument("hashing a password takes 1 operation or more");
    }
    if (options.memory_bytes() < crypto_pwhash_MEMLIMIT_MIN || options.memory_bytes() > crypto_pwhash_MEMLIMIT_MAX) {
        throw std::invalid_argument("hashing a password takes 8192 bytes of memory or more, less than 4 TiB");
    }
    if (options.threads() == 0) throw std::invalid_argument("hashing passwords takes 1 thread or more");
    return options;
}

std::string unpadded_base64(const std::string& bytes) {
    std::string text = http::to_base64(bytes);
    while (text.ends_with('=')) text.pop_back();
    return text;
}

}  // namespace

std::string hash_of_nobody(unsigned operations, std::size_t memory_bytes) {
    constexpr std::size_t kHashBytes = 32;
    return "$argon2id$v=19$m=" + std::to_string(memory_bytes / 1024) + ",t=" + std::to_string(operations) + ",p=1$" +
           unpadded_base64(crypto::random_bytes(crypto_pwhash_SALTBYTES)) + "$" +
           unpadded_base64(crypto::random_bytes(kHashBytes));
}

PasswordHasher::PasswordHasher(const PasswordOptions& options)
    : options_(checked(options)),
      nobody_(hash_of_nobody(options.operations(), options.memory_bytes())),
      pool_(ThreadPoolOptions().threads(options.threads()).queue_limit(options.queue_limit()).name("password")) {}

Task<std::string> PasswordHasher::hash(std::string password) {
    Wiped wiped(password);
    if (password.size() > options_.max_password_bytes()) {
        throw LimitError("a password has at most " + std::to_string(options_.max_password_bytes()) + " bytes");
    }
    auto work = [this, &password] {
        std::array<char, crypto_pwhash_STRBYTES> text{};
        int failed = crypto_pwhash_str_alg(text.data(), password.data(), password.size(), options_.operations(),
                                           options_.memory_bytes(), crypto_pwhash_ALG_ARGON2ID13);
        if (failed != 0) throw std::bad_alloc();
        return std::string(text.data());
    };
    co_return co_await pool_.run(std::ref(work));
}

Task<bool> PasswordHasher::verify(std::optional<std::string> hash, std::string password) {
    Wiped wiped(password);
    if (password.size() > options_.max_password_bytes()) co_return false;
    bool known =
        hash && crypto_pwhash_str_needs_rehash(hash->c_str(), options_.operations(), options_.memory_bytes()) >= 0;
    const std::string& text = known ? *hash : nobody_;
    auto work = [&text, &password] {
        errno = 0;
        int failed = crypto_pwhash_str_verify(text.c_str(), password.data(), password.size());
        if (failed != 0 && errno == ENOMEM) throw std::bad_alloc();
        return failed == 0;
    };
    bool verified = co_await pool_.run(std::ref(work));
    co_return known&& verified;
}

bool PasswordHasher::needs_rehash(const std::string& hash) const {
    return crypto_pwhash_str_needs_rehash(hash.c_str(), options_.operations(), options_.memory_bytes()) != 0;
}

}  // namespace caropig::web
