#pragma once

#include <string_view>

/// \file
/// The words that go with a status code (RFC 9110 section 15 and the IANA registry).
namespace caropig::http {

/// "OK" for 200 and so on; "Unknown" for a code without a registered phrase. Valid for ever.
std::string_view reason_phrase(int status) noexcept;

}  // namespace caropig::http
