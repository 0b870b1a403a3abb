#pragma once

#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <cstddef>
#include <string>
#include <utility>

namespace caropig::server {

/// What a handler gets of a connection that speaks another protocol from now on: first the bytes that were received
/// before anybody knew, then those of the connection's own stream. The connection itself waits for the hang-up there,
/// so that it can cancel the handler, and tells it on to whoever waits for it here.
class UpgradedStream final : public net::Stream {
public:
    /// `below` outlives it.
    explicit UpgradedStream(net::Stream& below) noexcept : below_(below) {}

    /// What was received already; before the first read.
    void give(std::string received) noexcept { received_ = std::move(received); }

    void shutdown_write() noexcept override { below_.shutdown_write(); }
    void close() noexcept override;
    void drop_unsent_at_close() noexcept override { below_.drop_unsent_at_close(); }
    [[nodiscard]] std::string peer() const override { return below_.peer(); }
    [[nodiscard]] Loop& loop() const noexcept override { return below_.loop(); }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override { return below_.submit(operation); }
    bool submit(HangupOperation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;

    /// The connection has found out that the peer is gone for good.
    void tell_hangup() noexcept;

private:
    bool submit_file(SendFileOperation& operation) noexcept override { return below_.submit(operation); }

    net::Stream& below_;
    std::string received_;
    std::size_t start_ = 0;  // what lies before it has been read
    HangupOperation* hangup_ = nullptr;
    bool closed_ = false;
    bool gone_ = false;
};

}  // namespace caropig::server
