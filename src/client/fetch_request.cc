#include "client/authorization.h"
#include "client/limits.h"
#include <caropig/client/fetch_request.h>
#include <caropig/http/method.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace caropig::client {
namespace {

// They say where the message ends and what may follow on the connection; the client sets them, or does not do what
// they ask for.
constexpr std::array<std::string_view, 8> kOwnFields{"Connection", "Content-Length",    "Expect", "Keep-Alive", "TE",
                                                     "Trailer",    "Transfer-Encoding", "Upgrade"};

constexpr int kMostRedirects = 100;

void check_field(std::string_view name) {
    const bool own = std::ranges::any_of(kOwnFields, [name](std::string_view own) { return http::iequals(own, name); });
    if (own) throw std::invalid_argument(fmt::format("header {}: the client sets it itself", name));
}

void check_userinfo(const http::Url& url) {
    if (url.userinfo.empty()) return;
    throw std::invalid_argument("URL: a user or password in it is not sent; set an Authorization field");
}

}  // namespace

FetchRequest::FetchRequest(http::Url url) : url_(std::move(url)) {}

FetchRequest& FetchRequest::url(http::Url url) {
    check_userinfo(url);
    url_ = std::move(url);
    return *this;
}

http::Url FetchRequest::parse(std::string_view text) {
    Result<http::Url, std::string> url = http::parse_url(text);
    if (!url) throw std::invalid_argument(fmt::format("URL: {}", url.error()));
    check_userinfo(*url);
    return *std::move(url);
}

FetchRequest& FetchRequest::method(std::string_view name) {
    if (!http::is_token(name)) throw std::invalid_argument("method: it is not a token");
    if (name == "CONNECT") throw std::invalid_argument("method: CONNECT is for proxies");
    method_ = name;
    return *this;
}

FetchRequest& FetchRequest::header(std::string_view name, std::string_view value) {
    check_field(name);
    headers_.set(name, value);
    return *this;
}

FetchRequest& FetchRequest::add_header(std::string_view name, std::string_view value) {
    check_field(name);
    headers_.add(name, value);
    return *this;
}

FetchRequest& FetchRequest::remove_header(std::string_view name) {
    headers_.remove(name);
    return *this;
}

FetchRequest& FetchRequest::headers(http::Headers fields) {
    for (const http::HeaderView& field : fields) check_field(field.name);
    headers_ = std::move(fields);
    return *this;
}

FetchRequest& FetchRequest::names_itself(bool does) noexcept {
    names_itself_ = does;
    return *this;
}

FetchRequest& FetchRequest::wants_trailers(bool does) noexcept {
    wants_trailers_ = does;
    return *this;
}

FetchRequest& FetchRequest::upgrade(std::string_view protocol) {
    const std::size_t slash = std::min(protocol.find('/'), protocol.size());
    const bool has_version = slash < protocol.size();
    if (!http::is_token(protocol.substr(0, slash)) || (has_version && !http::is_token(protocol.substr(slash + 1)))) {
        throw std::invalid_argument("upgrade: it is no protocol");
    }
    upgrade_ = protocol;
    return *this;
}

FetchRequest& FetchRequest::body(std::string bytes) noexcept {
    body_.swap(bytes);  // unlike an assignment, it lets go of the memory of the one before
    return *this;
}

FetchRequest& FetchRequest::body_from(BodyProducer producer, std::optional<std::uint64_t> length) {
    producer_ = std::move(producer);
    produced_length_ = length;
    repeatable_ = false;
    return *this;
}

FetchRequest& FetchRequest::repeatable(bool is) noexcept {
    repeatable_ = is;
    return *this;
}

FetchRequest& FetchRequest::decompress(bool does) noexcept {
    decompress_ = does;
    return *this;
}

FetchRequest& FetchRequest::expect_continue(Duration wait) {
    check_limit(wait, "expect_continue");
    expect_continue_ = wait;
    return *this;
}

FetchRequest& FetchRequest::idempotent(bool is) noexcept {
    idempotent_ = is;
    return *this;
}

bool FetchRequest::idempotent_method() const noexcept {
    switch (http::parse_method(method_)) {
        case http::Method::kGet:
        case http::Method::kHead:
        case http::Method::kPut:
        case http::Method::kDelete:
        case http::Method::kOptions:
        case http::Method::kTrace:
            return true;
        case http::Method::kPost:
        case http::Method::kPatch:
        case http::Method::kConnect:
        case http::Method::kOther:
            break;
    }
    return false;
}

FetchRequest& FetchRequest::resilient(bool is) noexcept {
    resilient_ = is;
    return *this;
}

FetchRequest& FetchRequest::first_byte_timeout(Duration limit) {
    check_limit(limit, "first_byte_timeout");
    first_byte_timeout_ = limit;
    return *this;
}

FetchRequest& FetchRequest::between_bytes_timeout(Duration limit) {
    check_limit(limit, "between_bytes_timeout");
    between_bytes_timeout_ = limit;
    return *this;
}

FetchRequest& FetchRequest::raise_error(bool raises) noexcept {
    raise_error_ = raises;
    return *this;
}

FetchRequest& FetchRequest::on_informational(Informational callback) {
    informational_ = std::move(callback);
    return *this;
}

FetchRequest& FetchRequest::connect_timeout(Duration limit) {
    check_limit(limit, "connect_timeout");
    connect_timeout_ = limit;
    return *this;
}

FetchRequest& FetchRequest::total_timeout(Duration limit) {
    check_limit(limit, "total_timeout");
    total_timeout_ = limit;
    return *this;
}

FetchRequest& FetchRequest::max_response_bytes(std::uint64_t limit) noexcept {
    max_response_bytes_ = limit;
    return *this;
}

FetchRequest& FetchRequest::max_redirects(int count) {
    if (count < 0 || count > kMostRedirects) throw std::invalid_argument("max_redirects: it is not 0 to 100");
    max_redirects_ = count;
    return *this;
}

FetchRequest& FetchRequest::allow_downgrade(bool allow) noexcept {
    allow_downgrade_ = allow;
    return *this;
}

FetchRequest& FetchRequest::basic_auth(std::string_view user, std::string_view password) {
    std::string value = basic_authorization(user, password);
    return no_auth().header("Authorization", value);
}

FetchRequest& FetchRequest::bearer_token(std::string_view token) {
    std::string value = bearer_authorization(token);
    return no_auth().header("Authorization", value);
}

FetchRequest& FetchRequest::digest_auth(std::string_view user, std::string_view password) {
    auto digest = std::make_shared<DigestAuth>(user, password);
    no_auth().digest_ = std::move(digest);
    return *this;
}

FetchRequest& FetchRequest::no_auth() noexcept {
    headers_.remove("Authorization");
    digest_.reset();
    return *this;
}

FetchRequest& FetchRequest::cookies(std::shared_ptr<CookieJar> jar) noexcept {
    cookies_ = std::move(jar);
    return *this;
}

}  // namespace caropig::client
