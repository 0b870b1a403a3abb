#pragma once

#include <caropig/http/chars.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace caropig::web {

/// Tells which fields of a message are for its connection only, and not to be passed on (RFC 9110 7.6.1): those that
/// are known for it, and those that the message's Connection fields name. It views these.
class HopByHop {
public:
    template <class Fields>
    explicit HopByHop(const Fields& fields) {
        for (const auto& field : fields) {
            if (http::iequals(field.name, "Connection")) add_named(field.value);
        }
    }

    [[nodiscard]] bool operator()(std::string_view name) const noexcept {
        const auto is_name = [name](std::string_view other) { return http::iequals(name, other); };
        return std::ranges::any_of(kKnown, is_name) || std::ranges::any_of(named_, is_name);
    }

private:
    static constexpr std::array<std::string_view, 10> kKnown{
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Authentication-Info",
        "Proxy-Connection",
        "TE",
        "Transfer-Encoding",
        "Upgrade",
        "HTTP2-Settings",
    };

    void add_named(std::string_view list) {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            const std::string_view name = http::trim_ows(list.substr(0, comma));
            list.remove_prefix(std::min(comma + 1, list.size()));
            const bool is_option = http::iequals(name, "close") || http::iequals(name, "keep-alive");
            if (!name.empty() && !is_option) named_.push_back(name);
        }
    }

    std::vector<std::string_view> named_;
};

}  // namespace caropig::web
