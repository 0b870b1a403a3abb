#include "web/form_body.h"
#include "web/off_loop.h"
#include "web/temporary_file.h"
#include <caropig/http/url.h>
#include <caropig/web/form.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request.h>

#include <algorithm>
#include <utility>

namespace caropig::web {
namespace {

/// What is gathered before it is written: a system call, or a thread of the pool, for each packet would be too much.
constexpr std::size_t kWrite = std::size_t{64} * 1024;

/// Takes a file of a form to memory, and from the limit on to the disk.
class FileKeeper {
public:
    FileKeeper(const FormOptions& options, detail::FormBudget& budget) noexcept : options_(options), budget_(budget) {}

    Task<FormFile> keep(FormPart& part) {
        while (auto piece = co_await part.read()) {
            std::string_view rest = *piece;
            while (!rest.empty()) {
                if (gathered_.size() >= limit()) co_await write();
                const std::string_view taken = rest.substr(0, limit() - gathered_.size());
                gathered_ += taken;
                rest.remove_prefix(taken.size());
            }
        }
        if (file_ || gathered_.size() > memory()) {
            co_await write();
            co_return FormFile(part.info(), std::move(file_), options_.thread_pool());
        }
        budget_.keep(gathered_.size());
        co_return FormFile(part.info(), std::move(gathered_));
    }

private:
    /// What the file may take of the memory.
    [[nodiscard]] std::size_t memory() const noexcept {
        return std::min(options_.file_memory_bytes(), budget_.memory_left());
    }
    /// How much may be gathered; never nothing, so that each round takes something.
    [[nodiscard]] std::size_t limit() const noexcept { return file_ ? kWrite : std::max<std::size_t>(memory(), 1); }

    Task<void> write() {
        auto step = [this] {
            if (!file_) {
                const std::string folder(options_.temporary_folder());
                file_ = std::make_shared<TemporaryFile>(TemporaryFile::create(folder));
            }
            file_->append(gathered_);
        };
        co_await off_loop(options_.thread_pool(), step);
        gathered_.clear();
    }

    const FormOptions& options_;
    detail::FormBudget& budget_;
    std::string gathered_;
    std::shared_ptr<TemporaryFile> file_;
};

Task<Form> read_urlencoded(Request& request, const FormOptions& options) {
    detail::BodySource source(request);
    std::string text;
    while (auto piece = co_await source.next()) {
        if (piece->size() > options.max_memory_bytes() - text.size()) {
            throw HttpError(413, "an urlencoded form of too many bytes");
        }
        text += *piece;
    }
    Form form;
    for (auto& [name, value] : parse_urlencoded(text, options)) form.add(FormField{std::move(name), std::move(value)});
    co_return form;
}

Task<Form> read_multipart(Request& request, const FormOptions& options) {
    FormReader reader(request, options);
    detail::FormBudget budget(options);  // for the memory: the reader counts the rest
    Form form;
    while (FormPart* part = co_await reader.next()) {
        if (part->is_file()) {
            FileKeeper keeper(options, budget);
            FormFile file = co_await keeper.keep(*part);
            form.add(std::move(file));
        } else {
            std::string value = co_await part->read_text();
            budget.keep(part->name().size() + value.size());
            form.add(FormField{part->name(), std::move(value)});
        }
    }
    co_return form;
}

}  // namespace

namespace detail {

Task<std::optional<std::string_view>> BodySource::next() {
    if (request_->body().empty()) co_return co_await request_->read_body();
    if (std::exchange(memory_taken_, true)) co_return std::nullopt;
    co_return request_->body();
}

}  // namespace detail

Task<Form> Request::read_form(FormOptions options) {
    switch (form_kind(*this)) {
        case FormKind::kUrlencoded:
            co_return co_await read_urlencoded(*this, options);
        case FormKind::kMultipart:
            co_return co_await read_multipart(*this, options);
        case FormKind::kNone:
            break;
    }
    throw HttpError(415, "the body is no form");
}

FormPart::FormPart(FormReader& reader, const http::MultipartPart& part) : reader_(&reader), info_(file_info(part)) {}

Task<std::optional<std::string_view>> FormPart::read() {
    if (ended_) co_return std::nullopt;
    const http::MultipartParser::Step step = co_await reader_->step();
    if (step.event == http::MultipartParser::Event::kPartEnd) {
        ended_ = true;
        co_return std::nullopt;
    }
    reader_->budget_.add(step.data.size());
    co_return step.data;
}

Task<std::string> FormPart::read_text() {
    std::string text;
    while (auto piece = co_await read()) text += *piece;
    if (!http::is_utf8(text)) throw HttpError(400, "a field that is not UTF-8");
    co_return text;
}

FormReader::FormReader(Request& request, const FormOptions& options)
    : source_(request), budget_(options), parser_(multipart_parser(request, options)) {}

Task<FormPart*> FormReader::next() {
    if (ended_) co_return nullptr;
    if (part_) {
        while (co_await part_->read()) continue;
    }
    const http::MultipartParser::Step step = co_await this->step();
    if (step.event == http::MultipartParser::Event::kEnd) {
        part_.reset();
        ended_ = true;
        co_return nullptr;
    }
    part_.emplace(*this, parser_.part());
    budget_.begin(part_->info());
    co_return &*part_;
}

Task<http::MultipartParser::Step> FormReader::step() {
    using Event = http::MultipartParser::Event;
    for (;;) {
        const http::MultipartParser::Step step = parser_.next(input_);
        input_.remove_prefix(step.consumed);
        if (step.event == Event::kError) throw HttpError(parser_.error().status, parser_.error().reason);
        if (step.event != Event::kNeedMore) co_return step;
        const std::optional<std::string_view> piece = co_await source_.next();
        if (!piece) throw HttpError(400, "a multipart body that is cut off");
        input_ = *piece;
    }
}

}  // namespace caropig::web
