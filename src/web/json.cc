#include <caropig/web/http_error.h>
#include <caropig/web/json.h>
#include <caropig/web/request.h>

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {

Response json_response(const boost::json::value& value, int status) {
    Response response(status, boost::json::serialize(value));
    response.static_content_type("application/json; charset=UTF-8");
    return response;
}

boost::json::value parse_json(const Request& request) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(request.body(), error);
    if (error) throw HttpError(400, "the body is no JSON: " + error.message());
    return value;
}

}  // namespace caropig::web
