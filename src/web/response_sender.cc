#include "web/response_sender.h"

namespace caropig::web {

Task<void> BodyWriter::write(std::string_view data) { return exchange_->write(data); }

Task<void> ResponseSender::send_later(server::Exchange& exchange, Response& response) {
    if (!streams(response)) {
        send(exchange, std::move(response));
        co_return;
    }
    exchange.start_response(head(response), response.length_);
    if (exchange.method() != http::Method::kHead) {  // else all that it writes would be thrown away
        BodyWriter writer(exchange);
        co_await response.producer_(writer);
    }
    co_await exchange.finish();
}

}  // namespace caropig::web
