#include "web/file_content.h"

#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace caropig::web {
namespace {

std::size_t whole_pages(std::size_t size) noexcept {
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

/// Whether files may be that large: whoever makes one larger is ended by a signal.
bool is_allowed(std::uint64_t size) noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && size <= limit.rlim_cur;
}

bool write_all(int file, std::uint64_t offset, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t size = ::pwrite(file, text.data(), text.size(), static_cast<off_t>(offset));
        if (size <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(size));
        offset += static_cast<std::uint64_t>(size);
    }
    return true;
}

}  // namespace

FileContent::Place::~Place() {
    if (!text.empty()) ::munmap(const_cast<char*>(text.data()), room);
    ::fallocate(file->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(room));
}

FileContent ContentFile::keep(std::string text) {
    if (text.size() < kWorthIt) return FileContent(std::move(text));
    std::call_once(opened_, [this] {
        file_ = std::make_shared<const FileDescriptor>(::memfd_create("static files", MFD_CLOEXEC));
    });
    if (file_->get() < 0) return FileContent(std::move(text));
    auto place = std::make_unique<FileContent::Place>(file_);
    place->room = whole_pages(text.size());
    place->offset = end_.fetch_add(place->room, std::memory_order_relaxed);
    if (!is_allowed(place->offset + place->room) || !write_all(file_->get(), place->offset, text)) {
        return FileContent(std::move(text));
    }
    void* mapped = ::mmap(nullptr, place->room, PROT_READ, MAP_SHARED, file_->get(), static_cast<off_t>(place->offset));
    if (mapped == MAP_FAILED) return FileContent(std::move(text));
    place->text = {static_cast<const char*>(mapped), text.size()};
    FileContent content;
    content.place_ = std::move(place);
    return content;
}

}  // namespace caropig::web
