#include "web/response_sender.h"

#include <caropig/base/check.h>

namespace caropig::web {

Task<void> BodyWriter::write(std::string_view data) { return exchange_->write(data); }

Task<void> ResponseSender::send_later(server::Exchange& exchange, Response& response) {
    if (streams(response) && response.special_->later) {
        Response::Maker later = std::move(response.special_->later);
        response = co_await later();
        CAROPIG_CHECK(!streams(response) || !response.special_->later, "a response made later is made at once");
    }
    if (!streams(response)) {
        send(exchange, std::move(response));
        co_return;
    }
    exchange.start_response(head(response), response.special_->length);
    if (exchange.method() != http::Method::kHead) {  // else all that it writes would be thrown away
        BodyWriter writer(exchange);
        co_await response.special_->producer(writer);
    }
    co_await exchange.finish();
}

}  // namespace caropig::web
