#pragma once

#include "net/tls_handles.h"

#include <string>
#include <string_view>
#include <vector>

namespace caropig::net {

// Reading what is PEM. `source` is a file or an option, which errors begin with. All throw std::invalid_argument.

[[noreturn]] void fail_pem(std::string_view source, std::string_view reason);

/// The text of a file; `option` says what it is for.
std::string read_pem_file(const std::string& path, std::string_view option);

/// All certificates of `text`; at least one.
std::vector<CertificatePtr> read_certificates(std::string_view text, std::string_view source);
std::vector<RevocationListPtr> read_revocation_lists(std::string_view text, std::string_view source);
KeyPtr read_key(std::string_view text, std::string_view source);

}  // namespace caropig::net
