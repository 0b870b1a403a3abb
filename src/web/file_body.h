#pragma once

#include "web/served_folder.h"
#include <caropig/http/headers.h>
#include <caropig/http/range.h>
#include <caropig/web/response.h>

#include <memory>
#include <string>
#include <vector>

/// \file
/// Files, and parts of them, as bodies of responses.
namespace caropig::web {

/// All of a file.
Response whole_body(std::shared_ptr<const ServedFile> file);

/// One part of it.
Response part_body(std::shared_ptr<const ServedFile> file, const http::ByteRange& range);

/// Several parts as multipart/byteranges (RFC 9110 14.6), with 206 and `fields`; `type` is that of each part.
Response multipart_body(std::shared_ptr<const ServedFile> file, const std::vector<http::ByteRange>& ranges,
                        std::string_view type, http::Headers fields);

}  // namespace caropig::web
