#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace caropig::support {

/// A certificate authority in a folder of the test's, by the program openssl.
class CertificateAuthority {
public:
    explicit CertificateAuthority(std::filesystem::path folder) : folder_(std::move(folder)) {
        std::filesystem::create_directories(folder_);
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=Test CA' -keyout " +
            path("ca.key") + " -out " + path("ca.pem"));
    }

    [[nodiscard]] std::string ca() const { return path("ca.pem"); }
    [[nodiscard]] std::string certificate(const std::string& name) const { return path(name + ".pem"); }
    [[nodiscard]] std::string key(const std::string& name) const { return path(name + ".key"); }

    /// Makes NAME.pem and NAME.key for `subject_alternative_name`: "DNS:db.example" or "IP:127.0.0.1".
    void issue(const std::string& name, const std::string& subject_alternative_name) const {
        const std::string extensions = path(name + ".ext");
        std::ofstream(extensions) << "subjectAltName=" << subject_alternative_name << "\n";
        openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=" + name + "' -keyout " +
                key(name) + " -out " + path(name + ".csr"));
        openssl("x509 -req -days 2 -in " + path(name + ".csr") + " -CA " + ca() + " -CAkey " + path("ca.key") +
                " -CAcreateserial -extfile " + extensions + " -out " + certificate(name));
    }

private:
    [[nodiscard]] std::string path(const std::string& file) const { return folder_ / file; }

    void openssl(const std::string& arguments) const {
        const std::string command = "openssl " + arguments + " 2>>" + path("openssl.log");
        // Before there is a second thread.
        if (std::system(command.c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe)
            throw std::runtime_error("openssl failed (is the Debian package openssl installed?): " + command);
        }
    }

    std::filesystem::path folder_;
};

}  // namespace caropig::support
