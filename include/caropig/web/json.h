#pragma once

#include <caropig/web/response.h>

#include <boost/json/fwd.hpp>

/// \file
/// JSON in and out, by Boost.JSON. Include <boost/json.hpp> to make values.
namespace caropig::web {

class Request;

/// A response with `value` as application/json; charset=UTF-8 (Tornado's content type for a dict).
[[nodiscard]] Response json_response(const boost::json::value& value, int status = 200);

/// The request's body (which must have been read) as JSON: `HttpError(400)` when it is none. Nesting is limited to 32.
[[nodiscard]] boost::json::value parse_json(const Request& request);

}  // namespace caropig::web
