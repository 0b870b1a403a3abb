#include <caropig/base/check.h>
#include <caropig/server/service.h>
#include <caropig/web/request.h>
#include <caropig/web/router.h>

#include <span>
#include <stdexcept>
#include <utility>

namespace caropig::web {

http::Method Request::method() const noexcept { return exchange_->method(); }
std::string_view Request::method_text() const noexcept { return exchange_->method_text(); }
std::string_view Request::path() const noexcept { return exchange_->path(); }
std::string_view Request::query() const noexcept { return exchange_->query(); }
std::string_view Request::target() const noexcept { return exchange_->target(); }
std::string_view Request::host() const {
    return exchange_->trusts_proxies() ? exchange_->client().host : exchange_->host();
}
http::HeadersView Request::headers() const noexcept { return exchange_->headers(); }
std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
    return exchange_->headers().find(name);
}
std::string Request::remote_ip() const { return exchange_->client().ip; }
std::string_view Request::scheme() const { return exchange_->trusts_proxies() ? exchange_->client().scheme : "http"; }
std::string Request::full_url() const {
    return std::string(scheme()) + "://" + std::string(host()) + std::string(target());
}
Loop& Request::loop() const noexcept { return exchange_->loop(); }

std::string_view Request::param(std::string_view name) const {
    for (const RouteParameter& parameter : std::span(parameters_, parameter_count_)) {
        if (parameter.name == name) return parameter.value;
    }
    CAROPIG_CHECK(false, "the route has no parameter of that name");
}

std::string_view Request::param(std::size_t index) const {
    CAROPIG_CHECK(index < parameter_count_, "the route has not so many parameters");
    return std::span(parameters_, parameter_count_)[index].value;
}

Task<void> Request::read_whole_body() {
    if (whole_) co_return;
    body_ = co_await exchange_->read_whole_body();
    whole_ = true;
    forget_body_arguments();
}

Task<std::optional<std::string_view>> Request::read_body() {
    return whole_ ? take_whole_body() : exchange_->read_body();
}

Task<std::optional<std::string_view>> Request::take_whole_body() {
    if (std::exchange(taken_, true) || body_.empty()) co_return std::nullopt;
    co_return body_;
}

const http::Headers& Request::trailers() const noexcept { return exchange_->trailers(); }

void Request::inform(int status, const http::Headers& fields) {
    if (status < 102 || status > 199) throw std::invalid_argument("an interim response has a status of 102 to 199");
    if (exchange_->responded()) throw std::logic_error("an interim response comes before the response");
    exchange_->inform(status, fields.wire());
}

bool Request::offers_upgrade(std::string_view protocol) const noexcept { return exchange_->offers_upgrade(protocol); }

void Request::set_max_body_bytes(std::uint64_t limit) noexcept { exchange_->set_max_body_bytes(limit); }
void Request::set_max_inflated_bytes(std::uint64_t limit) noexcept { exchange_->set_max_inflated_bytes(limit); }
bool Request::decodes_body() const noexcept { return exchange_->decodes_body(); }

}  // namespace caropig::web
