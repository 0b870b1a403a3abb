#pragma once

#include <string>
#include <string_view>

namespace caropig::client {

/// Base64 with padding (RFC 4648 4): what Basic authentication sends.
std::string to_base64(std::string_view bytes);

}  // namespace caropig::client
