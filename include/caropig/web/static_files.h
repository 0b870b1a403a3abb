#pragma once

#include <caropig/web/handler.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Files of a folder as responses: fast, cached by clients as long as they may be, and nothing but these files.
namespace caropig::web {

class Application;

/// Set what differs from the defaults, by name: `StaticFilesOptions().default_file("").max_age(std::chrono::hours(1))`.
class StaticFilesOptions {
public:
    using Milliseconds = std::chrono::milliseconds;
    using Seconds = std::chrono::seconds;

#define CAROPIG_OPTION(type, name, value)               \
    [[nodiscard]] type name() const { return name##_; } \
    StaticFilesOptions& name(type new_value) {          \
        name##_ = std::move(new_value);                 \
        return *this;                                   \
    }                                                   \
                                                        \
private:                                                \
    type name##_ = value;                               \
                                                        \
public:
    /// Where add_to() puts the files, and what static_url() begins with. As Tornado's static_url_prefix.
    CAROPIG_OPTION(std::string, url_prefix, "/static/")
    /// What a folder is answered with, when it has a file of this name; empty: folders are 404. A path that names such
    /// a folder without a slash at its end is redirected to the one with it. As Tornado's default_filename.
    CAROPIG_OPTION(std::string, default_file, "index.html")
    /// Whether files and folders whose names begin with a dot are served: ".git" and ".env" should not be.
    /// ".well-known" at the start of a path is served in any case (RFC 8615).
    CAROPIG_OPTION(bool, hidden_files, false)

    /// How long clients may use a file without asking whether it has changed, where the URL does not carry its version.
    /// Zero: they ask each time, and are answered 304 (Cache-Control: no-cache).
    CAROPIG_OPTION(Seconds, max_age, Seconds(0))
    /// The same where the URL carries the version, so that a changed file has another URL. Tornado's ten years.
    CAROPIG_OPTION(Seconds, versioned_max_age, std::chrono::hours(24) * 3650)
    /// Whether parts of files are sent to who asks for them.
    CAROPIG_OPTION(bool, ranges, true)

    /// Whether "style.css.br", "style.css.zst" or "style.css.gz" beside "style.css" is sent instead of it to clients
    /// that accept the coding; one that is older than the file itself is not.
    CAROPIG_OPTION(bool, precompressed, true)
    /// Whether text is compressed for clients that accept it. The result is kept, so that each file costs that once.
    CAROPIG_OPTION(bool, compress, true)
    /// A file below this size is sent as it is: what would be saved fits into the packet that is sent anyway.
    CAROPIG_OPTION(std::uint64_t, compress_min_bytes, 1024)
    /// A file above this size is not compressed, since that is done in memory: compress it beforehand.
    CAROPIG_OPTION(std::uint64_t, compress_max_bytes, std::uint64_t{4} * 1024 * 1024)

    /// Files up to this size are kept in memory, from where they are sent at half the cost; larger ones are read at
    /// each request.
    CAROPIG_OPTION(std::size_t, cached_file_bytes, std::size_t{2} * 1024 * 1024)
    /// Of the files in memory, those up to this size are named by the hash of their content, which costs the loop half
    /// a millisecond at most; larger ones by what the file system knows of them (changed when, size, inode).
    CAROPIG_OPTION(std::size_t, hashed_file_bytes, std::size_t{256} * 1024)
    /// Memory for files and compressed files, of all workers together; those not asked for lately make room.
    CAROPIG_OPTION(std::size_t, cache_bytes, std::size_t{64} * 1024 * 1024)
    /// Files that are remembered at most, however small they are.
    CAROPIG_OPTION(std::size_t, cache_entries, 10'000)
    /// How long what was seen of a file is taken for true. Zero: the file system is asked at each request, one system
    /// call, so that a changed file is served at once.
    CAROPIG_OPTION(Milliseconds, check_interval, Milliseconds(0))

#undef CAROPIG_OPTION

    /// A field that every response with a file carries. Throws std::invalid_argument as Response::header().
    StaticFilesOptions& header(std::string_view name, std::string_view value);
    /// The type of files whose name ends with `.ending`, instead of that of the built-in table.
    StaticFilesOptions& content_type(std::string ending, std::string type);

    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& content_types() const noexcept {
        return content_types_;
    }

private:
    http::Headers headers_;
    std::vector<std::pair<std::string, std::string>> content_types_;
};

/// The files of a folder. Regular files beneath it only: "..", absolute paths and links that lead out of it are 404
/// (the kernel resolves the path beneath the folder), and so is everything that is no file. GET and HEAD, conditional
/// requests (RFC 9110 section 13) and ranges (section 14) are answered. A file that shrinks while it is sent closes the
/// connection. Copies share the folder and its cache; all functions may be called from any thread.
///
///     StaticFiles files("assets");
///     files.add_to(app);
///     std::string url = files.static_url("style.css");  // "/static/style.css?v=…"
class StaticFiles {
public:
    /// Throws IoError when the folder can't be opened.
    explicit StaticFiles(const std::string& folder, StaticFilesOptions options = {});

    /// A handler for a route with one parameter, the path below the folder.
    [[nodiscard]] Handler handler() const;
    /// Adds routes: url_prefix and all that is below it, /favicon.ico and /robots.txt. As Tornado's static_path.
    void add_to(Application& app) const;

    /// The file's URL with its version, so that browsers may keep it: "/static/a.css?v=HASH". Without a version as long
    /// as version() has none. As Tornado's static_url, to the byte for names that need no percent-encoding.
    [[nodiscard]] std::string static_url(std::string_view path) const;

    /// SHA-512 of the file's content in hexadecimal digits, as Tornado's get_content_version. Files above
    /// hashed_file_bytes are hashed by a thread of their own, and have no version until it is done, nor have those that
    /// are not there.
    [[nodiscard]] std::optional<std::string> version(std::string_view path) const;

private:
    class State;
    std::shared_ptr<State> state_;
};

/// StaticFiles(folder, options).handler(): `app.get("/files/{path:path}", static_files(dir))`.
[[nodiscard]] Handler static_files(const std::string& folder, StaticFilesOptions options = {});

}  // namespace caropig::web
