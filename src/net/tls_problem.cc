#include "net/tls_context.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <openssl/x509v3.h>

namespace caropig::net {
namespace {

/// What a peer calls itself goes into a line of a log: printable, and not for ever.
constexpr std::size_t kLongestName = 100;

std::string subject_of(const X509& certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (bio == nullptr) return {};
    // RFC 2253 escapes what is not printable.
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
    const char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    std::string name(text, std::min(static_cast<std::size_t>(std::max(size, 0L)), kLongestName));
    return name.empty() ? "no subject" : name;
}

/// "a.example, b.example": the names that a certificate is for, the first of them.
std::string names_of(const X509& certificate) {
    constexpr int kMostNames = 3;
    using Names = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<&GENERAL_NAMES_free>>;
    const Names names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::string list;
    int count = 0;
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()) && count < kMostNames; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         std::min(static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)), kLongestName));
        std::ranges::replace_if(text, [](char c) { return c <= ' ' || c > '~'; }, '?');
        list += fmt::format("{}{}", count++ == 0 ? "" : ", ", text);
    }
    return list;
}

std::string_view describe(int error) {
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "it has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "it is not valid yet";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return "it is self-signed";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return "this root is not trusted";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "its issuer is not known";
        case X509_V_ERR_INVALID_PURPOSE:
            return "it is for another purpose";
        case X509_V_ERR_CERT_REVOKED:
            return "it is revoked";
        case X509_V_ERR_CERT_REJECTED:
            return "it is distrusted";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return "there is no revocation list of its issuer";
        case X509_V_ERR_CRL_HAS_EXPIRED:
            return "the revocation list of its issuer has expired";
        default:
            return X509_verify_cert_error_string(error);
    }
}

}  // namespace

std::string certificate_problem(X509_STORE_CTX& store, const std::string& host) {
    const int error = X509_STORE_CTX_get_error(&store);
    const X509* certificate = X509_STORE_CTX_get_current_cert(&store);
    if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(&store);
    if (certificate == nullptr) return std::string(describe(error));
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        const std::string names = names_of(*certificate);
        return names.empty() ? fmt::format("it is not for {}", host)
                             : fmt::format("it is not for {} but for {}", host, names);
    }
    const bool above = X509_STORE_CTX_get_error_depth(&store) > 0;
    return fmt::format("{}{} ({})", above ? "in its chain, " : "", describe(error), subject_of(*certificate));
}

}  // namespace caropig::net
