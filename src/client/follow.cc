#include "client/follow.h"

#include "client/authorization.h"
#include "client/redirect.h"
#include "client/resilience.h"
#include <caropig/client/cookie_jar.h>

#include <optional>
#include <string>
#include <utility>

namespace caropig::client {
namespace {

constexpr int kMostChallenges = 3;  // of one fetch that are answered: one, and stale nonces

/// What a request needs to be sent again: sending takes its body away, and its fields are not all its own.
class Repeatable {
public:
    explicit Repeatable(const FetchRequest& request) {
        if (request.max_redirects() > 0 || request.digest()) body_ = request.body();
        if (!request.cookies()) return;
        if (const auto cookie = request.headers().find("Cookie")) own_cookie_ = *cookie;
    }

    /// Adds what goes out with it this time.
    void prepare(FetchRequest& request, std::int64_t now) {
        if (request.digest()) {
            authorization_ =
                request.digest()->authorization(request.url().origin(), request.method(), request.url().target());
            if (!authorization_.empty()) request.header("Authorization", authorization_);
        }
        if (!request.cookies()) return;
        const std::string kept = request.cookies()->cookies_for(request.url(), now);
        if (kept.empty()) return;
        request.header("Cookie", own_cookie_ ? *own_cookie_ + "; " + kept : kept);
    }

    /// The digest that went out with it; empty where none did.
    [[nodiscard]] const std::string& authorization() const noexcept { return authorization_; }

    /// Makes it what it was before prepare() and sending.
    void restore(FetchRequest& request) const {
        request.body(body_);
        if (request.digest()) request.remove_header("Authorization");
        if (!request.cookies()) return;
        request.remove_header("Cookie");
        if (own_cookie_) request.header("Cookie", *own_cookie_);
    }

    /// It has become another request.
    void changed(const FetchRequest& request) {
        if (request.body().empty()) std::string().swap(body_);
        if (own_cookie_ && !request.headers().find("Cookie")) own_cookie_.reset();
    }

private:
    std::string body_;
    std::optional<std::string> own_cookie_;
    std::string authorization_;
};

/// Whether the answer is a challenge that sending the request again may meet.
bool is_met(const Exchange& exchange, std::string_view authorization) {
    const FetchRequest& request = exchange.request;
    return exchange.reader.status() == 401 && request.digest() && request.repeatable() &&
           request.digest()->challenged(request.url().origin(), exchange.reader.headers(), authorization);
}

/// Takes the redirect that the answer may be. False: it is the answer to give. Throws FetchError.
bool follow(Exchange& exchange, int followed) {
    const std::string origin = exchange.request.url().origin();
    const Result<bool, std::string> follows =
        follow_redirect(exchange.request, exchange.reader.status(), exchange.reader.headers(), followed);
    if (follows) return *follows;
    throw FetchError(FetchError::Kind::kRedirect, exchange.phase, std::make_error_code(std::errc::protocol_error),
                     origin, follows.error());
}

}  // namespace

Task<void> begin_following(Pool& pool, Exchange& exchange) {
    FetchRequest& request = exchange.request;
    Repeatable repeatable(request);
    int followed = 0;
    int challenges = 0;
    for (;;) {
        repeatable.prepare(request, pool.loop().unix_seconds());
        if (exchange.tries == nullptr) {
            co_await begin_exchange(pool, exchange);
        } else {
            co_await exchange.tries->resilience.begin(pool, exchange);
        }
        const ResponseReader& reader = exchange.reader;
        if (request.cookies()) request.cookies()->store(request.url(), reader.headers(), pool.loop().unix_seconds());
        const bool redirects = reader.status() / 100 == 3;
        if (!redirects && reader.status() != 401) break;

        repeatable.restore(request);
        if (redirects) {
            if (!follow(exchange, followed)) break;
            ++followed;
            repeatable.changed(request);
        } else {
            if (challenges == kMostChallenges || !is_met(exchange, repeatable.authorization())) break;
            ++challenges;
        }
        if (reader.complete()) {
            end_exchange(exchange);
        } else {
            exchange.lease.drop();
        }
        exchange.start_again();
    }
    const bool has_body = !exchange.reader.complete() || exchange.reader.has_body();
    if (!request.decompress() || !has_body) co_return;
    exchange.decoder = ResponseDecoder::create(exchange.reader.headers(), request.max_response_bytes());
    if (exchange.decoder) ResponseDecoder::clean(exchange.reader.headers());
}

}  // namespace caropig::client
