#pragma once

#include "net/prefixed_stream.h"

namespace caropig::server {

/// What a handler gets of a connection that speaks another protocol from now on. The connection itself waits for the
/// hang-up, so that it can cancel the handler, and tells it on to whoever waits for it here.
class UpgradedStream final : public net::PrefixedStream {
public:
    using PrefixedStream::PrefixedStream;

    void close() noexcept override;
    using PrefixedStream::submit;
    bool submit(HangupOperation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;

    /// The connection has found out that the peer is gone for good.
    void tell_hangup() noexcept;

private:
    HangupOperation* hangup_ = nullptr;
    bool gone_ = false;
};

}  // namespace caropig::server
