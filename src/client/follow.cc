#include "client/follow.h"

#include "client/redirect.h"
#include <caropig/client/cookie_jar.h>

#include <optional>
#include <string>
#include <utility>

namespace caropig::client {
namespace {

/// What a request needs to be sent again: sending takes its body away, and its fields are not all its own.
class Repeatable {
public:
    explicit Repeatable(const FetchRequest& request) {
        if (request.max_redirects() > 0) body_ = request.body();
        if (!request.cookies()) return;
        if (const auto cookie = request.headers().find("Cookie")) own_cookie_ = *cookie;
    }

    /// Adds what goes out with it this time.
    void prepare(FetchRequest& request, std::int64_t now) const {
        if (!request.cookies()) return;
        const std::string kept = request.cookies()->cookies_for(request.url(), now);
        if (kept.empty()) return;
        request.header("Cookie", own_cookie_ ? *own_cookie_ + "; " + kept : kept);
    }

    /// Makes it what it was before prepare() and sending.
    void restore(FetchRequest& request) const {
        request.body(body_);
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
};

}  // namespace

Task<void> begin_following(Pool& pool, Exchange& exchange) {
    FetchRequest& request = exchange.request;
    Repeatable repeatable(request);
    for (int followed = 0;; ++followed) {
        repeatable.prepare(request, pool.loop().unix_seconds());
        co_await begin_exchange(pool, exchange);
        const ResponseReader& reader = exchange.reader;
        if (request.cookies()) request.cookies()->store(request.url(), reader.headers(), pool.loop().unix_seconds());
        if (reader.status() / 100 != 3) co_return;

        repeatable.restore(request);
        const std::string origin = request.url().origin();
        const Result<bool, std::string> follows = follow_redirect(request, reader.status(), reader.headers(), followed);
        if (!follows) {
            throw FetchError(FetchError::Kind::kRedirect, exchange.phase,
                             std::make_error_code(std::errc::protocol_error), origin, follows.error());
        }
        if (!*follows) co_return;
        repeatable.changed(request);
        if (reader.complete()) {
            end_exchange(exchange);
        } else {
            exchange.lease.drop();
        }
        exchange.start_again();
    }
}

}  // namespace caropig::client
