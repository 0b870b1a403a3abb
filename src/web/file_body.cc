#include "web/file_body.h"

#include <array>
#include <utility>

#include <sodium/randombytes.h>

namespace caropig::web {
namespace {

/// Sends `size` bytes of the file from `position` on.
Task<void> copy_file(BodyWriter& writer, const ServedFile& file, std::uint64_t position, std::uint64_t size) {
    if (file.in_memory) {
        co_await writer.write(file.content.text().substr(position, size));
        co_return;
    }
    co_await writer.write_file(file.file.get(), position, size);
}

struct Part {
    std::string head;
    http::ByteRange range;
};

Task<void> copy_parts(BodyWriter& writer, std::shared_ptr<const ServedFile> file, std::vector<Part> parts,
                      std::string end) {
    for (const Part& part : parts) {
        co_await writer.write(part.head);
        co_await copy_file(writer, *file, part.range.first, part.range.size());
    }
    co_await writer.write(end);
}

}  // namespace

Response whole_body(std::shared_ptr<const ServedFile> file) {
    if (file->identity.size == 0) return {};
    return part_body(file, {0, file->identity.size - 1});
}

Response part_body(std::shared_ptr<const ServedFile> file, const http::ByteRange& range) {
    if (file->in_memory) {
        const std::string_view part = file->content.text().substr(range.first, range.size());
        const InFile in_file = file->content.in_file(range.first);
        return Response::shared(part, std::move(file), in_file);
    }
    return Response::stream(range.size(), [file = std::move(file), range](BodyWriter& writer) {
        return copy_file(writer, *file, range.first, range.size());
    });
}

Response multipart_body(std::shared_ptr<const ServedFile> file, const std::vector<http::ByteRange>& ranges,
                        std::string_view type, http::Headers fields) {
    // Whoever writes a file can't know it, so no file can hold it but by a chance of one in 2^128.
    std::array<unsigned char, 16> random;
    ::randombytes_buf(random.data(), random.size());
    std::string boundary;
    for (unsigned char byte : random) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        boundary += kDigits[byte >> 4U];
        boundary += kDigits[byte & 15U];
    }
    std::vector<Part> parts;
    std::uint64_t size = 0;
    for (const http::ByteRange& range : ranges) {
        std::string head = parts.empty() ? "--" : "\r\n--";
        head.append(boundary).append("\r\nContent-Type: ").append(type).append("\r\nContent-Range: ");
        head += http::content_range(range, file->identity.size) + "\r\n\r\n";
        size += head.size() + range.size();
        parts.push_back({std::move(head), range});
    }
    std::string end = "\r\n--" + boundary + "--\r\n";
    size += end.size();
    auto producer = [file = std::move(file), parts = std::move(parts), end = std::move(end)](BodyWriter& writer) {
        return copy_parts(writer, file, parts, end);
    };
    Response response = Response::stream(size, std::move(producer));
    response.status(206).headers(std::move(fields)).content_type("multipart/byteranges; boundary=" + boundary);
    return response;
}

}  // namespace caropig::web
