#include "client/retry_policy.h"

#include <caropig/http/date.h>

#include <charconv>
#include <system_error>

namespace caropig::client {

using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

bool is_failure(int status) noexcept { return status >= 502 && status <= 504; }

bool is_failure(const FetchError& error) noexcept {
    switch (error.kind()) {
        case Kind::kUnresolvable:
        case Kind::kUnreachable:
        case Kind::kProxy:
        case Kind::kTls:
        case Kind::kProtocol:
        case Kind::kBroken:
            return true;
        case Kind::kTimeout:
            return error.phase() != Phase::kQueue;
        case Kind::kBusy:
        case Kind::kTooLarge:
        case Kind::kRedirect:
            break;
    }
    return false;
}

bool may_be_temporary(const FetchError& error) noexcept {
    // A certificate that was refused would be again.
    const bool refused = error.kind() == Kind::kTls && error.code() == std::errc::protocol_error;
    return is_failure(error) && error.kind() != Kind::kProtocol && !refused;
}

bool may_retry(const Exchange& exchange, const FetchError* error) noexcept {
    const FetchRequest& request = exchange.request;
    if (exchange.produced && !request.repeatable()) return false;
    if (error == nullptr) return request.idempotent() && is_failure(exchange.reader.status());
    return may_be_temporary(*error) && (!exchange.sent || request.idempotent());
}

std::optional<Duration> retry_after(const http::Headers& fields, std::int64_t unix_seconds) noexcept {
    const std::optional<std::string_view> text = fields.find("Retry-After");
    if (!text) return std::nullopt;
    const std::int64_t longest = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::hours(24 * 366)).count();
    std::int64_t seconds = 0;
    if (!text->empty() && text->find_first_not_of("0123456789") == std::string_view::npos) {
        const auto parsed = std::from_chars(text->data(), text->data() + text->size(), seconds);
        if (parsed.ec != std::errc()) seconds = longest;
    } else {
        const std::optional<std::int64_t> date = http::parse_http_date(*text);
        if (!date) return std::nullopt;
        seconds = *date - unix_seconds;
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest));
}

Duration backoff(const ResilienceOptions& options, int made, std::minstd_rand& random) {
    Duration wait = options.first_backoff();
    for (; made > 0 && wait < options.longest_backoff(); --made) wait *= 2;
    wait = std::min(wait, options.longest_backoff());
    std::uniform_int_distribution<Duration::rep> shortened((wait / 2).count(), wait.count());
    return Duration(shortened(random));
}

}  // namespace caropig::client
