#include "web/content_types.h"

#include <caropig/http/chars.h>

#include <algorithm>
#include <array>
#include <utility>

namespace caropig::web {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

constexpr std::array kTypes = std::to_array<Row>({
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"atom", "application/atom+xml"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css; charset=UTF-8"},
    {"csv", "text/csv; charset=UTF-8"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=UTF-8"},
    {"html", "text/html; charset=UTF-8"},
    {"ico", "image/x-icon"},
    {"ics", "text/calendar; charset=UTF-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=UTF-8"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=UTF-8"},
    {"mjs", "text/javascript; charset=UTF-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ts", "video/mp2t"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=UTF-8"},
    {"vtt", "text/vtt; charset=UTF-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
});
static_assert(std::is_sorted(kTypes.begin(), kTypes.end()), "the table is searched by halves");

constexpr std::size_t kLongestEnding = 16;

constexpr std::array<std::string_view, 13> kCompressible{
    "application/atom+xml", "application/javascript",    "application/json",
    "application/ld+json",  "application/manifest+json", "application/rss+xml",
    "application/wasm",     "application/x-javascript",  "application/xhtml+xml",
    "application/xml",      "application/problem+json",  "font/ttf",
    "image/svg+xml",
};

}  // namespace

std::string_view content_type_of(std::string_view path) noexcept {
    constexpr std::string_view kUnknown = "application/octet-stream";
    std::size_t dot = path.rfind('.');
    if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return kUnknown;
    std::string_view ending = path.substr(dot + 1);
    if (ending.size() > kLongestEnding) return kUnknown;
    std::array<char, kLongestEnding> lower;
    std::transform(ending.begin(), ending.end(), lower.begin(), http::to_lower);
    std::string_view wanted(lower.data(), ending.size());
    auto row = std::lower_bound(kTypes.begin(), kTypes.end(), wanted,
                                [](const Row& each, std::string_view name) { return each.first < name; });
    return row != kTypes.end() && row->first == wanted ? row->second : kUnknown;
}

bool is_compressible(std::string_view content_type) noexcept {
    std::string_view type = http::trim_ows(content_type.substr(0, content_type.find(';')));
    constexpr std::string_view kText = "text/";
    if (http::iequals(type.substr(0, kText.size()), kText)) return true;
    return std::any_of(kCompressible.begin(), kCompressible.end(),
                       [type](std::string_view each) { return http::iequals(each, type); });
}

}  // namespace caropig::web
