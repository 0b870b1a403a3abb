#pragma once

#include <cstdint>

/// \file
/// Where the two sides of an HTTP/1.x connection stand, after h11's model: one state a side, one table, and the rules
/// that tie the sides together. Server and client use the same object: each tells it what it sent and what it received,
/// and asks whether the next message may start.
namespace caropig::http::h1 {

enum class SideState : std::uint8_t {
    kIdle,       ///< no message of this exchange yet
    kSendBody,   ///< head gone, body under way
    kDone,       ///< message complete; another may follow in the next exchange
    kMustClose,  ///< message complete, and no other can follow
    kClosed,     ///< has finished sending for good
    kError,      ///< did what it must not do: nothing it sends means anything any more
};

enum class SideEvent : std::uint8_t {
    kHeadWithBody,  ///< a head that a body follows
    kHeadAlone,     ///< a head without a body
    kBodyEnd,       ///< the body is complete
    kEof,           ///< finished sending
    kFault,         ///< bytes that are no HTTP, or an I/O error
};

/// Not for use from several threads at once.
class ConnectionState {
public:
    [[nodiscard]] SideState client() const noexcept { return client_; }
    [[nodiscard]] SideState server() const noexcept { return server_; }

    /// What the client sent. False if it may not: its state is then kError.
    bool client_event(SideEvent event) noexcept;

    /// What the server sent; interim responses (1xx) are no events. False if it may not: its state is then kError.
    /// A response without a request is an error, but for a fault or the end.
    bool server_event(SideEvent event) noexcept;

    /// One of the messages said that the connection ends with this exchange (Connection: close, HTTP/1.0, a body that
    /// lasts until close), or the server stops.
    void disable_keep_alive() noexcept;

    /// Whether both messages are complete and another exchange may follow.
    [[nodiscard]] bool reusable() const noexcept { return client_ == SideState::kDone && server_ == SideState::kDone; }

    /// Whether a request may be sent or read now.
    [[nodiscard]] bool may_start_request() const noexcept {
        return client_ == SideState::kIdle && server_ == SideState::kIdle;
    }

    /// Begins the next exchange; false, and nothing happens, unless reusable().
    bool start_next_exchange() noexcept;

private:
    void tie_sides() noexcept;

    SideState client_ = SideState::kIdle;
    SideState server_ = SideState::kIdle;
    bool keep_alive_ = true;
};

}  // namespace caropig::http::h1
