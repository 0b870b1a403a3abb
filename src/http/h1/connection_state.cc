#include "http/h1/connection_state.h"

#include <array>
#include <cstddef>

// What one side does (rows: where it is; columns: what it sends):
//
//               head with body   head alone   body end   eof      fault
//   idle        send body        done         error      closed   error
//   send body   error            error        done       error    error
//   done        error            error        error      closed   error
//   must close  error            error        error      closed   error
//   closed      error            error        error      closed   error
//   error       error            error        error      error    error
//
// What ties the sides together, after each event:
//   1. Without keep-alive, a side that is done must close.
//   2. A client that is idle has nothing more to send once the server must close, is closed or failed: it must close.
//   3. A server that is done after the client closed or failed must close. (A client may finish sending and still
//   read.)
//   4. A server sends a head only when the client has sent one in this exchange; idle, it may only end or fail.
// Both done means that the next exchange may begin, in which both are idle again.

namespace caropig::http::h1 {
namespace {

using enum SideState;

constexpr std::array<std::array<SideState, 5>, 6> kTransitions = {{
    {kSendBody, kDone, kError, kClosed, kError},
    {kError, kError, kDone, kError, kError},
    {kError, kError, kError, kClosed, kError},
    {kError, kError, kError, kClosed, kError},
    {kError, kError, kError, kClosed, kError},
    {kError, kError, kError, kError, kError},
}};

// False if the event was one that the side may not cause. A fault is reported, not caused: always allowed.
bool advance(SideState& state, SideEvent event) noexcept {
    state = kTransitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
    return state != kError || event == SideEvent::kFault;
}

constexpr bool is_over(SideState state) noexcept { return state == kMustClose || state == kClosed || state == kError; }

}  // namespace

bool ConnectionState::client_event(SideEvent event) noexcept {
    const bool allowed = advance(client_, event);
    tie_sides();
    return allowed;
}

bool ConnectionState::server_event(SideEvent event) noexcept {
    const bool is_head = event == SideEvent::kHeadWithBody || event == SideEvent::kHeadAlone;
    // The answer to bytes that are no request is a response too.
    if (is_head && client_ == kIdle) {
        server_ = kError;
        return false;
    }
    const bool allowed = advance(server_, event);
    tie_sides();
    return allowed;
}

void ConnectionState::disable_keep_alive() noexcept {
    keep_alive_ = false;
    tie_sides();
}

bool ConnectionState::start_next_exchange() noexcept {
    if (!reusable()) return false;
    client_ = server_ = kIdle;
    return true;
}

void ConnectionState::tie_sides() noexcept {
    if (!keep_alive_) {
        if (client_ == kDone) client_ = kMustClose;
        if (server_ == kDone) server_ = kMustClose;
    }
    if (client_ == kIdle && is_over(server_)) client_ = kMustClose;
    if (server_ == kDone && (client_ == kClosed || client_ == kError)) server_ = kMustClose;
}

}  // namespace caropig::http::h1
