#pragma once

#include <caropig/async/task.h>
#include <caropig/base/bytes.h>
#include <caropig/http/multipart.h>
#include <caropig/web/form_options.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Forms and uploads of any size. A file may be larger than the memory, and a client may leave in its middle: so what
/// is large goes to a file without a name, which is gone with its last descriptor whatever happens, or through the
/// handler piece by piece.
///
/// Three ways, from the simplest: get_argument() and files() of a body in memory (request.h); read_form(), for the
/// handlers that are coroutines; FormReader, for what should be kept nowhere. All understand urlencoded bodies, but for
/// FormReader, and multipart/form-data. Errors are HttpErrors: 400 for a broken form, 413 for one beyond FormOptions,
/// 415 for a body that is no form or is compressed; BodyError as of Request::read_body().
namespace caropig::web {

class NewName;
class Request;
class TemporaryFile;

/// A field that is no file, as it was sent: UTF-8, not stripped, for a password may end with a space.
struct FormField {
    std::string name;
    std::string value;
};

/// What a client says of a file. None of it is to be believed.
struct FormFileInfo {
    std::string name;  ///< of the form's field
    /// What http::safe_file_name() leaves of the name: may become a name in a folder. Empty where nothing is left.
    std::string file_name;
    std::string file_name_as_sent;  ///< UTF-8; may hold directories and control characters
    std::string content_type;       ///< as sent; empty where there is none

    /// Whether the part is a file: it has a file name. An input without a chosen file sends an empty field instead.
    [[nodiscard]] bool is_file() const noexcept { return !file_name_as_sent.empty(); }
};

namespace detail {

/// Counts what a form uses up: HttpError 413 beyond its options.
class FormBudget {
public:
    explicit FormBudget(const FormOptions& options) noexcept : options_(options) {}
    /// A part begins.
    void begin(const FormFileInfo& part);
    /// So many more bytes of its body.
    void add(std::size_t bytes);
    /// How many bytes may still be kept in memory.
    [[nodiscard]] std::size_t memory_left() const noexcept { return options_.max_memory_bytes() - memory_; }
    /// So many are.
    void keep(std::size_t bytes);

private:
    FormOptions options_;
    bool in_file_ = false;
    std::size_t fields_ = 0;
    std::size_t files_ = 0;
    std::size_t memory_ = 0;
    std::uint64_t part_bytes_ = 0;
    std::uint64_t files_bytes_ = 0;
};

/// The pieces of a request's body, whether it is in memory or still comes.
class BodySource {
public:
    explicit BodySource(Request& request) noexcept : request_(&request) {}
    Task<std::optional<std::string_view>> next();

private:
    Request* request_;
    bool memory_taken_ = false;
};

}  // namespace detail

/// An uploaded file. Copies share what they view. Used on the request's worker.
class FormFile {
public:
    /// In memory that outlives it.
    FormFile(FormFileInfo info, std::string_view contents);
    FormFile(FormFileInfo info, std::string contents);
    /// In a temporary file, that of a complete form.
    FormFile(FormFileInfo info, std::shared_ptr<TemporaryFile> file, ThreadPool* pool) noexcept;

