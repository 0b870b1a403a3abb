#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/stream.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace caropig::client {

/// One connection of the pool, idle or lent to a fetch. It always has a receive pending, but while a fetch holds it and
/// has not asked for more: so an idle connection notices at once that its server has gone or speaks unasked, and a
/// warm fetch finds its receive submitted already. The bytes lie in the loop's buffer: who waits holds none.
///
/// What is being sent belongs to the connection, so that a fetch may go away at any moment. It deletes itself once it
/// is discarded and none of its operations is pending.
class Connection {
public:
    /// Told that an idle connection has ended, or that nobody has wanted it for its time; it discards it.
    class Owner {
    public:
        virtual void idle_ended(Connection& connection) noexcept = 0;

    protected:
        ~Owner() = default;
    };

    /// What a fetch that waits is told.
    enum class Event : std::uint8_t {
        kReceived,   ///< size() and data() say what
        kSent,       ///< sending() has become false
        kTimeout,    ///< the deadline of the wait has passed
        kCancelled,  ///< only inside of Wait
    };

    Connection(Loop& loop, std::unique_ptr<net::Stream> stream) noexcept;

    /// Waits idle, until `deadline` at the latest.
    void become_idle(Owner& owner, TimePoint deadline) noexcept;
    /// Belongs to a fetch from now on.
    void take() noexcept { owner_ = nullptr; }
    /// Closes at once, and forgets whoever waits.
    void discard() noexcept;

    /// Receives from now on, though nobody waits yet: has_unheard() says when something has come.
    void listen() noexcept { receive(); }

    /// Something has come, or the end, that nobody has waited for.
    [[nodiscard]] bool has_unheard() const noexcept { return unheard_; }

    /// What was told last is told again to the next who waits: for an end that is somebody else's business.
    void unhear() noexcept { unheard_ = true; }

    /// Both are sent by start_sending(), one after the other, and belong to the fetch while nothing is being sent.
    std::string out;
    std::string body;
    void start_sending() noexcept;
    [[nodiscard]] bool sending() const noexcept { return send_.pending(); }
    /// 0, or the negated errno value with which sending ended.
    [[nodiscard]] std::int32_t send_result() const noexcept { return send_.result; }
    [[nodiscard]] TimePoint idle_until() const noexcept { return idle_until_; }

    /// Whether the operating system took any byte.
    [[nodiscard]] bool sent_anything() const noexcept { return send_.sent != 0; }

    /// More than 0 bytes, 0 at the end, or a negated errno value.
    [[nodiscard]] std::int32_t size() const noexcept { return receive_.result; }
    /// Valid until the next suspension of whoever was told of them.
    [[nodiscard]] std::string_view data() const noexcept { return data_; }

    class Wait;

    /// For another protocol: nothing of an exchange may be on its way, and the stream must rest before discard().
    [[nodiscard]] net::Stream& stream() const noexcept { return *stream_; }

    bool absolute_target = false;     ///< the other end is a proxy, which wants the whole URL
    std::string proxy_authorization;  ///< for that proxy; empty: none

    // Links of the pool's list of idle connections.
    Connection* newer = nullptr;
    Connection* older = nullptr;
    void* origin = nullptr;  ///< the pool's

private:
    template <class Kind, void (Connection::*kHandler)() noexcept>
    struct Part : Kind {
        explicit Part(Connection& connection) noexcept
            : Kind([](auto& self) noexcept { (static_cast<Part&>(self).owner.*kHandler)(); }), owner(connection) {}
        Connection& owner;
    };

    ~Connection() = default;
    void on_received() noexcept;
    void on_sent() noexcept;
    void on_timer() noexcept;
    void on_cancelled() noexcept;
    void receive() noexcept;
    void wake(Event event) noexcept;
    void delete_if_over() noexcept;

    Loop& loop_;
    std::unique_ptr<net::Stream> stream_;
    Owner* owner_ = nullptr;  // set while it is idle
    Wait* waiter_ = nullptr;
    Part<ReceiveOperation, &Connection::on_received> receive_{*this};
    Part<SendOperation, &Connection::on_sent> send_{*this};
    Part<Timer, &Connection::on_timer> timer_{*this};
    Part<ReadyNode, &Connection::on_cancelled> cancelled_{*this};
    std::array<ConstBytes, 2> pieces_;
    std::string_view data_;
    std::string kept_;  // bytes that nobody has waited for
    TimePoint idle_until_{};
    bool unheard_ = false;
    bool discarded_ = false;
};

/// Awaits the next event of a connection, until `deadline` (max: none). Throws Cancelled. Name it before awaiting it.
class Connection::Wait : CancellationCallback {
public:
    Wait(Connection& connection, TimePoint deadline) noexcept
        : CancellationCallback([](CancellationCallback& self) noexcept {
              Connection& connection = static_cast<Wait&>(self).connection_;
              connection.loop_.schedule(connection.cancelled_);
          }),
          connection_(connection),
          deadline_(deadline) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        return suspend(handle, handle.promise().context().cancellation);
    }
    Event await_resume() {
        unregister();
        connection_.cancelled_.unlink();
        if (event_ == Event::kCancelled) throw Cancelled();
        return event_;
    }

private:
    friend class Connection;
    bool suspend(std::coroutine_handle<> handle, CancellationSource* cancellation) noexcept;

    Connection& connection_;
    TimePoint deadline_;
    std::coroutine_handle<> handle_;
    Event event_ = Event::kTimeout;
};

}  // namespace caropig::client
