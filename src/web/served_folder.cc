#include "web/served_folder.h"

#include "base/read_file.h"
#include "web/digest.h"
#include <caropig/base/error.h>
#include <caropig/http/date.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace caropig::web {
namespace {

/// How long ago a file must have been changed for another change to show in its stamp: file systems take their stamps
/// from a clock that moves every few milliseconds, or keep whole seconds, some of them every other.
std::int64_t settling_ns(std::int64_t changed_ns) noexcept {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kTick = 50'000'000;
    return changed_ns % kSecond == 0 ? 2 * kSecond : kTick;
}

/// Opens what is beneath `folder`, wherever links point; O_NONBLOCK so that no FIFO can hold the worker.
FileDescriptor open_beneath(int folder, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int descriptor = -1;
    for (int tries = 0; tries < 16; ++tries) {  // EAGAIN: something was renamed while it looked at a ".." of a link
        descriptor = static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
        if (descriptor >= 0 || errno != EAGAIN) break;
    }
    return FileDescriptor(descriptor);
}

std::int64_t nanoseconds(const timespec& time) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    return time.tv_sec * kSecond + time.tv_nsec;
}

FileIdentity identity_of(const struct stat& info) {
    return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim)};
}

/// Reads exactly `size` bytes, or says that the file has changed.
bool read_whole(int file, std::string& content, std::size_t size) {
    content.resize(size + 1);  // one more, to notice that it has grown
    std::size_t position = 0;
    while (position < content.size()) {
        MutableBytes rest(reinterpret_cast<std::byte*>(&content[position]), content.size() - position);
        const std::size_t got = read_file(file, position, rest);
        if (got == 0) break;
        position += got;
    }
    content.resize(position);
    return position == size;
}

/// A tag of what the file system knows. Weak while the file may change without that showing.
std::string etag_of(const FileIdentity& identity, bool settled) {
    std::string tag = settled ? "\"" : "W/\"";
    for (auto number : {static_cast<std::uint64_t>(identity.changed_ns), identity.size, identity.inode}) {
        std::array<char, 16> digits;
        auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
        tag.append(digits.data(), end).append("-");
    }
    tag.back() = '"';
    return tag;
}

}  // namespace

void ServedFile::set_etag(std::string tag) {
    etag = std::move(tag);
    validators.clear();
    validators.add("ETag", etag);
    validators.add("Last-Modified", http::format_http_date(modified));
}

std::optional<std::string> read_content(const ServedFile& file) {
    std::string content;
    bool same = read_whole(file.file.get(), content, static_cast<std::size_t>(file.identity.size));
    return same ? std::optional(std::move(content)) : std::nullopt;
}

ServedFolder::ServedFolder(const std::string& folder, const Limits& limits)
    : folder_(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), limits_(limits) {
    if (folder_.get() < 0) throw IoError(errno_code(errno), "open the folder " + folder);
    // Better an error now than 404 for every file, where a sandbox or an old kernel has no openat2().
    if (open_beneath(folder_.get(), ".").get() < 0 && (errno == ENOSYS || errno == EPERM)) {
        throw IoError(errno_code(errno), "openat2 in " + folder);
    }
}

std::shared_ptr<const ServedFile> ServedFolder::find(const std::string& path, std::optional<TimePoint> now) {
    if (auto found = look_up(path)) {
        if (now && *now - found->checked < limits_.check_interval) return found->file;
        if (found->file->settled && is_current(path, *found->file)) {
            if (limits_.check_interval > Duration::zero()) keep(path, found->file, now.value_or(TimePoint()));
            return found->file;
        }
    }
    std::shared_ptr<const ServedFile> file = load(path);
    // Without an interval only what was read saves anything. Open files are never kept: descriptors are few.
    bool worth = file->in_memory || limits_.check_interval > Duration::zero();
    if (worth && file->file.get() < 0) keep(path, file, now.value_or(TimePoint()));
    return file;
}

std::shared_ptr<const ServedFile> ServedFolder::find_made(const std::string& key) {
    auto found = look_up(key);
    return found ? std::move(found->file) : nullptr;
}

void ServedFolder::put_made(const std::string& key, std::shared_ptr<const ServedFile> made) {
    keep(key, std::move(made), {});
}

std::size_t ServedFolder::bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
}

std::shared_ptr<const ServedFile> ServedFolder::load(const std::string& path) {
    auto result = std::make_shared<ServedFile>();
    FileDescriptor opened = open_beneath(folder_.get(), path);
    if (opened.get() < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) throw IoError(errno_code(errno), "open " + path);
        return result;
    }
    struct stat info{};
    if (::fstat(opened.get(), &info) != 0) return result;
    if (S_ISDIR(info.st_mode)) result->kind = ServedFile::Kind::kFolder;
    if (!S_ISREG(info.st_mode)) return result;
    result->kind = ServedFile::Kind::kFile;
    result->identity = identity_of(info);
    result->modified = info.st_mtime;
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const std::int64_t changed = result->identity.changed_ns;
    result->settled = now - changed > (limits_.settled_after ? limits_.settled_after->count() : settling_ns(changed));
    if (result->identity.size <= limits_.file_bytes) {
        // One that changes while it is read is not worth keeping, nor is its hash; it is sent like a large one.
        std::string content;
        result->in_memory = read_whole(opened.get(), content, static_cast<std::size_t>(result->identity.size));
        result->settled = result->settled && result->in_memory;
        if (result->in_memory) {
            const bool hashed = content.size() <= limits_.hashed_bytes;
            if (hashed) result->version = sha512_hex(content);
            // What is read again at the next request is not worth a place of its own.
            const bool stays = result->settled && content.size() <= limits_.total_bytes;
            result->content = stays ? contents_.keep(std::move(content)) : FileContent(std::move(content));
            if (hashed) {
                result->set_etag('"' + result->version + '"');
                return result;
            }
        }
    }
    result->set_etag(etag_of(result->identity, result->settled));
    if (!result->in_memory) result->file = std::move(opened);
    return result;
}

/// Whether the path still leads to that file, as far as one system call tells. The path is not resolved beneath the
/// folder here: what comes of it is only compared with a file that was.
bool ServedFolder::is_current(const std::string& path, const ServedFile& file) const {
    struct stat info{};
    return file.kind == ServedFile::Kind::kFile && ::fstatat(folder_.get(), path.c_str(), &info, 0) == 0 &&
           identity_of(info) == file.identity;
}

std::optional<ServedFolder::Entry> ServedFolder::look_up(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return Entry{{}, found->second->file, found->second->checked};
}

void ServedFolder::keep(const std::string& key, std::shared_ptr<const ServedFile> file, TimePoint checked) {
    std::lock_guard lock(mutex_);
    if (auto found = by_key_.find(key); found != by_key_.end()) {
        Entry& entry = *found->second;
        bytes_ -= cost(entry);
        entry.file = std::move(file);
        entry.checked = checked;
        bytes_ += cost(entry);
    } else {
        entries_.push_front(Entry{key, std::move(file), checked});
        by_key_.emplace(entries_.front().key, entries_.begin());
        bytes_ += cost(entries_.front());
    }
    while (!entries_.empty() && (bytes_ > limits_.total_bytes || entries_.size() > limits_.entries)) drop_oldest();
}

/// Paths count too: there are many ways to spell one.
std::size_t ServedFolder::cost(const Entry& entry) noexcept { return entry.key.size() + entry.file->content.size(); }

void ServedFolder::drop_oldest() {
    bytes_ -= cost(entries_.back());
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
}

}  // namespace caropig::web
