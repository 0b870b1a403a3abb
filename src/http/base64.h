#pragma once

#include <string>
#include <string_view>

namespace caropig::http {

/// Base64 with padding (RFC 4648 4): what Basic authentication sends, and cookies are made of.
std::string to_base64(std::string_view bytes);

}  // namespace caropig::http
