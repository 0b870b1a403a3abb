#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caropig::web {

/// What an XSRF cookie and each of its tokens stand for: the same random bytes, each time behind another mask.
struct XsrfToken {
    std::string bytes;  // kBytes of them
    std::int64_t time = 0;

    static constexpr std::size_t kBytes = 16;

    /// A new one, made at this moment: seconds since 1970.
    [[nodiscard]] static XsrfToken make(std::int64_t now);
    /// Reads "2|MASK|MASKED|TIME", or the format 1: the bytes in hexadecimal digits. Nothing for any other text.
    [[nodiscard]] static std::optional<XsrfToken> parse(std::string_view text);
    /// Written with a fresh mask: "2|MASK|MASKED|TIME".
    [[nodiscard]] std::string masked() const;
};

}  // namespace caropig::web
