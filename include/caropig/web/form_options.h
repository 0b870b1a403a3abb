#pragma once

#include <caropig/http/multipart.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

/// \file
/// What a form may use up. Whatever is beyond is answered 413.
namespace caropig {
class ThreadPool;
}

namespace caropig::web {

/// Set what differs from the defaults, by name: `FormOptions().max_files(1).max_file_bytes(5'000'000)`. The body as a
/// whole is limited by the server's max_body_bytes, or Request::set_max_body_bytes(), before any of these.
class FormOptions {
public:
#define CAROPIG_OPTION(type, name, value)                        \
    [[nodiscard]] type name() const noexcept { return name##_; } \
    FormOptions& name(type new_value) noexcept {                 \
        name##_ = new_value;                                     \
        return *this;                                            \
    }                                                            \
                                                                 \
private:                                                         \
    type name##_ = value;                                        \
                                                                 \
public:
    /// Fields that are no files. Each costs dozens of times its two bytes on the wire.
    CAROPIG_OPTION(std::size_t, max_fields, 10'000)
    /// Bytes of one field: of its name and its value. Long for a text that somebody types.
    CAROPIG_OPTION(std::size_t, max_field_bytes, std::size_t{1024} * 1024)
    /// Bytes that a form keeps in memory: names, values, and files of at most file_memory_bytes. Beyond it fields are
    /// refused, and files go to the disk. An urlencoded body is in memory as a whole.
    CAROPIG_OPTION(std::size_t, max_memory_bytes, std::size_t{4} * 1024 * 1024)

    /// Files. Each may hold a descriptor, of which a process has about a thousand.
    CAROPIG_OPTION(std::size_t, max_files, 20)
    /// Bytes of one file, and of all of them: what a request may take of the disk.
    CAROPIG_OPTION(std::uint64_t, max_file_bytes, std::uint64_t{100} * 1024 * 1024)
    CAROPIG_OPTION(std::uint64_t, max_files_bytes, std::uint64_t{200} * 1024 * 1024)
    /// A file of at most so many bytes is kept in memory by read_form(): a portrait, not a film.
    CAROPIG_OPTION(std::size_t, file_memory_bytes, std::size_t{64} * 1024)
    /// Where larger ones go, without a name. What it views must live as long as the options. Some systems keep /tmp in
    /// memory: choose another folder there, best on the file system where the files are to stay.
    CAROPIG_OPTION(std::string_view, temporary_folder, "/tmp")
    /// Whose threads write and read these files. Without one the loop does it, 64 KiB at a time, which takes long only
    /// where the disk can't keep up. It must outlive the form and its files.
    CAROPIG_OPTION(ThreadPool*, thread_pool, nullptr)

    /// How a multipart body may look: parts (fields and files), and what their headers may hold.
    CAROPIG_OPTION(http::MultipartLimits, multipart, {})

#undef CAROPIG_OPTION
};

// So that it may be written within a co_await expression (a bug of GCC 12 destroys other temporaries there twice).
static_assert(std::is_trivially_destructible_v<FormOptions>);

}  // namespace caropig::web
