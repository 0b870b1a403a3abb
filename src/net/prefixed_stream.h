#pragma once

#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <cstddef>
#include <string>
#include <utility>

namespace caropig::net {

/// A connection of which some bytes were received before anybody knew for whom: whoever reads gets them first, and then
/// those of the stream below.
class PrefixedStream : public Stream {
public:
    /// `below` outlives it.
    explicit PrefixedStream(Stream& below) noexcept : below_(below) {}

    /// What was received already; before the first read.
    void give(std::string received) noexcept { received_ = std::move(received); }

    void shutdown_write() noexcept override { below_.shutdown_write(); }
    void close() noexcept override;
    void drop_unsent_at_close() noexcept override { below_.drop_unsent_at_close(); }
    [[nodiscard]] std::string peer() const override { return below_.peer(); }
    [[nodiscard]] Loop& loop() const noexcept override { return below_.loop(); }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override { return below_.submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return below_.submit(operation); }
    void cancel(Operation& operation) noexcept override { below_.cancel(operation); }

protected:
    [[nodiscard]] bool closed() const noexcept { return closed_; }

private:
    bool submit_file(SendFileOperation& operation) noexcept override { return below_.submit(operation); }

    Stream& below_;
    std::string received_;
    std::size_t start_ = 0;  // what lies before it has been read
    bool closed_ = false;
};

}  // namespace caropig::net
