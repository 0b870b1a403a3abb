#include "web/arguments.h"
#include "web/form_body.h"
#include <caropig/http/url.h>
#include <caropig/server/service.h>
#include <caropig/web/form.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace caropig::web {
namespace detail {

struct RequestArguments {
    FormOptions options;
    std::optional<http::QueryParameters> query;
    std::optional<Form> body;

    const http::QueryParameters& of_query(std::string_view text) {
        if (!query) {
            auto separators = static_cast<std::size_t>(std::count(text.begin(), text.end(), '&'));
            if (separators >= options.max_fields()) throw HttpError(400, "a query of too many arguments");
            auto parsed = http::parse_query(text);
            if (!parsed) throw HttpError(400, parsed.error());
            query = *std::move(parsed);
        }
        return *query;
    }

    const Form& of_body(const Request& request) {
        if (body) return *body;
        Form form;
        switch (form_kind(request)) {
            case FormKind::kUrlencoded:
                for (auto& [name, value] : parse_urlencoded(request.body(), options)) {
                    form.add(FormField{std::move(name), std::move(value)});
                }
                break;
            case FormKind::kMultipart:
                parse_multipart(request, request.body(), options, form);
                break;
            case FormKind::kNone:
                break;
        }
        return body.emplace(std::move(form));
    }
};

void DeleteRequestArguments::operator()(RequestArguments* arguments) const noexcept { delete arguments; }

}  // namespace detail

namespace {

using Values = std::vector<std::string>;

[[noreturn]] void fail_missing(std::string_view name) { throw HttpError(400, "Missing argument " + std::string(name)); }

std::string last_of(Values values, std::string_view name) {
    if (values.empty()) fail_missing(name);
    return std::move(values.back());
}

std::string last_or(Values values, std::string_view fallback) {
    return values.empty() ? std::string(fallback) : std::move(values.back());
}

}  // namespace

detail::RequestArguments& Request::arguments() const {
    if (!arguments_) arguments_.reset(new detail::RequestArguments);
    return *arguments_;
}

void Request::set_form_options(const FormOptions& options) { arguments().options = options; }

std::vector<std::string> Request::get_query_arguments(std::string_view name) const {
    Values values;
    if (query().empty()) return values;
    for (const auto& [key, value] : arguments().of_query(query())) {
        if (key == name) values.push_back(clean_argument(value));
    }
    return values;
}

std::vector<std::string> Request::get_body_arguments(std::string_view name) const {
    Values values;
    if (body_.empty()) return values;
    for (const FormField& field : arguments().of_body(*this).fields()) {
        if (field.name == name) values.push_back(clean_argument(field.value));
    }
    return values;
}

std::vector<std::string> Request::get_arguments(std::string_view name) const {
    Values values = get_query_arguments(name);
    for (std::string& value : get_body_arguments(name)) values.push_back(std::move(value));
    return values;
}

std::string Request::get_argument(std::string_view name) const { return last_of(get_arguments(name), name); }
std::string Request::get_argument(std::string_view name, std::string_view fallback) const {
    return last_or(get_arguments(name), fallback);
}
std::string Request::get_query_argument(std::string_view name) const {
    return last_of(get_query_arguments(name), name);
}
std::string Request::get_query_argument(std::string_view name, std::string_view fallback) const {
    return last_or(get_query_arguments(name), fallback);
}
std::string Request::get_body_argument(std::string_view name) const { return last_of(get_body_arguments(name), name); }
std::string Request::get_body_argument(std::string_view name, std::string_view fallback) const {
    return last_or(get_body_arguments(name), fallback);
}

const std::vector<FormFile>& Request::files() const {
    static const std::vector<FormFile> kNone;
    return body_.empty() ? kNone : arguments().of_body(*this).files();
}

std::vector<const FormFile*> Request::files(std::string_view name) const {
    std::vector<const FormFile*> found;
    for (const FormFile& file : files()) {
        if (file.name() == name) found.push_back(&file);
    }
    return found;
}

/// What was asked for before the body was there had none.
void Request::forget_body_arguments() noexcept {
    if (arguments_) arguments_->body.reset();
}

}  // namespace caropig::web
