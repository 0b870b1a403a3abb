#pragma once

#include <caropig/web/json_item.h>
#include <caropig/web/response.h>

#include <cstddef>
#include <initializer_list>

#include <boost/json/fwd.hpp>

/// \file
/// JSON in and out, by Boost.JSON. Include <boost/json.hpp> to make values, and json_struct.h to read structs.
namespace caropig::web {

class Request;

/// What parse_json() takes: `JsonOptions().max_depth(4)`.
class JsonOptions {
public:
    /// Arrays and objects within each other; more is 400. As Boost.JSON's: deeper than what people write.
    JsonOptions& max_depth(std::size_t depth) noexcept {
        max_depth_ = depth;
        return *this;
    }
    /// Bytes of the body; more is 413. Values take up to ten times their text, `[0,0,…`.
    JsonOptions& max_bytes(std::size_t bytes) noexcept {
        max_bytes_ = bytes;
        return *this;
    }
    /// Whether any other Content-Type than application/json or one that ends in +json is 415. Off, as in Tornado; a
    /// page of another site can't send this type without asking first (CORS), which is worth having.
    JsonOptions& check_content_type(bool check = true) noexcept {
        check_content_type_ = check;
        return *this;
    }

    [[nodiscard]] std::size_t max_depth() const noexcept { return max_depth_; }
    [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }
    [[nodiscard]] bool check_content_type() const noexcept { return check_content_type_; }

private:
    std::size_t max_depth_ = 32;
    std::size_t max_bytes_ = std::size_t{1024} * 1024;
    bool check_content_type_ = false;
};

/// A response with `value` as application/json; charset=UTF-8 (Tornado's content type for a dict).
[[nodiscard]] Response json_response(const boost::json::value& value, int status = 200);

/// The same for a value that is spelled out where it is sent, `json_response({{"id", id}, {"tags", {"a", "b"}}})`: the
/// fast way, because it is written from where its parts lie, and no value is made. A call of this kind needs no header
/// of Boost.JSON.
[[nodiscard]] Response json_response(std::initializer_list<JsonItem> items, int status = 200);

/// The request's body (which must have been read) as JSON: `HttpError(400)` that says what is wrong at which byte when
/// it is none, 413 and 415 as the options say.
[[nodiscard]] boost::json::value parse_json(const Request& request, const JsonOptions& options = {});

}  // namespace caropig::web
