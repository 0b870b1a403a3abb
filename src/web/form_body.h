#pragma once

#include <caropig/http/multipart.h>
#include <caropig/http/url.h>
#include <caropig/web/form.h>

#include <string_view>

namespace caropig::web {

enum class FormKind : unsigned char { kNone, kUrlencoded, kMultipart };

/// What the Content-Type says that the body is. HttpError 415 for a form with a Content-Encoding.
FormKind form_kind(const Request& request);

/// The parser for the request's body. HttpError 415 when it is no multipart form, 400 when it names no boundary.
http::MultipartParser multipart_parser(const Request& request, const FormOptions& options);

/// An urlencoded form's names and values. HttpError 400, or 413 beyond the options.
http::QueryParameters parse_urlencoded(std::string_view text, const FormOptions& options);

/// What a part says of its file, with the name made safe.
FormFileInfo file_info(const http::MultipartPart& part);

/// Adds a multipart body that is in memory: files view it.
void parse_multipart(const Request& request, std::string_view body, const FormOptions& options, Form& form);

}  // namespace caropig::web
