#include "http/h1/writer.h"
#include <caropig/http/chars.h>
#include <caropig/web/request.h>
#include <caropig/web/response.h>

#include <stdexcept>
#include <utility>

namespace caropig::web {
namespace {

void refuse_framing(std::string_view name) {
    if (http::h1::is_framing_header(name)) {
        throw std::invalid_argument("the server sets the header " + std::string(name) + " itself");
    }
}

constexpr int kSwitchingProtocols = 101;
constexpr int kUpgradeRequired = 426;

}  // namespace

Response::Response(int status, std::string body) : body_(std::move(body)) { this->status(status); }

Response Response::text(std::string body, int status) {
    Response response(status, std::move(body));
    response.static_content_type("text/plain; charset=UTF-8");
    return response;
}

Response Response::stream(Producer producer) {
    Response response;
    response.special_ = std::make_unique<Special>();
    response.special_->producer = std::move(producer);
    return response;
}

Response Response::stream(std::uint64_t length, Producer producer) {
    Response response = stream(std::move(producer));
    response.special_->length = length;
    return response;
}

Response Response::shared(std::string_view body, std::shared_ptr<const void> owner, InFile in_file) {
    Response response;
    response.special_ = std::make_unique<Special>();
    response.special_->shared = body;
    response.special_->owner = std::move(owner);
    response.special_->in_file = in_file;
    return response;
}

Response Response::later(Maker maker) {
    Response response;
    response.special_ = std::make_unique<Special>();
    response.special_->later = std::move(maker);
    return response;
}

Response Response::upgrade(const Request& request, std::string_view protocol, Session session) {
    Response response;
    if (!request.offers_upgrade(protocol)) {
        response = text("this needs an upgrade to " + std::string(protocol) + "\n", kUpgradeRequired);
        response.headers_.set("Upgrade", protocol);
        response.headers_.set("Connection", "upgrade");
        return response;
    }
    response.status_ = kSwitchingProtocols;
    response.special_ = std::make_unique<Special>();
    response.special_->session = std::move(session);
    response.special_->protocol = protocol;
    return response;
}

Response Response::redirect(std::string_view url, bool permanent) {
    Response response(permanent ? 301 : 302, {});
    response.header("Location", url);
    return response;
}

Response& Response::status(int status) {
    if (status < 200 || status > 599) throw std::invalid_argument("a response's status is 200 to 599");
    status_ = status;
    return *this;
}

Response& Response::header(std::string_view name, std::string_view value) {
    refuse_framing(name);
    headers_.set(name, value);
    if (http::iequals(name, "Content-Type")) content_type_ = {};
    return *this;
}

Response& Response::add_header(std::string_view name, std::string_view value) {
    if (http::iequals(name, "Content-Type")) return header(name, value);
    refuse_framing(name);
    headers_.add(name, value);
    return *this;
}

Response& Response::remove_header(std::string_view name) {
    if (http::iequals(name, "Content-Type")) content_type_ = {};
    headers_.remove(name);
    return *this;
}

Response& Response::headers(http::Headers headers) {
    for (const http::HeaderView& field : headers) refuse_framing(field.name);
    headers_ = std::move(headers);
    content_type_ = {};
    return *this;
}

Response& Response::append(std::string_view text) {
    body_ += text;
    return *this;
}

Response& Response::content_type(std::string_view type) {
    return type.empty() ? remove_header("Content-Type") : header("Content-Type", type);
}

Response& Response::static_content_type(std::string_view type) noexcept {
    if (!headers_.empty()) headers_.remove("Content-Type");
    content_type_ = type;
    return *this;
}

}  // namespace caropig::web
