#pragma once

#include "web/spare_body.h"
#include <caropig/server/service.h>
#include <caropig/web/response.h>

namespace caropig::web {

/// Brings a Response to the server's side of the exchange.
class ResponseSender {
public:
    /// Whether the response must be sent by a task.
    [[nodiscard]] static bool streams(const Response& response) noexcept {
        return response.special_ != nullptr && response.special_->owner == nullptr;
    }
    /// Whether its body is streamed, shared, or to be made later.
    [[nodiscard]] static bool is_special(const Response& response) noexcept { return response.special_ != nullptr; }
    [[nodiscard]] static bool is_later(const Response& response) noexcept {
        return response.special_ != nullptr && response.special_->later;
    }
    /// Makes a response that is to be made later; others stay as they are.
    static Task<void> make(Response& response);
    [[nodiscard]] static server::ResponseHead head(const Response& response) noexcept {
        return {response.status_, response.content_type_, response.headers_.wire()};
    }
    /// Sends a response that does not stream.
    static void send(server::Exchange& exchange, Response&& response) {
        if (response.special_ != nullptr) {
            Response::Special& special = *response.special_;
            exchange.respond(head(response), special.shared, std::move(special.owner), special.in_file);
        } else {
            exchange.respond(head(response), std::move(response.body_));
            SpareBody::give_back(response.body_);  // unless it has been moved from
        }
    }
    /// Sends any response that has been made; the task runs its producer.
    static Task<void> send_later(server::Exchange& exchange, Response& response);
    /// Takes what was appended to the body.
    [[nodiscard]] static std::string take_body(Response& response) { return std::exchange(response.body_, {}); }
};

}  // namespace caropig::web
