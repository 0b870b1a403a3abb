#include "web/digest.h"

#include "web/crypto.h"
#include <caropig/base/check.h>
#include <caropig/base/error.h>

#include <array>
#include <cerrno>
#include <memory>

#include <openssl/evp.h>
#include <unistd.h>

namespace caropig::web {
namespace {

std::string hex(const unsigned char* bytes, unsigned size) {
    return crypto::to_hex({reinterpret_cast<const char*>(bytes), size});
}

std::string digest_hex(std::string_view data, const EVP_MD* kind) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    int ok = ::EVP_Digest(data.data(), data.size(), digest.data(), &size, kind, nullptr);
    CAROPIG_CHECK(ok == 1, "OpenSSL refused to make a digest");
    return hex(digest.data(), size);
}

}  // namespace

std::string sha512_hex(std::string_view data) { return digest_hex(data, ::EVP_sha512()); }
std::string sha1_hex(std::string_view data) { return digest_hex(data, ::EVP_sha1()); }

std::string sha512_hex_of_file(int file) {
    constexpr std::size_t kPiece = std::size_t{256} * 1024;
    std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free);
    CAROPIG_CHECK(context && ::EVP_DigestInit_ex(context.get(), ::EVP_sha512(), nullptr) == 1,
                  "OpenSSL refused to begin a digest");
    std::string buffer(kPiece, '\0');
    off_t position = 0;
    for (;;) {
        ssize_t size = ::pread(file, buffer.data(), buffer.size(), position);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw IoError(errno_code(errno), "read a static file");
        if (size == 0) break;
        ::EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(size));
        position += size;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    CAROPIG_CHECK(::EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1, "OpenSSL refused to end a digest");
    return hex(digest.data(), size);
}

}  // namespace caropig::web
