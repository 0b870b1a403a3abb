#include "web/json_text.h"
#include <caropig/http/chars.h>
#include <caropig/web/http_error.h>
#include <caropig/web/json.h>
#include <caropig/web/json_struct.h>
#include <caropig/web/request.h>

#include <string>
#include <string_view>
#include <utility>

#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {
namespace {

bool is_json_type(std::string_view content_type) noexcept {
    constexpr std::string_view kSuffix = "+json";
    const std::string_view type = http::trim_ows(content_type.substr(0, content_type.find(';')));
    if (http::iequals(type, "application/json")) return true;
    return type.size() > kSuffix.size() && http::iequals(type.substr(type.size() - kSuffix.size()), kSuffix);
}

std::string text_of(const detail::JsonPath& path) {
    if (path.parent == nullptr) return {};
    std::string text = text_of(*path.parent);
    if (path.member.empty()) return text + "[" + std::to_string(path.index) + "]";
    return text + (text.empty() ? "" : ".") + std::string(path.member);
}

}  // namespace

namespace detail {

void fail_json(const JsonPath& path, std::string_view what) {
    const std::string place = text_of(path);
    throw HttpError(400, "JSON: " + (place.empty() ? "the document" : place) + " " + std::string(what));
}

}  // namespace detail

namespace {

Response json_response_of(std::string text, int status) {
    Response response(std::move(text));
    if (status != response.status()) response.status(status);
    response.static_content_type("application/json; charset=UTF-8");
    return response;
}

}  // namespace

Response json_response(const boost::json::value& value, int status) {
    return json_response_of(json_text(value), status);
}

Response json_response(std::initializer_list<JsonItem> items, int status) {
    return json_response_of(json_text(items), status);
}

boost::json::value parse_json(const Request& request, const JsonOptions& options) {
    const std::string_view body = request.body();
    if (options.check_content_type() && !is_json_type(request.header("Content-Type").value_or(std::string_view()))) {
        throw HttpError(415, "the body is not sent as JSON");
    }
    if (body.size() > options.max_bytes()) throw HttpError(413, "a JSON body of too many bytes");
    boost::json::parse_options format;
    format.max_depth = options.max_depth();
    boost::json::parser parser({}, format);
    boost::json::error_code error;
    const std::size_t parsed = parser.write(body, error);
    if (error) {
        throw HttpError(400, "the body is no JSON: " + error.message() + " at byte " + std::to_string(parsed));
    }
    return parser.release();
}

}  // namespace caropig::web
