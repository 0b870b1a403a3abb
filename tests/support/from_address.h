#pragma once

#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <memory>
#include <string>
#include <utility>

namespace caropig::support {

/// One end of a pipe that says that somebody else is there.
class FromAddress final : public net::Stream {
public:
    FromAddress(std::unique_ptr<net::Stream> below, std::string peer)
        : below_(std::move(below)), peer_(std::move(peer)) {}
    void shutdown_write() noexcept override { below_->shutdown_write(); }
    void close() noexcept override { below_->close(); }
    [[nodiscard]] std::string peer() const override { return peer_; }
    [[nodiscard]] Loop& loop() const noexcept override { return below_->loop(); }
    bool submit(ReceiveOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit(SendOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return below_->submit(operation); }
    void cancel(Operation& operation) noexcept override { below_->cancel(operation); }

private:
    std::unique_ptr<net::Stream> below_;
    std::string peer_;
};

}  // namespace caropig::support
