#include "web/form_body.h"

#include <caropig/http/content_disposition.h>
#include <caropig/http/header_value.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request.h>

#include <algorithm>
#include <utility>

namespace caropig::web {

FormKind form_kind(const Request& request) {
    const std::string_view type = request.header("Content-Type").value_or(std::string_view());
    FormKind kind = FormKind::kNone;
    if (http::has_media_type(type, "application/x-www-form-urlencoded")) kind = FormKind::kUrlencoded;
    if (http::has_media_type(type, "multipart/form-data")) kind = FormKind::kMultipart;
    if (kind != FormKind::kNone && !request.decodes_body() && request.header("Content-Encoding")) {
        throw HttpError(415, "a form with a Content-Encoding");
    }
    return kind;
}

http::MultipartParser multipart_parser(const Request& request, const FormOptions& options) {
    if (form_kind(request) != FormKind::kMultipart) throw HttpError(415, "the body is no multipart form");
    auto type = http::parse_content_type(request.header("Content-Type").value_or(std::string_view()));
    if (!type) throw HttpError(400, "Content-Type: " + type.error());
    auto parser = http::MultipartParser::create(type->boundary, options.multipart());
    if (!parser) throw HttpError(parser.error().status, parser.error().reason);
    return *std::move(parser);
}

http::QueryParameters parse_urlencoded(std::string_view text, const FormOptions& options) {
    if (text.size() > options.max_memory_bytes()) throw HttpError(413, "an urlencoded form of too many bytes");
    auto separators = static_cast<std::size_t>(std::count(text.begin(), text.end(), '&'));
    if (!text.empty() && separators >= options.max_fields()) throw HttpError(413, "a form of too many fields");
    auto fields = http::parse_query(text);
    if (!fields) throw HttpError(400, fields.error());
    for (const auto& [name, value] : *fields) {
        if (name.size() + value.size() > options.max_field_bytes()) throw HttpError(413, "a field of too many bytes");
    }
    return *std::move(fields);
}

FormFileInfo file_info(const http::MultipartPart& part) {
    std::string as_sent = part.file_name.value_or(std::string());
    return {part.name, http::safe_file_name(as_sent), as_sent, part.content_type};
}

namespace detail {

void FormBudget::begin(const FormFileInfo& part) {
    in_file_ = part.is_file();
    part_bytes_ = 0;
    if (in_file_) {
        if (++files_ > options_.max_files()) throw HttpError(413, "a form of too many files");
    } else {
        if (++fields_ > options_.max_fields()) throw HttpError(413, "a form of too many fields");
        add(part.name.size());
    }
}

void FormBudget::add(std::size_t bytes) {
    part_bytes_ += bytes;
    if (!in_file_) {
        if (part_bytes_ > options_.max_field_bytes()) throw HttpError(413, "a field of too many bytes");
        return;
    }
    files_bytes_ += bytes;
    if (part_bytes_ > options_.max_file_bytes()) throw HttpError(413, "a file of too many bytes");
    if (files_bytes_ > options_.max_files_bytes()) throw HttpError(413, "files of too many bytes");
}

void FormBudget::keep(std::size_t bytes) {
    if (bytes > memory_left()) throw HttpError(413, "a form of too many bytes");
    memory_ += bytes;
}

}  // namespace detail

void parse_multipart(const Request& request, std::string_view body, const FormOptions& options, Form& form) {
    using Event = http::MultipartParser::Event;
    http::MultipartParser parser = multipart_parser(request, options);
    detail::FormBudget budget(options);
    FormFileInfo info;
    std::string_view contents;
    while (!parser.done()) {
        const auto step = parser.next(body);
        body.remove_prefix(step.consumed);
        switch (step.event) {
            case Event::kPart:
                info = file_info(parser.part());
                contents = {};
                budget.begin(info);
                break;
            case Event::kData:
                contents = step.data;  // the whole body was given, so this is all of the part
                budget.add(contents.size());
                break;
            case Event::kPartEnd:
                if (info.is_file()) {
                    form.add(FormFile(std::exchange(info, {}), contents));
                } else {
                    if (!http::is_utf8(contents)) throw HttpError(400, "a field that is not UTF-8");
                    budget.keep(info.name.size() + contents.size());
                    form.add(FormField{info.name, std::string(contents)});
                }
                break;
            case Event::kEnd:
                break;
            case Event::kNeedMore:
                throw HttpError(400, "a multipart body that is cut off");
            case Event::kError:
                throw HttpError(parser.error().status, parser.error().reason);
        }
    }
}

}  // namespace caropig::web
