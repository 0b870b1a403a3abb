#pragma once

#include "http/h1/parser.h"
#include "server/active_request.h"
#include "server/output.h"
#include <caropig/async/executor.h>
#include <caropig/loop/operation.h>
#include <caropig/server/service.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace caropig::server {

class Connection;

/// What a connection needs while something is going on, and an idle one does not have: the head being read and the
/// request being answered, what lies unparsed, what lies unsent. A server keeps those that are not in use and gives out
/// the last one that came back, so that a busy loop works with a few that its cache knows. What is needed where a
/// request that has waited ends stands first, as in ActiveRequest.
struct alignas(64) Activity final : Exchange {
    /// `at_once` is the head of the request that is answered without a wait; it and `cork` are the server's.
    Activity(Loop& loop, const ServerOptions& options, const http::h1::RequestHead& at_once,
             std::string& cork) noexcept;

    void attach(Connection& to) noexcept {
        connection = &to;
        output.attach(to);
    }

    /// Makes it as new for another connection, keeping memory of moderate size, wherever it was given up. Nothing may
    /// be pending. That of a connection which has become idle is as new already.
    void reset() noexcept;

    struct Hangup : HangupOperation {
        explicit Hangup(Activity& activity) noexcept;
        Activity& owner;
    };
    struct Turn : ReadyNode {
        explicit Turn(Activity& activity) noexcept;
        Activity& owner;
    };

    /// How much of it is used where a request that has waited ends, and where one comes, in bytes from its start.
    static constexpr std::size_t kUsedAtTheEnd = 320;
    static constexpr std::size_t kUsedAtTheStart = 704;

    Connection* connection = nullptr;

    bool keep_alive = true;
    bool corked = false;  // answers are collected until the input has been gone through
    bool processing = false;
    bool in_input = false;        // the head being handled lies in `input`
    bool rest_taken = false;      // the active request has the bytes that follow its head
    bool linger = false;          // unread bytes may be on their way: closing at once would lose the answer
    bool watches_hangup = false;  // `hangup` was submitted, and may be pending

    const http::h1::RequestHead* head;  // of the request being handled, or handled last
    std::unique_ptr<ActiveRequest> active;
    std::size_t held = 0;          // bytes of the connection in Server::State::buffered
    std::size_t left_in_turn = 0;  // requests that it may still answer before others have their turn
    std::string input;             // the beginning of a head, or pipelined requests that wait

    Activity* next_spare = nullptr;  // while the server keeps it

    Output output;
    Hangup hangup{*this};
    std::size_t input_start = 0;  // what of the input is used up; it is empty when all is
    std::string_view unparsed;    // what follows the head being handled, while it is in the input
    std::string_view head_text;   // the head being handled, while it is in the input
    http::h1::HeadParser parser;
    Turn turn{*this};
    std::size_t lingered = 0;
};

}  // namespace caropig::server
