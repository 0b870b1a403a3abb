#include "web/response_sender.h"

#include "base/read_file.h"
#include "http/content_coding.h"
#include "http/h1/body_decoder.h"
#include <caropig/base/check.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace caropig::web {

Task<void> BodyWriter::write(std::string_view data) {
    return encoder_ == nullptr ? exchange_->write(data) : write_coded(data);
}

Task<void> BodyWriter::write_file(int file, std::uint64_t offset, std::uint64_t count) {
    return encoder_ == nullptr ? exchange_->write_file(file, offset, count) : write_file_coded(file, offset, count);
}

Task<void> BodyWriter::write_file_coded(int file, std::uint64_t offset, std::uint64_t count) {
    constexpr std::uint64_t kPiece = std::uint64_t{64} * 1024;
    std::vector<std::byte> buffer(std::min(count, kPiece));
    while (count > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(count, buffer.size());
        const std::size_t size = read_file(file, offset, MutableBytes(buffer).first(wanted));
        if (size == 0) throw std::runtime_error("a file shrank while it was sent");
        co_await write_coded(as_text(ConstBytes(buffer).first(size)));
        offset += size;
        count -= size;
    }
}

void BodyWriter::add_trailer(std::string_view name, std::string_view value) {
    if (http::h1::is_forbidden_trailer(name)) {
        throw std::invalid_argument("the header " + std::string(name) + " must not follow the body");
    }
    trailers_->add(name, value);
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
    if (response.special_->session) {
        net::Stream* stream = co_await exchange.upgrade(response.special_->protocol, response.headers_.wire());
        co_await response.special_->session(*stream);
        co_return;
    }
    exchange.start_response(head(response), response.special_->length);
    http::Headers trailers;
    if (exchange.method() != http::Method::kHead) {  // else all that it writes would be thrown away
        BodyWriter writer(exchange, trailers);
        co_await response.special_->producer(writer);
    }
    co_await exchange.finish(trailers);
}

}  // namespace caropig::web
