#pragma once

#include "web/file_descriptor.h"
#include <caropig/base/bytes.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

/// \file
/// Contents of files in memory, where the kernel can send them from without copying them.
namespace caropig::web {

/// Bytes that stay as they are until it goes. May be read from any thread.
class FileContent {
public:
    FileContent() = default;
    explicit FileContent(std::string text) noexcept : own_(std::move(text)) {}

    [[nodiscard]] std::string_view text() const noexcept { return place_ ? place_->text : own_; }
    [[nodiscard]] std::size_t size() const noexcept { return text().size(); }
    /// Where its bytes from `position` on lie in a file, if they do; open as long as this object lives.
    [[nodiscard]] InFile in_file(std::size_t position = 0) const noexcept {
        return place_ ? InFile{place_->file->get(), place_->offset + position} : InFile{};
    }

private:
    friend class ContentFile;

    /// A piece of a ContentFile; it is free again once it goes. What a socket has taken of it by then stays as it was:
    /// the kernel holds on to those pages.
    struct Place {
        explicit Place(std::shared_ptr<const FileDescriptor> in) noexcept : file(std::move(in)) {}
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();
        std::shared_ptr<const FileDescriptor> file;
        std::uint64_t offset = 0;
        std::size_t room = 0;
        std::string_view text;  // mapped
    };

    std::string own_;
    std::unique_ptr<Place> place_;
};

/// One file without a name, in memory (memfd), that many contents lie in: they cost one descriptor together. It is
/// opened when it is first needed. May be used from any thread.
class ContentFile {
public:
    /// From this size on a content is worth its place: sending it from there saves more than the second system call
    /// costs.
    static constexpr std::size_t kWorthIt = std::size_t{16} * 1024;

    /// Keeps `text` in the file where it is worth it and there is room for it, else on the heap.
    FileContent keep(std::string text);

private:
    std::once_flag opened_;
    std::shared_ptr<const FileDescriptor> file_;
    std::atomic<std::uint64_t> end_{0};  // places are not used again: a file may have more holes than it ever will
};

}  // namespace caropig::web
