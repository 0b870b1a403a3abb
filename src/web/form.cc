#include "web/off_loop.h"
#include "web/temporary_file.h"
#include <caropig/web/form.h>
#include <caropig/web/http_error.h>

#include <algorithm>
#include <span>
#include <utility>

namespace caropig::web {
namespace {

/// What is read or copied in one step.
constexpr std::size_t kStep = std::size_t{64} * 1024;

}  // namespace

FormFile::FormFile(FormFileInfo info, std::string_view contents)
    : info_(std::move(info)), view_(contents), size_(contents.size()) {}

FormFile::FormFile(FormFileInfo info, std::string contents)
    : info_(std::move(info)),
      owned_(std::make_shared<const std::string>(std::move(contents))),
      view_(*owned_),
      size_(view_.size()) {}

FormFile::FormFile(FormFileInfo info, std::shared_ptr<TemporaryFile> file, ThreadPool* pool) noexcept
    : info_(std::move(info)), file_(std::move(file)), pool_(pool), size_(file_->size()) {}

std::optional<std::string_view> FormFile::contents() const noexcept {
    if (file_) return std::nullopt;
    return view_;
}

Task<std::string> FormFile::read() const { return read(0, size_); }

Task<std::string> FormFile::read(std::uint64_t offset, std::size_t size) const {
    if (offset >= size_) co_return std::string();
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - offset));
    if (!file_) co_return std::string(view_.substr(static_cast<std::size_t>(offset), size));
    std::string data(size, '\0');
    std::size_t done = 0;
    auto step = [&] {
        const auto rest = std::as_writable_bytes(std::span(data)).subspan(done, std::min(kStep, size - done));
        return file_->read(offset + done, rest);
    };
    while (done < size) {
        const std::size_t got = co_await off_loop(pool_, step);
        if (got == 0) break;
        done += got;
    }
    data.resize(done);
    co_return data;
}

Task<void> FormFile::save_to(std::string path) const {
    std::optional<NewName> name;
    auto link = [&] {
        if (file_->link(path)) name.emplace(path);
    };
    if (file_) co_await off_loop(pool_, link);
    if (!name) co_await copy_to(path, name);
    name->keep();
}

Task<void> FormFile::copy_to(const std::string& path, std::optional<NewName>& name) const {
    std::optional<NewFile> copy;
    auto open = [&] {
        copy.emplace(path);
        name.emplace(path);
    };
    co_await off_loop(pool_, open);
    std::uint64_t done = 0;
    std::string piece;
    auto write = [&] { copy->append(piece); };
    while (done < size_) {
        piece = co_await read(done, kStep);
        co_await off_loop(pool_, write);
        done += piece.size();
    }
    auto close = [&] { copy->close(); };
    co_await off_loop(pool_, close);
}

const std::string* Form::find(std::string_view name) const noexcept {
    auto found =
        std::find_if(fields_.rbegin(), fields_.rend(), [&](const FormField& each) { return each.name == name; });
    return found == fields_.rend() ? nullptr : &found->value;
}

const std::string& Form::field(std::string_view name) const {
    const std::string* value = find(name);
    if (value == nullptr) throw HttpError(400, "Missing argument " + std::string(name));
    return *value;
}

std::vector<std::string_view> Form::values(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const FormField& each : fields_) {
        if (each.name == name) values.emplace_back(each.value);
    }
    return values;
}

const FormFile* Form::file(std::string_view name) const noexcept {
    auto found =
        std::find_if(files_.rbegin(), files_.rend(), [&](const FormFile& each) { return each.name() == name; });
    return found == files_.rend() ? nullptr : &*found;
}

}  // namespace caropig::web
