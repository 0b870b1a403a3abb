#pragma once

#include <caropig/base/bytes.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace caropig::web {

/// A file that has no name, and so is gone with its descriptor: when the handler fails or is cancelled, and also when
/// the process is killed. Every function may block, and throws IoError. One thread at a time.
class TemporaryFile {
public:
    /// In that folder: with O_TMPFILE, or create_unlinked() on a file system that lacks it.
    static TemporaryFile create(const std::string& folder);
    /// With a name of its own, that is removed at once.
    static TemporaryFile create_unlinked(const std::string& folder);

    TemporaryFile(TemporaryFile&& other) noexcept;
    TemporaryFile& operator=(TemporaryFile&&) = delete;
    ~TemporaryFile();

    void append(std::string_view data);
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Reads 1 to buffer.size() bytes; 0 at the end.
    [[nodiscard]] std::size_t read(std::uint64_t offset, MutableBytes buffer) const;
    /// Gives it that name. False where that can't be (another file system, an unlinked file, or it has one already):
    /// it must be copied then. Throws where the name is taken.
    bool link(const std::string& path);

private:
    TemporaryFile(int descriptor, bool linkable) noexcept : descriptor_(descriptor), linkable_(linkable) {}

    int descriptor_;
    bool linkable_;
    std::uint64_t size_ = 0;
};

/// A new file with a name. As TemporaryFile.
class NewFile {
public:
    /// Throws IoError, with EEXIST where there is one.
    explicit NewFile(const std::string& path);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile();

    void append(std::string_view data);
    /// Throws an error that the system has kept until then.
    void close();

private:
    int descriptor_;
};

/// A name that is removed again unless it is kept: work that is cancelled may have made it nevertheless.
class NewName {
public:
    explicit NewName(std::string path) noexcept : path_(std::move(path)) {}
    NewName(const NewName&) = delete;
    NewName& operator=(const NewName&) = delete;
    ~NewName();

    void keep() noexcept { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

}  // namespace caropig::web
