#pragma once

#include "net/socket.h"
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/listener.h>

#include <memory>
#include <string>
#include <vector>

namespace caropig::net {

/// A listening TCP or Unix-domain socket.
class SocketListener : public Listener {
public:
    enum class Sharing : bool { kOwn, kShared };

    /// `socket` listens already; kShared: perhaps for others too.
    SocketListener(Socket socket, std::string address, std::uint16_t port, Sharing sharing = Sharing::kOwn);
    ~SocketListener() override;

    void start(Loop& loop, OnAccept on_accept) override;
    void pause() noexcept override;
    void resume() noexcept override;
    void stop() noexcept override;
    [[nodiscard]] std::string address() const override { return address_; }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

private:
    /// The pending accept. It outlives the listener where it still has to complete.
    struct Accepting : AcceptOperation {
        explicit Accepting(SocketListener& listener) noexcept
            : AcceptOperation(&Accepting::complete), owner(&listener) {}
        static void complete(Operation& self) noexcept;
        SocketListener* owner;
    };
    struct Pause : Timer {
        explicit Pause(SocketListener& listener) noexcept
            : Timer([](Timer& self) noexcept { static_cast<Pause&>(self).owner.accept_more(); }), owner(listener) {}
        SocketListener& owner;
    };

    void accept_more() noexcept;
    void accepted(std::int32_t result) noexcept;
    void hand_over(int fd) noexcept;
    void hand_over_first() noexcept;
    void exhausted(int error) noexcept;
    void shed() noexcept;
    void drain() noexcept;
    void close() noexcept;

    Socket socket_;
    std::string address_;
    std::uint16_t port_;
    Loop* loop_ = nullptr;
    OnAccept on_accept_;
    std::unique_ptr<Accepting> accepting_;
    Pause pause_;
    bool paused_ = false;
    std::vector<Socket> accepted_while_paused_;  // a backend may have been ahead of us
    Socket reserve_;                             // a descriptor to give up where there is no other
    bool exhausted_ = false;                     // the last accept failed for want of descriptors or memory
    TimePoint last_shed_logged_{};
};

}  // namespace caropig::net
