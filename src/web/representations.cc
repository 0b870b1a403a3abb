#include "web/representations.h"

#include "http/content_coding.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

namespace caropig::web {
namespace {

using http::ContentCoding;

/// What is preferred comes first: br makes the smallest files, zstd the fastest.
constexpr std::array kCodings{ContentCoding::kBrotli, ContentCoding::kZstd, ContentCoding::kGzip};
constexpr std::size_t kQuick = std::size_t{16} * 1024;  // some hundred microseconds

std::string_view ending_of(ContentCoding coding) noexcept {
    switch (coding) {
        case ContentCoding::kBrotli:
            return ".br";
        case ContentCoding::kZstd:
            return ".zst";
        case ContentCoding::kGzip:
            return ".gz";
        case ContentCoding::kIdentity:
            break;
    }
    return "";
}

/// The tag of a file's coded form. Weak: another release of a library may make other bytes of the same content.
std::string coded_etag(std::string_view etag, ContentCoding coding) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    etag.remove_suffix(1);
    return "W/" + std::string(etag) + "-" + std::string(to_string(coding)) + "\"";
}

/// What a coded form is kept under: it says when its file was modified, which two files of one content may not share.
/// No path holds a NUL.
std::string key_of(std::string_view etag, std::int64_t modified) {
    return std::string(1, '\0') + std::string(etag) + '\0' + std::to_string(modified);
}

Representation plain(std::shared_ptr<const ServedFile> file) {
    return {std::move(file), ContentCoding::kIdentity, {}, false};
}

}  // namespace

Representation Representations::choose(const std::string& path, std::shared_ptr<const ServedFile> file,
                                       const http::PreferenceList& accepted, TimePoint now) {
    Representation best = plain(std::move(file));
    if (accepted.size() == 0) return best;
    if (options_.precompressed() && find_sibling(path, accepted, now, best)) return best;
    const ServedFile& source = *best.file;
    if (!options_.compress() || source.identity.size < options_.compress_min_bytes() ||
        source.identity.size > options_.compress_max_bytes() || (source.version.empty() && !source.settled)) {
        return best;
    }
    ContentCoding coding = http::choose_coding(accepted, kCodings);
    if (coding == ContentCoding::kIdentity) return best;
    std::string etag = coded_etag(source.etag, coding);
    auto made = folder_.find_made(key_of(etag, source.modified));
    if (made == nullptr) return {std::move(best.file), coding, std::move(etag), true};
    if (made->kind == ServedFile::Kind::kNothing) return best;  // it did not become smaller
    return {std::move(made), coding, {}, false};
}

bool Representations::find_sibling(const std::string& path, const http::PreferenceList& accepted, TimePoint now,
                                   Representation& best) {
    std::array left = kCodings;
    std::size_t count = left.size();
    while (count > 0) {
        ContentCoding coding = http::choose_coding(accepted, std::span(left).first(count));
        if (coding == ContentCoding::kIdentity) return false;
        auto sibling = folder_.find(path + std::string(ending_of(coding)), now);
        if (sibling->kind == ServedFile::Kind::kFile && sibling->modified >= best.file->modified) {
            best = {std::move(sibling), coding, {}, false};
            return true;
        }
        auto end = std::remove(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count), coding);
        count = static_cast<std::size_t>(end - left.begin());
    }
    return false;
}

bool Representations::is_quick(const Representation& representation) noexcept {
    return representation.file->in_memory && representation.file->identity.size <= kQuick;
}

Representation Representations::make(const Representation& wanted) {
    const std::string key = key_of(wanted.etag(), wanted.file->modified);
    auto made = folder_.find_made(key);  // who waited for the thread behind another has it made already
    if (made == nullptr) {
        std::optional<std::string> read;
        if (!wanted.file->in_memory) read = read_content(*wanted.file);
        if (!wanted.file->in_memory && !read) return plain(wanted.file);
        auto coded = std::make_shared<ServedFile>();
        const std::string_view content = read ? std::string_view(*read) : wanted.file->content.text();
        std::string bytes = http::encode_content(wanted.coding, http::CodingLevels().of(wanted.coding), content);
        if (bytes.size() < wanted.file->identity.size) {
            coded->kind = ServedFile::Kind::kFile;
            bytes.shrink_to_fit();
            coded->content = folder_.keep_content(std::move(bytes));
        }
        coded->identity.size = coded->content.size();
        coded->in_memory = true;
        coded->modified = wanted.file->modified;
        coded->set_etag(std::string(wanted.etag()));
        made = std::move(coded);
        folder_.put_made(key, made);
    }
    if (made->kind == ServedFile::Kind::kNothing) return plain(wanted.file);
    return {std::move(made), wanted.coding, {}, false};
}

Task<Representation> Representations::make_later(Representation representation) {
    auto work = [this, &representation] { return make(representation); };
    co_return co_await pool_.get().run(std::ref(work));
}

}  // namespace caropig::web
