#pragma once

#include "net/proxy_header.h"
#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace caropig::net {

/// A connection that begins with a PROXY header: whoever receives from it never sees the header, only what follows, and
/// peer() is from then on whom it names.
///
/// The header is read by the first receive. One that is malformed, or missing, ends that receive with -EPROTO; nothing
/// is written. How long it may take is up to whoever receives. Once it is read, operations go straight to the stream
/// below.
class ProxiedStream final : public Stream {
public:
    /// Called once, before the first receive completes: with nothing when peer() is known, else with what is wrong, in
    /// one line. It may close the stream, but not destroy it. Not called where the stream ends before its first byte
    /// (a probe of a load balancer), fails, or is closed.
    using OnHeader = std::move_only_function<void(std::string_view problem)>;

    ProxiedStream(std::unique_ptr<Stream> below, OnHeader on_header);

    void shutdown_write() noexcept override { below_->shutdown_write(); }
    void close() noexcept override;
    void drop_unsent_at_close() noexcept override { below_->drop_unsent_at_close(); }
    [[nodiscard]] std::string peer() const override { return peer_.empty() ? below_->peer() : peer_; }
    [[nodiscard]] Loop& loop() const noexcept override { return below_->loop(); }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return below_->submit(operation); }
    void cancel(Operation& operation) noexcept override;

private:
    struct HeaderReceive : ReceiveOperation {
        explicit HeaderReceive(ProxiedStream& stream) noexcept
            : ReceiveOperation([](Operation& self) noexcept { static_cast<HeaderReceive&>(self).owner.on_received(); }),
              owner(stream) {}
        ProxiedStream& owner;
    };

    void on_received() noexcept;
    bool submit_file(SendFileOperation& operation) noexcept override { return below_->submit(operation); }
    bool submit_kept(ReceiveOperation& operation);
    [[nodiscard]] std::int32_t give(ReceiveOperation& operation, std::string_view bytes);
    void end_with(std::int32_t result) noexcept;

    std::unique_ptr<Stream> below_;
    OnHeader on_header_;
    HeaderReceive receive_{*this};
    ReceiveOperation* waiting_ = nullptr;  // the first receive, while the header is read
    std::string kept_;                     // the beginning of the header; then what came with it and was not taken yet
    std::string lent_;                     // what a receive without a buffer of its own looks at
    std::string peer_;                     // empty: as the stream below says
    bool introduced_ = false;
    bool closed_ = false;
};

}  // namespace caropig::net
