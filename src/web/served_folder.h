#pragma once

#include "web/file_content.h"
#include "web/file_descriptor.h"
#include <caropig/http/headers.h>
#include <caropig/loop/clock.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace caropig::web {

/// What tells one state of a file from another without reading it.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since 1970
    std::int64_t changed_ns = 0;   // the same; can't be set by a program

    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// What a path leads to, as it was when it was looked at. Immutable, so that workers share it.
struct ServedFile {
    enum class Kind : std::uint8_t { kNothing, kFolder, kFile };
    Kind kind = Kind::kNothing;
    FileIdentity identity;
    /// Nothing has changed it since, if the identity is still the same: the clock that the file system stamps files
    /// with had moved on when it was read.
    bool settled = false;
    bool in_memory = false;
    FileContent content;        // where it is kept in memory
    FileDescriptor file;        // where it is not
    std::string version;        // SHA-512 of the content; empty where it is too large for that
    std::string etag;           // complete, with quotes
    std::int64_t modified = 0;  // seconds since 1970
    http::Headers validators;   // ETag and Last-Modified, as they are sent

    /// Names it, once it is known when it was modified.
    void set_etag(std::string tag);
};

/// The content of a file that is not in memory; nothing when it has not the size that it had. Throws IoError. Blocks.
std::optional<std::string> read_content(const ServedFile& file);

/// The files beneath a folder, and a cache of the small ones. All functions may be called from any thread.
class ServedFolder {
public:
    struct Limits {
        std::size_t file_bytes;                                // a file up to this size is kept in memory
        std::size_t hashed_bytes;                              // and one up to this size is hashed
        std::size_t total_bytes;                               // all of them together
        std::size_t entries;                                   // paths that are remembered, with or without content
        Duration check_interval;                               // how long what was seen is taken for true
        std::optional<Duration> settled_after = std::nullopt;  // instead of what the file system's stamps need
    };

    /// Throws IoError when the folder can't be opened, or the kernel can't open beneath it.
    ServedFolder(const std::string& folder, const Limits& limits);

    /// What is at `path`, links within the folder followed. Never null. What was seen within the check interval before
    /// `now` is taken for true; without it the file system is asked. Throws IoError when the process has no descriptor
    /// or memory left for it.
    std::shared_ptr<const ServedFile> find(const std::string& path, std::optional<TimePoint> now);

    /// What was put() under that key, and has not been pushed out.
    std::shared_ptr<const ServedFile> find_made(const std::string& key);
    /// A content to be put_made(), where it is best sent from.
    FileContent keep_content(std::string text) { return contents_.keep(std::move(text)); }
    /// Keeps something that was made of a file, such as its compressed form.
    void put_made(const std::string& key, std::shared_ptr<const ServedFile> made);

    /// Bytes of contents and paths that are kept.
    [[nodiscard]] std::size_t bytes() const;

private:
    struct Entry {
        std::string key;
        std::shared_ptr<const ServedFile> file;
        TimePoint checked;
    };

    [[nodiscard]] std::shared_ptr<const ServedFile> load(const std::string& path);
    [[nodiscard]] std::optional<Entry> look_up(const std::string& key);
    [[nodiscard]] bool is_current(const std::string& path, const ServedFile& file) const;
    void keep(const std::string& key, std::shared_ptr<const ServedFile> file, TimePoint checked);
    void drop_oldest();
    static std::size_t cost(const Entry& entry) noexcept;

    FileDescriptor folder_;
    Limits limits_;
    ContentFile contents_;
    mutable std::mutex mutex_;                                                 // what follows
    std::list<Entry> entries_;                                                 // the one used last in front
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views of the keys in entries_
    std::size_t bytes_ = 0;
};

}  // namespace caropig::web
