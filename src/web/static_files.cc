#include "web/content_types.h"
#include "web/error_page.h"
#include "web/file_body.h"
#include "web/file_versions.h"
#include "web/lazy_pool.h"
#include "web/representations.h"
#include "web/served_folder.h"
#include <caropig/http/date.h>
#include <caropig/http/preconditions.h>
#include <caropig/http/range.h>
#include <caropig/http/url.h>
#include <caropig/loop/loop.h>
#include <caropig/web/application.h>
#include <caropig/web/http_error.h>
#include <caropig/web/static_files.h>

#include <algorithm>
#include <array>
#include <limits>

namespace caropig::web {
namespace {

using http::ContentCoding;

/// Whether the path is spelt in the one way there is: "a//b" and "./a" would be other names for the same file, without
/// end, and each would be cached and hashed anew. One slash at the end is a folder's.
bool is_plain(std::string_view path) noexcept {
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        if (name.empty() || name == "." || name == "..") return false;
        path.remove_prefix(std::min(name.size() + 1, path.size()));
    }
    return true;
}

/// Whether a segment of the path begins with a dot, as "." and ".." do.
bool is_hidden(std::string_view path) noexcept {
    constexpr std::string_view kWellKnown = ".well-known/";
    if (path.starts_with(kWellKnown)) path.remove_prefix(kWellKnown.size());
    return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

/// The value of the first `v` of a query.
std::string_view version_asked_for(std::string_view query) noexcept {
    while (!query.empty()) {
        std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.starts_with("v=")) return part.substr(2);
    }
    return {};
}

/// Percent-encodes the segments of a path.
std::string encode_path(std::string_view path) {
    std::string encoded;
    for (;;) {
        std::size_t slash = path.find('/');
        encoded += http::percent_encode(path.substr(0, slash));
        if (slash == std::string_view::npos) return encoded;
        encoded += '/';
        path.remove_prefix(slash + 1);
    }
}

}  // namespace

StaticFilesOptions& StaticFilesOptions::header(std::string_view name, std::string_view value) {
    Response checked;
    checked.header(name, value);
    headers_.set(name, value);
    return *this;
}

StaticFilesOptions& StaticFilesOptions::content_type(std::string ending, std::string type) {
    Response().content_type(type);  // refuses what is no field value
    content_types_.emplace_back(std::move(ending), std::move(type));
    return *this;
}

class StaticFiles::State : public std::enable_shared_from_this<State> {
public:
    State(const std::string& folder, StaticFilesOptions options)
        : options_(std::move(options)),
          common_{{{common_fields(options_, false, false), common_fields(options_, false, true)},
                   {common_fields(options_, true, false), common_fields(options_, true, true)}}},
          folder_(folder, {options_.cached_file_bytes(), options_.hashed_file_bytes(), options_.cache_bytes(),
                           options_.cache_entries(), options_.check_interval()}) {}

    [[nodiscard]] const StaticFilesOptions& options() const noexcept { return options_; }

    /// Answers a request for what is at `path` beneath the folder.
    Response respond(const Request& request, const std::string& path);
    std::optional<std::string> version(const std::string& path);

private:
    /// What of a request and its file counts for every form that the answer may take.
    struct Asked {
        bool versioned;
        bool negotiated;
        std::string_view type;  // lives as long as the options
    };

    Response answer_folder(const Request& request, std::string path);
    Response answer_file(const Request& request, const std::string& path, std::shared_ptr<const ServedFile> file);
    [[nodiscard]] Response answer_whole(const Representation& chosen, const Asked& asked) const;
    [[nodiscard]] Response answer_parts(const Representation& chosen, const Asked& asked,
                                        const http::RangeSelection& selection) const;
    static Task<Response> answer_later(std::shared_ptr<State> self, Representation chosen, Asked asked);
    [[nodiscard]] std::string_view type_of(std::string_view path) const noexcept;
    static http::Headers common_fields(const StaticFilesOptions& options, bool versioned, bool negotiated);
    [[nodiscard]] http::Headers fields(const Representation& chosen, const Asked& asked) const;

