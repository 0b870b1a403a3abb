#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Whom to trust in TLS, and as whom to speak. The defaults are those for the public internet; what weakens them has a
/// name that nobody writes by accident.
namespace caropig::net {

enum class TlsVersion : std::uint8_t { k1_2, k1_3 };

/// Options of a TlsClientContext. Set what differs from the defaults, by name. Files are read when the context is made,
/// which says what is wrong with them.
class TlsClientOptions {
public:
    /// The PEM file of the roots to trust, or its text, instead of the system's; those of several calls add up.
    TlsClientOptions& roots_file(std::string_view path) {
        roots_files_.emplace_back(path);
        return *this;
    }
    TlsClientOptions& roots_pem(std::string_view text) {
        roots_pem_ += text;
        roots_pem_ += '\n';
        return *this;
    }
    [[nodiscard]] const std::vector<std::string>& roots_files() const noexcept { return roots_files_; }
    [[nodiscard]] const std::string& roots_pem() const noexcept { return roots_pem_; }

    /// PEM text of certificates that no chain may contain, whoever trusts them: a root that was withdrawn, an
    /// intermediate that fell into wrong hands. Compared byte by byte.
    TlsClientOptions& distrust_pem(std::string_view text) {
        distrust_pem_ += text;
        distrust_pem_ += '\n';
        return *this;
    }
    [[nodiscard]] const std::string& distrust_pem() const noexcept { return distrust_pem_; }

    /// A PEM file of revocation lists. Once there is one, each certificate of a chain is looked up, the root too, and
    /// one whose issuer has no current list here is not accepted. Nothing is downloaded.
    TlsClientOptions& revocation_lists_file(std::string_view path) {
        revocation_lists_file_ = path;
        return *this;
    }
    [[nodiscard]] const std::string& revocation_lists_file() const noexcept { return revocation_lists_file_; }

    /// The client's own certificate, for servers that ask: PEM files of the chain, leaf first, and of the key, which
    /// has no passphrase. Both may be one file.
    TlsClientOptions& certificate_files(std::string_view chain, std::string_view key) {
        chain_file_ = chain;
        key_file_ = key;
        return *this;
    }
    [[nodiscard]] const std::string& chain_file() const noexcept { return chain_file_; }
    [[nodiscard]] const std::string& key_file() const noexcept { return key_file_; }

    /// What is older is refused. TLS 1.2 unless set: what came before is broken (RFC 8996).
    TlsClientOptions& minimum_version(TlsVersion version) noexcept {
        minimum_version_ = version;
        return *this;
    }
    [[nodiscard]] TlsVersion minimum_version() const noexcept { return minimum_version_; }

    /// The protocols to offer (ALPN, RFC 7301), the preferred first; 1 to 255 bytes each. "http/1.1" unless set; none:
    /// nothing is offered.
    TlsClientOptions& protocols(std::vector<std::string> names) {
        protocols_ = std::move(names);
        return *this;
    }
    [[nodiscard]] const std::vector<std::string>& protocols() const noexcept { return protocols_; }

    /// Of how many servers sessions are kept for resumption, which saves a round trip and the certificates; the least
    /// recently used goes first. 1000 unless set, of up to 2 sessions and about 5 KiB each. 0: none is kept.
    TlsClientOptions& max_resumable_servers(std::size_t count) noexcept {
        max_resumable_servers_ = count;
        return *this;
    }
    [[nodiscard]] std::size_t max_resumable_servers() const noexcept { return max_resumable_servers_; }

    /// Accepts whatever certificate the server shows, of anybody, for anything: whoever stands in between can read and
    /// change everything. For a test against a server of one's own.
    TlsClientOptions& dangerously_accept_any_certificate() noexcept {
        accepts_any_ = true;
        return *this;
    }
    [[nodiscard]] bool accepts_any_certificate() const noexcept { return accepts_any_; }

private:
    std::vector<std::string> roots_files_;
    std::string roots_pem_;
    std::string distrust_pem_;
    std::string revocation_lists_file_;
    std::string chain_file_;
    std::string key_file_;
    std::vector<std::string> protocols_{"http/1.1"};
    std::size_t max_resumable_servers_ = 1000;
    TlsVersion minimum_version_ = TlsVersion::k1_2;
    bool accepts_any_ = false;
};

/// Options of a TlsServerContext: the certificate is what there must be.
class TlsServerOptions {
public:
    /// PEM files of the chain, leaf first, and of the key, which has no passphrase.
    TlsServerOptions(std::string_view chain_file, std::string_view key_file)
        : chain_file_(chain_file), key_file_(key_file) {}
    [[nodiscard]] const std::string& chain_file() const noexcept { return chain_file_; }
    [[nodiscard]] const std::string& key_file() const noexcept { return key_file_; }

    /// Asks clients for a certificate that leads to one of the roots of this PEM file, and refuses those without.
    TlsServerOptions& client_roots_file(std::string_view path) {
        client_roots_file_ = path;
        return *this;
    }
    [[nodiscard]] const std::string& client_roots_file() const noexcept { return client_roots_file_; }

    /// As TlsClientOptions::minimum_version().
    TlsServerOptions& minimum_version(TlsVersion version) noexcept {
        minimum_version_ = version;
        return *this;
    }
    [[nodiscard]] TlsVersion minimum_version() const noexcept { return minimum_version_; }

    /// The protocols to choose from (ALPN), the preferred first. A client that offers others only is refused, one that
    /// offers none is not.
    TlsServerOptions& protocols(std::vector<std::string> names) {
        protocols_ = std::move(names);
        return *this;
    }
    [[nodiscard]] const std::vector<std::string>& protocols() const noexcept { return protocols_; }

private:
    std::string chain_file_;
    std::string key_file_;
    std::string client_roots_file_;
    std::vector<std::string> protocols_{"http/1.1"};
    TlsVersion minimum_version_ = TlsVersion::k1_2;
};

}  // namespace caropig::net
