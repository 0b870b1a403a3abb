#pragma once

#include <string_view>

namespace caropig::web {

/// The media type that goes with a name's ending, whatever its case: "text/css; charset=UTF-8" for "a/b.CSS";
/// "application/octet-stream" for an ending that is not known. Valid for ever.
std::string_view content_type_of(std::string_view path) noexcept;

/// Whether bodies of this type, with or without parameters, become much smaller by a content coding: text, and what is
/// text under another name. As Tornado's list, with JSON, XML and font formats that came later.
bool is_compressible(std::string_view content_type) noexcept;

}  // namespace caropig::web
