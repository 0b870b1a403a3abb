#include <caropig/client/fetch_request.h>
#include <caropig/client/file_body.h>
#include <caropig/client/multipart_form.h>

#include <memory>
#include <utility>

#include <boost/json.hpp>

namespace caropig::client {

FetchRequest& FetchRequest::json(const boost::json::value& value) {
    return body(boost::json::serialize(value)).body_from({}).header("Content-Type", "application/json");
}

FetchRequest& FetchRequest::form(const http::QueryParameters& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        if (!text.empty()) text += '&';
        text += http::percent_encode(name) + '=' + http::percent_encode(value);
    }
    return body(std::move(text)).body_from({}).header("Content-Type", "application/x-www-form-urlencoded");
}

FetchRequest& FetchRequest::multipart(const MultipartForm& form) {
    return body({})
        .body_from(form.producer(), form.size())
        .repeatable(true)
        .header("Content-Type", form.content_type());
}

FetchRequest& FetchRequest::file(FileBody file) {
    const std::uint64_t size = file.size();
    const auto shared = std::make_shared<const FileBody>(std::move(file));
    return body({}).body_from([shared](RequestBody& body) { return shared->write_to(body); }, size).repeatable(true);
}

}  // namespace caropig::client
