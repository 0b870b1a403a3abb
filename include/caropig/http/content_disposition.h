#pragma once

#include <caropig/base/result.h>

#include <optional>
#include <string>
#include <string_view>

/// \file
/// Content-Disposition: the names of a form's fields and files, and what a download is to be called. Every sender has
/// its own way to write a file name that is not plain ASCII; here they all become UTF-8.
namespace caropig::http {

/// What a received Content-Disposition says. Names are UTF-8; the file name may hold directories and what else the
/// sender put in: show it, but use safe_file_name() for a path.
struct ContentDisposition {
    std::string type;  ///< "form-data", "attachment", "inline", in lower case
    std::optional<std::string> name;
    std::optional<std::string> file_name;  ///< of `filename*` where it is there and valid, else of `filename`
};

/// Takes a Content-Disposition apart (RFC 6266, RFC 7578 4.2), in linear time. The error is one line: what
/// parse_parameterized() refuses, or a name that is no UTF-8.
///
/// `filename*` may be UTF-8 or ISO-8859-1 (RFC 8187); another charset or a bad escape makes it be ignored, as RFC 6266
/// 4.3 asks. In form-data `%22`, `%0D` and `%0A` are undone in both names, which is how browsers send a quote, CR and
/// LF (the WHATWG's multipart encoding); other percent signs stand for themselves.
Result<ContentDisposition, std::string> parse_content_disposition(std::string_view text);

/// The value for a response that is to be saved as `file_name` (UTF-8):
/// `attachment; filename="na_ve.txt"; filename*=UTF-8''na%C3%AFve.txt`, the second only where the first can't say it
/// (RFC 6266 appendix D). `type` is a token: "attachment" or "inline"; a check fails for anything else. Slashes,
/// backslashes and control characters become "_"; nothing in the name can end the field or the quotes.
std::string format_content_disposition(std::string_view type, std::string_view file_name);

/// The part of a received file name that may become a name in a folder: what follows the last slash or backslash,
/// without control characters, without spaces at its ends and dots at its end, cut off at 255 bytes between
/// characters. Empty when nothing is left, as for "..": choose a name of your own then. Two files may have the same.
std::string safe_file_name(std::string_view file_name);

}  // namespace caropig::http
