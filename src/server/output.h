#pragma once

#include <caropig/base/bytes.h>
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/stream.h>
#include <caropig/server/options.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace caropig {
class Loop;
}

namespace caropig::server {

class Connection;

/// The writing half of a connection. Answers are collected in the server's cork and sent from there, with a body from
/// where it lies; only what a client does not take at once moves here. It also watches that the client takes enough.
class Output {
public:
    Output(Loop& loop, const ServerOptions& options, std::string& cork) noexcept;

    /// Whose output it is from now on.
    void attach(Connection& connection) noexcept { connection_ = &connection; }

    /// Something is being sent: Connection::on_sent() follows.
    [[nodiscard]] bool pending() const noexcept { return send_.pending(); }

    enum class Outcome : std::uint8_t { kSent, kPending, kFailed };
    /// Sends what the cork holds, which is all from this connection, and the body; while a send is pending the cork's
    /// bytes wait for its end.
    Outcome flush(net::Stream& stream);

    /// A body that follows the cork's bytes, which must be sent before anything else is: flush() at once.
    void send_body(std::string body) noexcept;
    /// What keeps a body alive that others use too, and where it lies in a file, if it does.
    struct Sharing {
        std::shared_ptr<const void> owner;
        InFile in_file;
    };
    /// The same for such a body.
    void send_body(std::string_view body, Sharing sharing) noexcept;

    /// Follows the progress of a send, here or in a handler, by its bytes `sent` so far: unless the client takes what
    /// write_timeout and min_write_rate ask for, Connection::on_slow_reader() is called.
    void follow(const std::size_t& sent) noexcept;
    void stop_following() noexcept;

    /// Bytes that wait to be sent.
    [[nodiscard]] std::size_t size() const noexcept { return out_.size() + body_.size() + queued_.size(); }

    /// Makes it as new for another connection, keeping memory of moderate size. Nothing may be pending.
    void reset() noexcept;

    /// An empty string with room for the answers of most batches.
    [[nodiscard]] static std::string new_cork();

private:
    struct Sending : SendOperation {
        explicit Sending(Output& output) noexcept;
        Output& owner;
    };
    struct Deadline : Timer {
        explicit Deadline(Output& output) noexcept;
        Output& owner;
    };

    void on_sent() noexcept;
    void on_deadline() noexcept;
    void release_body() noexcept;

    std::string& cork_;
    bool has_body_ = false;  // there is a body, of whichever kind
    Sending send_{*this};
    std::array<ConstBytes, 2> pieces_;

    Loop& loop_;
    const ServerOptions& options_;
    Connection* connection_ = nullptr;
    Deadline deadline_{*this};
    std::string out_;   // being sent
    std::string body_;  // being sent after it, or what shared_body_ views
    std::string_view shared_body_;
    std::shared_ptr<const void> body_owner_;
    std::string queued_;                     // to be sent next
    const std::size_t* followed_ = nullptr;  // whose progress deadline_ is for
    std::size_t sent_before_ = 0;
};

}  // namespace caropig::server
