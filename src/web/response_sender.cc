#include "web/response_sender.h"

#include "http/content_coding.h"
#include <caropig/base/check.h>

namespace caropig::web {

Task<void> BodyWriter::write(std::string_view data) {
    return encoder_ == nullptr ? exchange_->write(data) : write_coded(data);
}

Task<void> BodyWriter::write_coded(std::string_view data) {
    std::string coded;
    encoder_->write(data, http::ContentEncoder::Flush::kYes, coded);
    co_await exchange_->write(coded);
}

Task<void> ResponseSender::make(Response& response) {
    if (!is_later(response)) co_return;
    Response::Maker later = std::move(response.special_->later);
    response = co_await later();
    CAROPIG_CHECK(!is_later(response), "a response made later is made at once");
}

Task<void> ResponseSender::send_later(server::Exchange& exchange, Response& response) {
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
