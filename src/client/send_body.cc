#include "client/send_body.h"

#include "http/h1/body_decoder.h"
#include "http/h1/writer.h"
#include <caropig/loop/with_timeout.h>

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace caropig::client {
namespace {

using Event = Connection::Event;

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;  // of a produced body, copied at a time

/// Nobody wants the rest of the body. No std::exception: a producer's own handlers should let it pass.
struct StopProducing {};

/// What a producer's pieces go through.
class ProducedBody final : public RequestBody {
public:
    ProducedBody(const Pool& pool, Exchange& exchange) noexcept
        : pool_(pool), exchange_(exchange), left_(exchange.request.produced_length()) {}

    Task<void> write(std::string_view data) override {
        if (left_ && data.size() > *left_) {
            throw std::length_error("the body's producer has written more than was announced");
        }
        if (left_) *left_ -= data.size();
        std::string& out = exchange_.lease.connection().out;
        for (; !data.empty(); data.remove_prefix(std::min(data.size(), kPieceBytes))) {
            const std::string_view piece = data.substr(0, kPieceBytes);
            out.clear();
            if (!left_) http::h1::append_chunk_head(out, piece.size());
            out += piece;
            if (!left_) out += http::h1::kChunkEnd;
            co_await send();
        }
    }

    Task<void> finish() {
        if (left_) {
            if (*left_ == 0) co_return;
            throw std::length_error(fmt::format("the body's producer has written {} bytes too few", *left_));
        }
        std::string& out = exchange_.lease.connection().out;
        out.clear();
        http::h1::append_last_chunk(out, trailers().wire());
        co_await send();
    }

private:
    Task<void> send() {
        Connection& connection = exchange_.lease.connection();
        connection.start_sending();
        if (connection.sending()) co_await send_out(pool_, exchange_);
        if (connection.has_unheard()) co_await look();
        if (exchange_.reader.head_complete() || exchange_.unsent || connection.send_result() != 0) {
            exchange_.unsent = true;
            throw StopProducing();
        }
    }

    /// Something came while the producer was at work: an answer before its time, most likely.
    Task<void> look() {
        Connection::Wait wait(exchange_.lease.connection(), exchange_.deadline);
        const Event event = co_await wait;
        take_event(pool_, exchange_, event);
    }

    const Pool& pool_;
    Exchange& exchange_;
    std::optional<std::uint64_t> left_;
};

Task<void> produce(ProducedBody& body, const BodyProducer& producer) {
    co_await producer(body);
    co_await body.finish();
}

}  // namespace

void RequestBody::trailers(http::Headers fields) {
    for (const http::HeaderView& field : fields) {
        if (!http::h1::is_forbidden_trailer(field.name)) continue;
        throw std::invalid_argument(fmt::format("header {}: it must not follow the body", field.name));
    }
    trailers_ = std::move(fields);
}

Task<void> send_out(const Pool& pool, Exchange& exchange) {
    Connection& connection = exchange.lease.connection();
    while (connection.sending() && !exchange.unsent) {
        Connection::Wait wait(connection, exchange.deadline);
        const Event event = co_await wait;
        if (event == Event::kTimeout) fail_late(exchange, pool.loop().now(), {}, {});
        if (event == Event::kSent) continue;
        if (connection.size() <= 0 && !exchange.heard) {
            connection.unhear();  // said again to whoever waits for the answer
            exchange.unsent = true;
            break;
        }
        take_event(pool, exchange, event);
        exchange.unsent = exchange.reader.head_complete();
    }
}

Task<void> await_continue(const Pool& pool, Exchange& exchange) {
    Connection& connection = exchange.lease.connection();
    exchange.phase = FetchError::Phase::kWait;
    const TimePoint until = pool.loop().now() + exchange.request.expect_continue();
    while (!exchange.reader.continues() && !exchange.reader.head_complete()) {
        Connection::Wait wait(connection, std::min(until, exchange.deadline));
        const Event event = co_await wait;
        if (event == Event::kTimeout && pool.loop().now() < exchange.deadline) break;
        if (event == Event::kTimeout) fail_late(exchange, pool.loop().now(), {}, {});
        if (connection.size() <= 0 && !exchange.heard) {
            connection.unhear();
            exchange.unsent = true;
            co_return;
        }
        take_event(pool, exchange, event);
    }
    exchange.phase = FetchError::Phase::kSend;
}

Task<void> send_produced(const Pool& pool, Exchange& exchange) {
    exchange.produced = true;
    exchange.lease.connection().listen();  // for an answer before its time, on a new connection too
    ProducedBody body(pool, exchange);
    try {
        Task<void> producing = produce(body, exchange.request.producer());
        if (exchange.deadline == TimePoint::max()) {
            co_await std::move(producing);
        } else {
            co_await with_deadline(exchange.deadline, std::move(producing));
        }
    } catch (const StopProducing&) {
        co_return;  // the answer, or the end, is there
    } catch (const TimeoutError&) {
        if (pool.loop().now() < exchange.deadline) throw;  // the producer's own
        fail_late(exchange, pool.loop().now(), {}, {});
    }
}

}  // namespace caropig::client
