#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace caropig::net {

/// Owners of what OpenSSL makes.
template <auto free>
struct OpensslDeleter {
    template <class T>
    void operator()(T* object) const noexcept {
        free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<&BIO_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDeleter<&SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<&SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslDeleter<&SSL_SESSION_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslDeleter<&X509_free>>;
using RevocationListPtr = std::unique_ptr<X509_CRL, OpensslDeleter<&X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<&EVP_PKEY_free>>;

}  // namespace caropig::net
