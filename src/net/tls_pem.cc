#include "net/tls_pem.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace caropig::net {
namespace {

BioPtr reader_of(std::string_view text) {
    BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (bio == nullptr) throw std::bad_alloc();
    return bio;
}

/// Nobody is there to ask.
int no_passphrase(char* /*into*/, int /*size*/, int /*writing*/, void* /*argument*/) { return -1; }

/// All objects of one kind.
template <class Pointer, class Read>
std::vector<Pointer> read_all(std::string_view text, std::string_view source, std::string_view what, Read read) {
    const BioPtr bio = reader_of(text);
    std::vector<Pointer> found;
    ERR_clear_error();
    while (auto* one = read(bio.get(), nullptr, &no_passphrase, nullptr)) found.emplace_back(one);
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end) fail_pem(source, fmt::format("{} {} of it is damaged", what, found.size() + 1));
    if (found.empty()) fail_pem(source, fmt::format("there is no {} in it", what));
    return found;
}

}  // namespace

void fail_pem(std::string_view source, std::string_view reason) {
    ERR_clear_error();
    throw std::invalid_argument(fmt::format("{}: {}", source, reason));
}

std::string read_pem_file(const std::string& path, std::string_view option) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file || text.empty()) {
        const int error = errno;
        const std::string why = !file.is_open() || error != 0 ? std::generic_category().message(error) : "it is empty";
        throw std::invalid_argument(fmt::format("{} {}: {}", option, path, why));
    }
    return text;
}

std::vector<CertificatePtr> read_certificates(std::string_view text, std::string_view source) {
    return read_all<CertificatePtr>(text, source, "certificate", &PEM_read_bio_X509);
}

std::vector<RevocationListPtr> read_revocation_lists(std::string_view text, std::string_view source) {
    return read_all<RevocationListPtr>(text, source, "revocation list", &PEM_read_bio_X509_CRL);
}

KeyPtr read_key(std::string_view text, std::string_view source) {
    const BioPtr bio = reader_of(text);
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
    if (key == nullptr) fail_pem(source, "there is no key in it, or it has a passphrase");
    return key;
}

}  // namespace caropig::net
