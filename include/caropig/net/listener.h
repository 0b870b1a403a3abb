#pragma once

#include <caropig/net/stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// \file
/// Waiting for others to connect. Who can't take more connections at the moment pauses; who wants to go away without
/// losing anybody stops: what was connected before is still handed over.
namespace caropig::net {

/// Accepts connections. It is bound when it is made (on any thread) and closed when it is stopped or destroyed; from
/// start() on it is used on its loop's thread only, and is destroyed before the loop.
///
/// When the process or the machine has run out of descriptors or memory, one line is logged, accepting pauses for
/// 100 ms, and goes on then: the connections wait in the kernel's queue meanwhile. Where there is still nothing, they
/// are closed, every 100 ms, until there is: those that are open are served on.
class Listener {
public:
    /// Takes over a connection. It may stop, pause or resume the listener, but not destroy it. What it throws is
    /// logged.
    using OnAccept = std::move_only_function<void(std::unique_ptr<Stream>)>;

    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    /// Closes without handing over what is left in the queue: stop() first.
    virtual ~Listener() = default;

    /// Calls `on_accept` for each connection, from the loop, until stop(). Once. Throws IoError when the loop can't
    /// take another descriptor.
    virtual void start(Loop& loop, OnAccept on_accept) = 0;

    /// Leaves new connections in the kernel's queue until resume(), for instance at a connection limit; from within
    /// `on_accept` no further call follows. Both are idempotent.
    virtual void pause() noexcept = 0;
    virtual void resume() noexcept = 0;

    /// Hands the connections that the kernel has already completed to `on_accept` (also while paused), then closes:
    /// a connection that was established before is not lost. Idempotent.
    virtual void stop() noexcept = 0;

    /// Where it listens: "127.0.0.1:8080", "[::1]:8080", "unix:/path". Stays the same after stop().
    [[nodiscard]] virtual std::string address() const = 0;

    /// The port, also where the kernel chose it; 0 for a Unix-domain listener.
    [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace caropig::net
