#pragma once

#include "http/h1/parser.h"
#include "server/active_request.h"
#include "server/activity.h"
#include "server/server_state.h"
#include <caropig/async/event.h>
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/stream.h>
#include <caropig/server/service.h>

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
/// A request that is upgraded to another protocol stays in kHandling until its handler ends, and then goes to
/// kFlushing.
///
/// A request that is answered within Service::serve() passes through kHandling without any memory of its own: its head
/// is read in place, its answer written into the server's cork, and one send answers all requests of one receive.
/// A request that waits gets an ActiveRequest, and the connection goes on receiving into it, so that the client's
/// leaving is noticed.
///
/// Of the requests that one receive brought, only some are answered in a turn of the loop (requests_per_turn): a client
/// that sends them by the megabyte waits for the others.
///
/// While it waits for a request it is nothing but this object, which is its own receive operation and timer; an
/// Activity comes with the first byte and goes with the last.
///
/// It has its server destroy it once it is closed and none of its operations is pending.
class Connection final : ReceiveOperation, Timer {
public:
    Connection(Server::State& server, std::unique_ptr<net::Stream> stream);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
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

    /// Has the cache fetch what its handler's end will touch, but for this object; see detail::TaskCompletion.
    void prefetch_parts() const noexcept;

    /// Set when the connection is gone, for Server::serve().
    Event* closed_event = nullptr;

    // Called by parts of this connection.
    void on_handler_done() noexcept;
    void on_handler_timeout() noexcept;
    void on_hangup() noexcept;
    void on_turn() noexcept;
    void on_sent(bool taken) noexcept;
    void on_slow_reader() noexcept;

private:
    friend class Exchange;
    friend class Server;

    enum class Phase : std::uint8_t { kReading, kHandling, kDraining, kFlushing, kLingering, kClosed };

    void on_received() noexcept;
    void on_read_timer() noexcept;

    // Reading requests.
    Activity& activate();
    void receive() noexcept;
    void watch_for_hangup() noexcept;
    void received_bytes(std::string_view bytes);
    void received_end();
    void continue_reading();
    [[nodiscard]] std::size_t handle_requests(std::string_view input);
    void keep_rest(std::string_view rest);
    void begin_turn() noexcept;
    void begin_exchange();
    void answer_request();
    void arm_read_timer() noexcept;
    void arm_timer(TimePoint deadline) noexcept { Timer::arm(server_.loop, deadline); }
    [[nodiscard]] bool has_input() const noexcept { return activity_ != nullptr && !activity_->input.empty(); }
    /// Its handler speaks another protocol.
    [[nodiscard]] bool upgraded() const noexcept {
        return activity_ != nullptr && activity_->active != nullptr && activity_->active->upgraded != nullptr;
    }
    [[nodiscard]] bool fresh() const noexcept { return requests_ == 0; }
    void fail_request(int status, std::string_view reason, std::string_view limit = {});
    void refuse(const http::h1::ParseError& error);
    void refuse_if_too_much();

    // The exchange (exchange.cc).
    void respond(const ResponseHead& head, std::string_view body, std::string* movable,
                 Output::Sharing* sharing = nullptr);
    void append_head(std::string& out, const ResponseHead& head, http::h1::Framing framing, std::uint64_t length,
                     std::string_view body = {});
    void run(Task<void> task);
    void own_head();
    ActiveRequest& activate_request();
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
    Task<void> wait_until_sent();
    [[nodiscard]] bool offers_upgrade(std::string_view protocol) const noexcept;
    Task<net::Stream*> upgrade(std::string_view protocol, std::string_view fields);
    void answer_unanswered();
    void take_result() noexcept;

    // The end of an exchange.
    void end_exchange();
    void drain();
    void next_request();
    void take_back_rest(ActiveRequest& active);
    void give_back_request() noexcept;
    void close_after_flush();
    void finish_closing();

    // Sending, and the end.
    void flush();
    void client_gone() noexcept;
    void close() noexcept;
    void account() noexcept;
    void settle() noexcept;

    Server::State& server_;
    std::unique_ptr<net::Stream> stream_;
    Activity* activity_ = nullptr;  // while something is going on
    std::uint32_t requests_ = 0;    // on this connection
    Phase phase_ = Phase::kReading;
    bool refused_ : 1 = false;
    bool head_started_ : 1 = false;   // the header deadline runs
    bool peer_finished_ : 1 = false;  // the client sends no more
    bool gone_ : 1 = false;           // the connection is given up

    Connection* next_ = nullptr;
    Connection* previous_ = nullptr;
    std::pair<const std::string, std::size_t>* address_ = nullptr;  // its count in Server::State, where one is kept
};

}  // namespace caropig::server
