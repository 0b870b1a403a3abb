#pragma once

#include <caropig/web/router.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace caropig::server {
class Exchange;
}

namespace caropig::web {

/// The parameters of a match for a request that waits, whose path is so matched once. A RouteMatch has room for the
/// most that a route may have and is used again at once; this is small, since there is one for each request that waits,
/// and allocates only where there are many of them or where one had something to decode.
class KeptParameters {
public:
    /// After Exchange::own_head(): the values lie in the exchange's own head then, or here.
    KeptParameters(const server::Exchange& exchange, const RouteMatch& match);

    /// Valid while this stays where it is.
    [[nodiscard]] std::span<const RouteParameter> get() const noexcept {
        return {rest_ != nullptr ? rest_->parameters.data() : few_.data(), size_};
    }

private:
    static constexpr std::size_t kFew = 3;
    struct Rest {
        std::array<RouteParameter, RouteMatch::kMaxParameters> parameters;
        std::string decoded;
    };

    std::array<RouteParameter, kFew> few_;
    std::size_t size_;
    std::unique_ptr<Rest> rest_;
};

}  // namespace caropig::web