    [[nodiscard]] const std::string& name() const noexcept { return info_.name; }
    [[nodiscard]] const std::string& file_name() const noexcept { return info_.file_name; }
    [[nodiscard]] const std::string& file_name_as_sent() const noexcept { return info_.file_name_as_sent; }
    [[nodiscard]] const std::string& content_type() const noexcept { return info_.content_type; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// The contents where they are in memory. Valid as long as the file; of Request::files(): as the request.
    [[nodiscard]] std::optional<std::string_view> contents() const noexcept;

    // One task of a file at a time; the file must outlive it. They throw IoError and Cancelled.

    /// All of it. Mind its size().
    [[nodiscard]] Task<std::string> read() const;
    /// At most `size` bytes from `offset` on; fewer only at the end.
    [[nodiscard]] Task<std::string> read(std::uint64_t offset, std::size_t size) const;
    /// Makes it the file `path`, which only its owner may read. A file that is there stays and is an error (EEXIST), so
    /// two uploads of one name can't overwrite each other. Costs nothing where the temporary folder is on the same file
    /// system; else it is copied. Where it fails or is cancelled no file is left. Not synchronised to the disk.
    [[nodiscard]] Task<void> save_to(std::string path) const;

private:
    Task<void> copy_to(const std::string& path, std::optional<NewName>& name) const;

    FormFileInfo info_;
    std::shared_ptr<const std::string> owned_;
    std::string_view view_;
    std::shared_ptr<TemporaryFile> file_;
    ThreadPool* pool_ = nullptr;
    std::uint64_t size_ = 0;
};

/// A form that has been read: what Request::read_form() gives.
class Form {
public:
    /// The last value of that name.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
    /// The same, or HttpError(400) that names the field.
    [[nodiscard]] const std::string& field(std::string_view name) const;
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;
    /// The last file of that name, or null.
    [[nodiscard]] const FormFile* file(std::string_view name) const noexcept;

    /// All, in the order in which they were sent.
    [[nodiscard]] const std::vector<FormField>& fields() const noexcept { return fields_; }
    [[nodiscard]] const std::vector<FormFile>& files() const noexcept { return files_; }

    void add(FormField field) { fields_.push_back(std::move(field)); }
    void add(FormFile file) { files_.push_back(std::move(file)); }

private:
    std::vector<FormField> fields_;
    std::vector<FormFile> files_;
};

class FormReader;

/// The part of a form at which a FormReader stands.
class FormPart {
public:
    FormPart(FormReader& reader, const http::MultipartPart& part);

    [[nodiscard]] const std::string& name() const noexcept { return info_.name; }
    [[nodiscard]] bool is_file() const noexcept { return info_.is_file(); }
    /// As those of FormFile.
    [[nodiscard]] const std::string& file_name() const noexcept { return info_.file_name; }
    [[nodiscard]] const std::string& file_name_as_sent() const noexcept { return info_.file_name_as_sent; }
    [[nodiscard]] const std::string& content_type() const noexcept { return info_.content_type; }
    [[nodiscard]] const FormFileInfo& info() const noexcept { return info_; }

    /// The next piece of its body, not empty and not copied, valid until the next call; nothing at its end. Awaiting it
    /// is the flow control: what is not asked for stays with the client.
    [[nodiscard]] Task<std::optional<std::string_view>> read();
    /// The rest of a field, which must be UTF-8.
    [[nodiscard]] Task<std::string> read_text();

private:
    FormReader* reader_;
    FormFileInfo info_;
    bool ended_ = false;
};

/// Gives a multipart body to a handler part by part, each piece by piece, and keeps nothing:
///
///     FormReader form(request);
///     while (FormPart* part = co_await form.next()) {
///         while (auto piece = co_await part->read()) hash.update(*piece);
///     }
///
/// Counts and sizes are those of FormOptions, without those of memory. It and its parts belong to one coroutine.
class FormReader {
public:
    /// Of a request whose body was not begun to be read, or is in memory. Throws HttpError 400 or 415 for the
    /// Content-Type. The request must outlive it.
    explicit FormReader(Request& request, const FormOptions& options = {});
    FormReader(const FormReader&) = delete;
    FormReader& operator=(const FormReader&) = delete;

    /// The next part, valid until the next call; null behind the last. What was not read of the one before is skipped.
    [[nodiscard]] Task<FormPart*> next();

private:
    friend class FormPart;
    Task<http::MultipartParser::Step> step();

    detail::BodySource source_;
    detail::FormBudget budget_;
    http::MultipartParser parser_;
    std::string_view input_;
    std::optional<FormPart> part_;
    bool ended_ = false;
};

}  // namespace caropig::web
