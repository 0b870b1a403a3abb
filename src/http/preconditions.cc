#include <caropig/http/date.h>
#include <caropig/http/etag.h>
#include <caropig/http/preconditions.h>

namespace caropig::http {
namespace {

std::optional<std::int64_t> date_of(HeadersView fields, std::string_view name) noexcept {
    auto value = fields.find(name);
    return value ? parse_http_date(*value) : std::nullopt;
}

}  // namespace

Precondition check_preconditions(Method method, HeadersView fields, const Validators& current) noexcept {
    if (fields.find("If-Match")) {
        if (!etag_list_matches(fields, "If-Match", parse_etag(current.etag), ETagComparison::kStrong))
            return Precondition::kFailed;
    } else if (auto date = date_of(fields, "If-Unmodified-Since"); date && current.last_modified) {
        if (*current.last_modified > *date) return Precondition::kFailed;
    }
    bool reads = method == Method::kGet || method == Method::kHead;
    if (fields.find("If-None-Match")) {
        if (etag_list_matches(fields, "If-None-Match", parse_etag(current.etag), ETagComparison::kWeak)) {
            return reads ? Precondition::kNotModified : Precondition::kFailed;
        }
    } else if (auto date = date_of(fields, "If-Modified-Since"); reads && date && current.last_modified) {
        if (*current.last_modified <= *date) return Precondition::kNotModified;
    }
    return Precondition::kPassed;
}

bool range_is_wanted(Method method, HeadersView fields, const Validators& current, std::int64_t now) noexcept {
    if (method != Method::kGet || !fields.find("Range")) return false;
    auto condition = fields.find("If-Range");
    if (!condition) return true;
    if (auto tag = parse_etag(*condition)) {
        auto ours = parse_etag(current.etag);
        return ours && etags_match(*tag, *ours, ETagComparison::kStrong);
    }
    auto date = parse_http_date(*condition);
    return date && current.last_modified && *date == *current.last_modified && *current.last_modified < now;
}

}  // namespace caropig::http
