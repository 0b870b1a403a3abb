#pragma once

#include <caropig/client/file_body.h>
#include <caropig/client/request_body.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// \file
/// Forms with files, as browsers send them (multipart/form-data, RFC 7578).
namespace caropig::client {

/// The parts of a form, in the order in which they are added. What is not UTF-8, an empty name, control characters in a
/// name and what is no content type are refused with std::invalid_argument; quotes and line ends in names are encoded
/// as browsers do.
class MultipartForm {
public:
    /// With a boundary that nobody can guess, so that no content can hold it.
    MultipartForm();

    MultipartForm& field(std::string_view name, std::string_view value);
    /// A file whose bytes are in memory.
    MultipartForm& file(std::string_view name, std::string_view file_name, std::string_view bytes,
                        std::string_view content_type = "application/octet-stream");
    /// A file that is read while it is sent, under its own name.
    MultipartForm& file(std::string_view name, FileBody file,
                        std::string_view content_type = "application/octet-stream");

    /// "multipart/form-data; boundary=…".
    [[nodiscard]] std::string content_type() const;
    /// How long the whole form is.
    [[nodiscard]] std::uint64_t size() const noexcept;
    /// Writes the form as it is now; any number of times.
    [[nodiscard]] BodyProducer producer() const;

private:
    using Piece = std::variant<std::string, FileBody>;

    void begin_part(std::string_view name, const std::string_view* file_name, std::string_view content_type);
    std::string& text();

    std::string boundary_;
    std::vector<Piece> pieces_;
};

}  // namespace caropig::client