    StaticFilesOptions options_;
    std::array<std::array<http::Headers, 2>, 2> common_;  // versioned or not, negotiated or not
    ServedFolder folder_;
    FileVersions versions_{folder_, hash_pool_};
    Representations representations_{options_, folder_, pool_};
    // The last, so that their threads end before what they work on. Two, so that nobody who waits for a page to be
    // compressed waits for the hash of a film.
    LazyPool hash_pool_;
    LazyPool pool_;
};

Response StaticFiles::State::respond(const Request& request, const std::string& path) {
    if (path.find('\0') != std::string::npos) throw HttpError(404);
    if (!is_plain(path)) throw HttpError(404);
    if (!options_.hidden_files() && is_hidden(path)) throw HttpError(404);
    if (path.empty()) return answer_folder(request, path);
    auto file = folder_.find(path, request.loop().now());
    if (file->kind == ServedFile::Kind::kFolder) return answer_folder(request, path);
    if (file->kind == ServedFile::Kind::kNothing) throw HttpError(404);
    return answer_file(request, path, std::move(file));
}

std::optional<std::string> StaticFiles::State::version(const std::string& path) {
    if (path.empty() || path.find('\0') != std::string::npos) return std::nullopt;
    auto file = folder_.find(path, std::nullopt);
    if (file->kind != ServedFile::Kind::kFile) return std::nullopt;
    return versions_.of(path, *file);
}

Response StaticFiles::State::answer_folder(const Request& request, std::string path) {
    if (options_.default_file().empty()) throw HttpError(404);
    if (!path.empty() && path.back() != '/') path += '/';
    path += options_.default_file();
    auto file = folder_.find(path, request.loop().now());
    if (file->kind != ServedFile::Kind::kFile) throw HttpError(404);
    std::string_view asked = request.path();
    if (asked.ends_with('/')) return answer_file(request, path, std::move(file));
    // "//host/" is a URL of another host, and browsers read a backslash as a slash.
    if (asked.size() < 2 || asked[0] != '/' || asked[1] == '/' || asked[1] == '\\') throw HttpError(403);
    std::string target(asked);
    target += '/';
    if (!request.query().empty()) target.append("?").append(request.query());
    return Response::redirect(target, true);
}

Response StaticFiles::State::answer_file(const Request& request, const std::string& path,
                                         std::shared_ptr<const ServedFile> file) {
    const std::string_view type = type_of(path);
    const std::string_view version = version_asked_for(request.query());
    const Asked asked{!version.empty() && versions_.of(path, *file) == version,
                      (options_.precompressed() || options_.compress()) && is_compressible(type), type};
    // A date that the file may still outlive unnoticed is no strong one; the file knows better than its second.
    const std::int64_t now = file->settled ? std::numeric_limits<std::int64_t>::max() : file->modified;
    // A part is always one of the file itself: parts of two codings would make nonsense together.
    const bool part = options_.ranges() &&
                      http::range_is_wanted(request.method(), request.headers(), {file->etag, file->modified}, now);
    const http::PreferenceList accepted =
        asked.negotiated && !part ? http::PreferenceList(request.headers(), "Accept-Encoding") : http::PreferenceList();
    Representation chosen = representations_.choose(path, std::move(file), accepted, request.loop().now());
    const http::Validators current{chosen.etag(), chosen.file->modified};
    switch (http::check_preconditions(request.method(), request.headers(), current)) {
        case http::Precondition::kFailed:
            return error_page(412);
        case http::Precondition::kNotModified: {
            Response unchanged(304, {});
            unchanged.headers(fields(chosen, asked)).remove_header("Content-Encoding");
            return unchanged;
        }
        case http::Precondition::kPassed:
            break;
    }
    if (part) {
        auto selection = http::select_ranges(request.header("Range").value_or(""), chosen.file->identity.size);
        if (selection.kind != http::RangeSelection::Kind::kWhole) return answer_parts(chosen, asked, selection);
    }
    if (chosen.to_be_made) {
        if (!Representations::is_quick(chosen)) {
            return Response::later([self = shared_from_this(), chosen = std::move(chosen), asked]() mutable {
                return answer_later(std::move(self), std::move(chosen), asked);
            });
        }
        chosen = representations_.make(chosen);
    }
    return answer_whole(chosen, asked);
}

