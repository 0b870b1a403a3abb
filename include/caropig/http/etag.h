#pragma once

#include <caropig/http/headers.h>

#include <optional>
#include <string_view>

/// \file
/// Entity tags (RFC 9110 8.8.3): names for what a resource's content is at the moment, so that a client can ask
/// whether what it has is still that.
namespace caropig::http {

/// `"abc"`, or `W/"abc"`. A weak one names contents that are worth the same; a strong one a content to the byte.
struct EntityTag {
    std::string_view opaque;  ///< with its quotes
    bool weak = false;

    friend bool operator==(const EntityTag&, const EntityTag&) = default;
};

/// Reads one entity tag that is the whole text; nothing for any other text, such as one without quotes.
std::optional<EntityTag> parse_etag(std::string_view text) noexcept;

enum class ETagComparison : unsigned char {
    kStrong,  ///< both are strong and equal: for ranges and before something is changed
    kWeak,    ///< equal but for the W/: for caches
};

/// RFC 9110 8.8.3.2.
bool etags_match(const EntityTag& a, const EntityTag& b, ETagComparison how) noexcept;

/// Whether the list (`"a", W/"b"`, or `*`, which matches whatever there is) that all fields of that name make together
/// holds `current`; nothing there (an unset or malformed tag) matches `*` only when `exists`. Linear; a list is read up
/// to its first mistake.
bool etag_list_matches(HeadersView fields, std::string_view name, const std::optional<EntityTag>& current,
                       ETagComparison how, bool exists = true) noexcept;

}  // namespace caropig::http
