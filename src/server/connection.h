#pragma once

#include "http/h1/parser.h"
#include "server/active_request.h"
#include "server/server_state.h"
#include <caropig/async/event.h>
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/stream.h>
#include <caropig/server/service.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace caropig::server {

/// One connection of a server: a machine of states driven by its operations and timers.
///
///     kReading ──head──> kHandling ──answered──> kReading          (keep-alive)
///                                  ──answered──> kDraining ──> kReading   (a body was left unread)
///                                  ──answered──> kFlushing ──> kLingering ──> kClosed
///
/// A request that is answered within Service::serve() passes through kHandling without any memory of its own: its head
/// is read in place, its answer written into the server's cork, and one send answers all requests of one receive.
/// A request that waits gets an ActiveRequest, and the connection goes on receiving into it, so that the client's
/// leaving is noticed.
///
/// Of the requests that one receive brought, only some are answered in a turn of the loop (requests_per_turn): a client
/// that sends them by the megabyte waits for the others.
///
/// It deletes itself once it is closed and none of its operations is pending.
class Connection final : public Exchange {
public:
    Connection(Server::State& server, std::unique_ptr<net::Stream> stream);
    ~Connection();

    void start();
    /// Answers 503 and closes, without reading a request.
    void start_refused();
    /// The server stops: answers what is on its way and closes then.
    void begin_stop();
    /// The deadline of stopping has passed: cancels the handler, closes.
    void cut_off();
    /// Closes at once; the handler is cancelled.
    void abort() noexcept;

    /// Set when the connection is gone, for Server::serve().
    Event* closed_event = nullptr;

    // Called by parts of this connection.
    void on_handler_done() noexcept;
    void on_handler_timeout() noexcept;

private:
    friend class Exchange;
    friend class Server;

    enum class Phase : std::uint8_t { kReading, kHandling, kDraining, kFlushing, kLingering, kClosed };

    template <class Kind, void (Connection::*kHandler)() noexcept>
    struct Part : Kind {
        explicit Part(Connection& connection) noexcept
            : Kind([](auto& self) noexcept { (static_cast<Part&>(self).owner.*kHandler)(); }), owner(connection) {}
        Connection& owner;
    };

    // Events.
    void on_received() noexcept;
    void on_sent() noexcept;
    void on_hangup() noexcept;
    void on_read_timer() noexcept;
    void on_write_timer() noexcept;
    void on_turn() noexcept;

    // Reading requests.
    void receive() noexcept;
    void received_bytes(std::string_view bytes);
    void received_end();
    void continue_reading();
    [[nodiscard]] std::size_t handle_requests(std::string_view input);
    void keep_rest(std::string_view rest);
    void begin_turn() noexcept;
    void begin_exchange();
    void answer_request();
    void arm_read_timer() noexcept;
    void fail_request(int status, std::string_view reason, std::string_view limit = {});
    void refuse(const http::h1::ParseError& error);
    void refuse_if_too_much();

    // The exchange (exchange.cc).
    void respond(const ResponseHead& head, std::string_view body, std::string* movable,
                 std::shared_ptr<const void> owner = nullptr);
    void append_head(std::string& out, const ResponseHead& head, http::h1::Framing framing, std::uint64_t length);
    void run(Task<void> task);
    void own_head();
    ActiveRequest& activate();
    Task<std::optional<std::string_view>> read_body();
    Task<std::optional<std::string_view>> read_decoded_body();
    std::optional<std::string_view> next_piece();
    class BodyWait;
    void send_continue();
    void inform(int status, std::string_view fields);
    void forget_unreadable_body() noexcept;
    void start_response(const ResponseHead& head, std::optional<std::uint64_t> length);
    Task<void> write(std::string_view data);
    Task<void> write_file(int file, std::uint64_t offset, std::uint64_t count);
    Task<void> copy_file(int file, std::uint64_t offset, std::uint64_t count);
    Task<void> finish(std::string_view trailers);
    Task<void> send_pieces(std::span<const ConstBytes> pieces);
    Task<bool> send_file(int file, std::uint64_t offset, std::size_t count);
    template <class Awaiter>
    Task<void> send_waiting(Awaiter& send, std::size_t size);
    void answer_unanswered();
    void take_result() noexcept;

    // The end of an exchange.
    void end_exchange();
    void drain();
    void next_request();
    void close_after_flush();
    void finish_closing();

    // Writing.
    void flush();
    void arm_write_timer(const std::size_t& sent) noexcept;
    void disarm_write_timer() noexcept;
    void send_out();
    void release_body() noexcept;
    void client_gone() noexcept;
    void close() noexcept;
    void account() noexcept;
    void delete_if_over() noexcept;

    [[nodiscard]] const http::h1::RequestHead& head() const noexcept;

    Server::State& server_;
    std::unique_ptr<net::Stream> stream_;
    Connection* next_ = nullptr;
    Connection* previous_ = nullptr;

    Part<ReceiveOperation, &Connection::on_received> receive_{*this};
    Part<SendOperation, &Connection::on_sent> send_{*this};
    Part<HangupOperation, &Connection::on_hangup> hangup_{*this};
    Part<Timer, &Connection::on_read_timer> read_timer_{*this};
    Part<Timer, &Connection::on_write_timer> write_timer_{*this};
    Part<ReadyNode, &Connection::on_turn> turn_{*this};

    http::h1::HeadParser parser_;
    std::string input_;            // the beginning of a head, or pipelined requests that wait
    std::size_t input_start_ = 0;  // what of it is used up; input_ is empty when all is
    std::string_view unparsed_;    // what follows the head being handled, while it is in the input
    std::string_view head_text_;   // the head being handled, while it is in the input
    std::unique_ptr<ActiveRequest> active_;

    std::string out_;       // being sent
    std::string out_body_;  // being sent after it, or what out_shared_ views
    std::string_view out_shared_;
    std::shared_ptr<const void> out_owner_;
    std::string queued_;  // to be sent next
    std::array<ConstBytes, 2> out_pieces_;
    std::size_t lingered_ = 0;
    std::size_t held_ = 0;          // bytes of it in Server::State::buffered
    std::size_t requests_ = 0;      // on this connection
    std::size_t left_in_turn_ = 0;  // requests that it may still answer before others have their turn
    std::pair<const std::string, std::size_t>* address_ = nullptr;  // its count in Server::State, where one is kept
    const std::size_t* sent_ = nullptr;                             // what write_timer_ follows: bytes sent so far
    std::size_t sent_before_ = 0;

    Phase phase_ = Phase::kReading;
    bool keep_alive_ = true;
    bool refused_ = false;
    bool corked_ = false;  // answers are collected until the input has been gone through
    bool processing_ = false;
    bool in_input_ = false;       // the head being handled lies in input_
    bool rest_taken_ = false;     // the active request has the bytes that follow its head
    bool fresh_ = true;           // no request has come yet
    bool head_started_ = false;   // the header deadline runs
    bool peer_finished_ = false;  // the client sends no more
    bool hung_up_ = false;        // and does not listen any more either, as the stream has told
    bool gone_ = false;           // the connection is given up
    bool linger_ = false;         // unread bytes may be on their way: closing at once would lose the answer
};

}  // namespace caropig::server