Task<Response> StaticFiles::State::answer_later(std::shared_ptr<State> self, Representation chosen, Asked asked) {
    Representation made = co_await self->representations_.make_later(std::move(chosen));
    co_return self->answer_whole(made, asked);
}

Response StaticFiles::State::answer_whole(const Representation& chosen, const Asked& asked) const {
    Response response = whole_body(chosen.file);
    response.headers(fields(chosen, asked)).static_content_type(asked.type);
    return response;
}

Response StaticFiles::State::answer_parts(const Representation& chosen, const Asked& asked,
                                          const http::RangeSelection& selection) const {
    const std::uint64_t size = chosen.file->identity.size;
    if (selection.kind == http::RangeSelection::Kind::kUnsatisfiable) {
        Response response = Response::text({}, 416);
        response.header("Content-Range", http::content_range_unsatisfied(size)).header("Accept-Ranges", "bytes");
        return response;
    }
    if (selection.ranges.size() == 1) {
        Response response = part_body(chosen.file, selection.ranges[0]);
        response.headers(fields(chosen, asked)).static_content_type(asked.type);
        response.header("Content-Range", http::content_range(selection.ranges[0], size));
        response.status(206);
        return response;
    }
    return multipart_body(chosen.file, selection.ranges, asked.type, fields(chosen, asked));
}

std::string_view StaticFiles::State::type_of(std::string_view path) const noexcept {
    for (const auto& [ending, type] : options_.content_types()) {
        if (path.ends_with(ending) && path.substr(0, path.size() - ending.size()).ends_with('.')) return type;
    }
    return content_type_of(path);
}

/// The fields that all files have alike.
http::Headers StaticFiles::State::common_fields(const StaticFilesOptions& options, bool versioned, bool negotiated) {
    http::Headers result;
    if (versioned) {
        const std::string seconds = std::to_string(options.versioned_max_age().count());
        result.add("Cache-Control", "public, max-age=" + seconds + ", immutable");
    } else if (options.max_age().count() > 0) {
        result.add("Cache-Control", "max-age=" + std::to_string(options.max_age().count()));
    } else {
        result.add("Cache-Control", "no-cache");
    }
    if (negotiated) result.add("Vary", "Accept-Encoding");
    if (options.ranges()) result.add("Accept-Ranges", "bytes");
    result.add("X-Content-Type-Options", "nosniff");
    for (const http::HeaderView& field : options.headers()) result.set(field.name, field.value);
    return result;
}

http::Headers StaticFiles::State::fields(const Representation& chosen, const Asked& asked) const {
    constexpr std::size_t kMost = 512;  // but for own ones
    http::Headers result;
    result.reserve(kMost);
    if (chosen.to_be_made) {
        result.add("ETag", chosen.etag());
        result.add("Last-Modified", http::format_http_date(chosen.file->modified));
    } else {
        result.append(chosen.file->validators);
    }
    if (chosen.coding != ContentCoding::kIdentity) result.add("Content-Encoding", to_string(chosen.coding));
    for (const http::HeaderView& field : options_.headers()) result.remove(field.name);
    result.append(common_[asked.versioned ? 1 : 0][asked.negotiated ? 1 : 0]);
    return result;
}

StaticFiles::StaticFiles(const std::string& folder, StaticFilesOptions options)
    : state_(std::make_shared<State>(folder, std::move(options))) {}

Handler StaticFiles::handler() const {
    return Handler(
        [state = state_](Request& request) { return state->respond(request, std::string(request.param(0))); });
}

void StaticFiles::add_to(Application& app) const {
    app.get(Pattern::braces(state_->options().url_prefix() + "{path:path}"), handler());
    for (const char* name : {"favicon.ico", "robots.txt"}) {
        app.get(Pattern::literal("/" + std::string(name)),
                [state = state_, name](Request& request) { return state->respond(request, name); });
    }
}

std::string StaticFiles::static_url(std::string_view path) const {
    std::string url = state_->options().url_prefix() + encode_path(path);
    if (auto hash = version(path)) url.append("?v=").append(*hash);
    return url;
}

std::optional<std::string> StaticFiles::version(std::string_view path) const {
    return state_->version(std::string(path));
}

Handler static_files(const std::string& folder, StaticFilesOptions options) {
    return StaticFiles(folder, std::move(options)).handler();
}

}  // namespace caropig::web
