#include "web/kept_parameters.h"

#include <caropig/server/service.h>

#include <functional>

namespace caropig::web {

KeptParameters::KeptParameters(const server::Exchange& exchange, const RouteMatch& match)
    : size_(match.parameters().size()) {
    const std::string_view decoded = match.decoded_;
    const auto was_decoded = [&decoded](std::string_view value) {
        return !std::less<>()(value.data(), decoded.data()) &&
               !std::less<>()(decoded.data() + decoded.size(), value.data() + value.size());
    };
    std::size_t room = 0;
    for (const RouteParameter& parameter : match.parameters()) {
        if (was_decoded(parameter.value)) room += parameter.value.size() + 1;
    }
    RouteParameter* kept = few_.data();
    if (room != 0 || size_ > kFew) {
        rest_ = std::make_unique<Rest>();
        rest_->decoded.reserve(room);  // once, so that views into it stay valid
        kept = rest_->parameters.data();
    }
    for (const RouteParameter& parameter : match.parameters()) {
        std::string_view value = exchange.rebase(parameter.value);
        if (room != 0 && was_decoded(parameter.value)) {
            const std::size_t start = rest_->decoded.size();
            rest_->decoded += value;
            value = std::string_view(rest_->decoded).substr(start);
        }
        *kept++ = {.name = parameter.name, .value = value};
    }
}

}  // namespace caropig::web
