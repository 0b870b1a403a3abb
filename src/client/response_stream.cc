#include "client/exchange.h"
#include "client/leased_stream.h"
#include <caropig/base/error.h>
#include <caropig/client/response_stream.h>
#include <caropig/loop/thread_pool.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace caropig::client {
namespace {

/// A file that is being written; it is removed unless it is kept.
class NewFile {
public:
    explicit NewFile(std::string path) : path_(std::move(path)) {}
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (fd_ < 0) return;
        ::close(fd_);
        ::unlink(path_.c_str());
    }

    void open() {
        fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0) throw IoError(errno_code(errno), "create " + path_);
    }
    void write(std::string_view data) const {
        while (!data.empty()) {
            const ssize_t size = ::write(fd_, data.data(), data.size());
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) throw IoError(errno_code(errno), "write " + path_);
            data.remove_prefix(static_cast<std::size_t>(size));
        }
    }
    void keep() {
        if (::close(std::exchange(fd_, -1)) != 0) throw IoError(errno_code(errno), "write " + path_);
    }

private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace

ResponseStream::ResponseStream(Pool& pool, std::unique_ptr<Exchange> exchange)
    : pool_(&pool), exchange_(std::move(exchange)) {
    (exchange_->decoder ? coded_ : piece_) = exchange_->reader.take_body();
    head_ = exchange_->reader.take();
    head_.url(exchange_->request.url());
    if (exchange_->reader.switched()) {
        auto stream = std::make_unique<LeasedStream>(std::move(exchange_->lease));
        stream->give(std::exchange(piece_, {}));
        stream_ = std::move(stream);
    } else if (exchange_->reader.complete()) {
        end_exchange(*exchange_);
    }
}

ResponseStream::ResponseStream(ResponseStream&&) noexcept = default;
ResponseStream& ResponseStream::operator=(ResponseStream&&) noexcept = default;
ResponseStream::~ResponseStream() = default;

const http::Headers& ResponseStream::trailers() const noexcept { return exchange_->reader.trailers(); }

std::unique_ptr<net::Stream> ResponseStream::take_stream() noexcept { return std::move(stream_); }

bool ResponseStream::complete() const noexcept { return !exchange_->lease && exchange_->reader.complete(); }

bool ResponseStream::ready() const noexcept {
    const bool unread = exchange_->decoder ? decoded_ < coded_.size() : !first_read_ && !piece_.empty();
    return unread || complete();
}

Task<void> ResponseStream::receive() {
    Exchange& exchange = *exchange_;
    while (!exchange.reader.has_body() && !exchange.reader.complete()) {
        Connection::Wait wait(exchange.lease.connection(), next_deadline(*pool_, exchange));
        const Connection::Event event = co_await wait;
        take_event(*pool_, exchange, event);
    }
    if (exchange.reader.complete()) end_exchange(exchange);
}

Task<std::string_view> ResponseStream::read_decoded() {
    Exchange& exchange = *exchange_;
    piece_.clear();
    try {
        for (;;) {
            std::string_view rest = std::string_view(coded_).substr(decoded_);
            const bool more = decode_piece(exchange, rest, piece_);
            decoded_ = coded_.size() - rest.size();
            if (!piece_.empty()) co_return piece_;
            if (more) continue;
            if (!exchange.lease) {
                check_decoded(exchange);
                co_return std::string_view();
            }
            co_await receive();
            coded_ = exchange.reader.take_body();
            decoded_ = 0;
        }
    } catch (...) {
        exchange.lease.drop();
        exchange.decoder.reset();
        piece_.clear();
        throw;
    }
}

Task<std::string_view> ResponseStream::read() {
    if (exchange_->decoder) co_return co_await read_decoded();
    if (!first_read_) {
        first_read_ = true;
        if (!piece_.empty()) co_return piece_;
    }
    piece_.clear();
    if (!exchange_->lease) co_return std::string_view();
    try {
        co_await receive();
    } catch (...) {
        exchange_->lease.drop();
        throw;
    }
    piece_ = exchange_->reader.take_body();
    co_return piece_;
}

Task<std::uint64_t> ResponseStream::save_to(std::string path, ThreadPool& threads) {
    auto file = std::make_unique<NewFile>(std::move(path));
    NewFile& writer = *file;
    auto open = [&writer] { writer.open(); };
    co_await threads.run(open);
    std::uint64_t total = 0;
    for (;;) {
        const std::string_view piece = co_await read();
        if (piece.empty()) break;
        total += piece.size();
        auto write = [&writer, piece] { writer.write(piece); };
        co_await threads.run(write);
    }
    auto keep = [&writer] { writer.keep(); };
    co_await threads.run(keep);
    co_return total;
}

}  // namespace caropig::client
