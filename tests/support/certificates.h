#pragma once

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace caropig::support {

/// A folder for a test, gone with its object.
class CertificateFolder {
public:
    CertificateFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "caropig-tls-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    CertificateFolder(const CertificateFolder&) = delete;
    CertificateFolder& operator=(const CertificateFolder&) = delete;
    ~CertificateFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// What a certificate says of its owner.
struct CertificateSpec {
    std::string subject = "leaf";                        ///< its common name
    std::string names = "DNS:example.com,IP:127.0.0.1";  ///< its alternative names, as OpenSSL's configuration has them
    std::string purpose = "serverAuth";
    int from_days = -1;
    int to_days = 30;
};

struct CertificateFiles {
    std::string chain;
    std::string key;
};

/// A root that issues certificates, into files of a folder that must outlive it.
class Authority {
public:
    explicit Authority(const CertificateFolder& folder, std::string name = "root")
        : folder_(folder), name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
        certificate_ =
            make({.subject = name_, .names = "", .purpose = "", .from_days = -2, .to_days = 60}, *key_, nullptr);
        write(root_file(), {certificate_.get()});
    }

    [[nodiscard]] std::string root_file() const { return folder_.file(name_ + ".pem"); }

    [[nodiscard]] CertificateFiles issue(const CertificateSpec& spec = {}) const { return make_files(spec, true); }
    [[nodiscard]] CertificateFiles self_signed(const CertificateSpec& spec = {}) const {
        return make_files(spec, false);
    }

    /// A list that revokes the root itself, or nothing.
    [[nodiscard]] std::string revocation_list(bool revokes_root) const {
        const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), &X509_CRL_free);
        X509_CRL_set_version(list.get(), 1);
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
        const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> now(ASN1_TIME_new(), &ASN1_TIME_free);
        ASN1_TIME_adj(now.get(), std::time(nullptr), -1, 0);
        X509_CRL_set1_lastUpdate(list.get(), now.get());
        ASN1_TIME_adj(now.get(), std::time(nullptr), 20, 0);
        X509_CRL_set1_nextUpdate(list.get(), now.get());
        if (revokes_root) {
            X509_REVOKED* revoked = X509_REVOKED_new();
            X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(certificate_.get()));
            ASN1_TIME_adj(now.get(), std::time(nullptr), -1, 0);
            X509_REVOKED_set_revocationDate(revoked, now.get());
            X509_CRL_add0_revoked(list.get(), revoked);
        }
        X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
        const std::string path = folder_.file(name_ + (revokes_root ? "-revoked.crl" : ".crl"));
        std::FILE* file = std::fopen(path.c_str(), "w");
        PEM_write_X509_CRL(file, list.get());
        std::fclose(file);
        return path;
    }

private:
    struct Free {
        void operator()(X509* certificate) const { X509_free(certificate); }
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };
    using Certificate = std::unique_ptr<X509, Free>;
    using Key = std::unique_ptr<EVP_PKEY, Free>;

    static void add_extension(X509& certificate, X509* issuer, int kind, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
        X509_add_ext(&certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }

    /// Signed by `issuer` with this authority's key, or by itself with its own.
    Certificate make(const CertificateSpec& spec, EVP_PKEY& key, X509* issuer) const {
        static long serial = 1000;
        Certificate made(X509_new());
        X509_set_version(made.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
        X509_time_adj_ex(X509_getm_notBefore(made.get()), spec.from_days, 0, nullptr);
        X509_time_adj_ex(X509_getm_notAfter(made.get()), spec.to_days, 0, nullptr);
        X509_set_pubkey(made.get(), &key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(spec.subject.c_str()), -1, -1, 0);
        X509* signer = issuer == nullptr ? made.get() : issuer;
        X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
        const bool is_root = spec.purpose.empty();
        add_extension(*made, signer, NID_basic_constraints, is_root ? "critical,CA:TRUE" : "critical,CA:FALSE");
        if (is_root) add_extension(*made, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
        if (!is_root) add_extension(*made, signer, NID_ext_key_usage, spec.purpose);
        if (!spec.names.empty()) add_extension(*made, signer, NID_subject_alt_name, spec.names);
        X509_sign(made.get(), issuer == nullptr ? &key : key_.get(), EVP_sha256());
        return made;
    }

    CertificateFiles make_files(const CertificateSpec& spec, bool issued) const {
        static int count = 0;
        const std::string stem = folder_.file("leaf" + std::to_string(++count));
        CertificateFiles files{stem + ".pem", stem + ".key"};
        const Key key(EVP_EC_gen("P-256"));
        const Certificate made = make(spec, *key, issued ? certificate_.get() : nullptr);
        write(files.chain, {made.get()});
        std::FILE* file = std::fopen(files.key.c_str(), "w");
        PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        return files;
    }

    static void write(const std::string& path, const std::vector<X509*>& certificates) {
        std::FILE* file = std::fopen(path.c_str(), "w");
        for (X509* certificate : certificates) PEM_write_X509(file, certificate);
        std::fclose(file);
    }

    const CertificateFolder& folder_;
    std::string name_;
    Key key_;
    Certificate certificate_;
};

}  // namespace caropig::support
