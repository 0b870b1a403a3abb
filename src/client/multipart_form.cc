#include "client/random.h"
#include <caropig/client/multipart_form.h>
#include <caropig/http/header_value.h>
#include <caropig/http/url.h>

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace caropig::client {
namespace {

/// As WHATWG's "multipart/form-data encoding algorithm" has it: the reader undoes these three, and nothing else.
std::string escaped(std::string_view name, std::string_view what) {
    if (!http::is_utf8(name)) throw std::invalid_argument(fmt::format("form: a {} is not UTF-8", what));
    std::string out;
    for (const char c : name) {
        if (c == '"') {
            out += "%22";
        } else if (c == '\r') {
            out += "%0D";
        } else if (c == '\n') {
            out += "%0A";
        } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
            throw std::invalid_argument(fmt::format("form: a {} has a control character", what));
        } else {
            out += c;
        }
    }
    return out;
}

Task<void> write_pieces(std::shared_ptr<const std::vector<std::variant<std::string, FileBody>>> pieces,
                        RequestBody& body) {
    for (const auto& piece : *pieces) {
        if (const auto* file = std::get_if<FileBody>(&piece)) {
            co_await file->write_to(body);
        } else {
            co_await body.write(std::get<std::string>(piece));
        }
    }
}

}  // namespace

MultipartForm::MultipartForm() : boundary_("caropig-" + random_hex(16)) {}

MultipartForm& MultipartForm::field(std::string_view name, std::string_view value) {
    begin_part(name, nullptr, {});
    text().append(value).append("\r\n");
    return *this;
}

MultipartForm& MultipartForm::file(std::string_view name, std::string_view file_name, std::string_view bytes,
                                   std::string_view content_type) {
    begin_part(name, &file_name, content_type);
    text().append(bytes).append("\r\n");
    return *this;
}

MultipartForm& MultipartForm::file(std::string_view name, FileBody file, std::string_view content_type) {
    const std::string_view file_name = file.name();
    begin_part(name, &file_name, content_type);
    pieces_.emplace_back(std::move(file));
    text() += "\r\n";
    return *this;
}

std::string MultipartForm::content_type() const { return "multipart/form-data; boundary=" + boundary_; }

std::uint64_t MultipartForm::size() const noexcept {
    std::uint64_t total = boundary_.size() + 6;  // of the last boundary
    for (const Piece& piece : pieces_) {
        const auto* file = std::get_if<FileBody>(&piece);
        total += file != nullptr ? file->size() : std::get<std::string>(piece).size();
    }
    return total;
}

BodyProducer MultipartForm::producer() const {
    auto pieces = std::make_shared<std::vector<Piece>>(pieces_);
    pieces->emplace_back(fmt::format("--{}--\r\n", boundary_));
    return [pieces = std::shared_ptr<const std::vector<Piece>>(std::move(pieces))](RequestBody& body) {
        return write_pieces(pieces, body);
    };
}

void MultipartForm::begin_part(std::string_view name, const std::string_view* file_name,
                               std::string_view content_type) {
    if (name.empty()) throw std::invalid_argument("form: a name is empty");
    std::string head =
        fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"", boundary_, escaped(name, "name"));
    if (file_name != nullptr) {
        if (!http::parse_content_type(content_type)) throw std::invalid_argument("form: a content type is none");
        head += fmt::format("; filename=\"{}\"\r\nContent-Type: {}", escaped(*file_name, "file name"), content_type);
    }
    text().append(head).append("\r\n\r\n");
}

std::string& MultipartForm::text() {
    if (pieces_.empty() || !std::holds_alternative<std::string>(pieces_.back())) pieces_.emplace_back(std::string());
    return std::get<std::string>(pieces_.back());
}

}  // namespace caropig::client
