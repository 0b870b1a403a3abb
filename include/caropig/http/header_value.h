#pragma once

#include <caropig/base/result.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Field values with parameters, such as `text/html; charset="utf-8"`: what Content-Type and Content-Disposition hold
/// (RFC 9110 5.6.6). Splitting them at semicolons goes wrong at the first quoted one, so there is one parser for all.
namespace caropig::http {

/// A value and its parameters, owning.
struct ParameterizedValue {
    std::string value;  ///< before the first semicolon, in lower case
    /// Names in lower case, without a second of the same name; values without their quotes.
    std::vector<std::pair<std::string, std::string>> parameters;

    /// The parameter of that name (in lower case), or null.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
};

/// Takes a value with parameters apart, in linear time. The error is one line that says what is wrong: no value,
/// whitespace or control characters where none may be, a quote that does not end, a parameter given twice (two
/// readers would choose differently), more than 32 of them.
///
/// In a quoted string a backslash quotes a quote or a backslash and stands for itself before anything else: browsers
/// send the file name `C:\new` as it is, and nobody has a reason to quote other characters (RFC 9110 5.6.4).
Result<ParameterizedValue, std::string> parse_parameterized(std::string_view text);

/// What of a Content-Type matters to a reader of bodies.
struct ContentType {
    std::string type;      ///< "multipart/form-data", in lower case
    std::string charset;   ///< in lower case; empty where there is none
    std::string boundary;  ///< as sent; empty where there is none
};

/// A Content-Type (RFC 9110 8.3). The error is one line.
Result<ContentType, std::string> parse_content_type(std::string_view text);

/// Whether a Content-Type is of that type ("text/html"), whatever its parameters. Cheap: allocates nothing.
bool has_media_type(std::string_view content_type, std::string_view type) noexcept;

}  // namespace caropig::http
