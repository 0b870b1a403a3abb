#pragma once

#include <caropig/http/headers.h>
#include <caropig/http/method.h>

#include <cstdint>
#include <optional>
#include <string_view>

/// \file
/// Conditional requests (RFC 9110 section 13): "only if it has changed", "only if nobody else has changed it".
namespace caropig::http {

/// What there is to compare with, of the representation that would be sent.
struct Validators {
    std::string_view etag;                      ///< as in the ETag field; empty: it has none
    std::optional<std::int64_t> last_modified;  ///< seconds since 1970
};

enum class Precondition : unsigned char {
    kPassed,       ///< go on
    kNotModified,  ///< answer 304
    kFailed,       ///< answer 412, and do nothing
};

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110 13.2.2:
///
///     field                 looked at when                     false gives
///     If-Match              it is there                        412  (strong comparison)
///     If-Unmodified-Since   there is no If-Match               412
///     If-None-Match         it is there                        304 for GET and HEAD, else 412  (weak comparison)
///     If-Modified-Since     no If-None-Match; GET and HEAD     304
///
/// A date that is not one, and one where there is no last_modified, is as if it were not there (13.1.3, 13.1.4).
/// If-Range is not a precondition: see range_is_wanted().
Precondition check_preconditions(Method method, HeadersView fields, const Validators& current) noexcept;

/// Whether a Range field counts: for GET only (14.2), and with If-Range only when that names what there is now, by a
/// strong comparison of entity tags or by an exact date (13.1.5). A date is strong only when the second that it names
/// has passed at `now`, in seconds since 1970: what changed twice within it looks unchanged (8.8.2.2).
bool range_is_wanted(Method method, HeadersView fields, const Validators& current, std::int64_t now) noexcept;

}  // namespace caropig::http
