#pragma once

#include <caropig/async/event.h>
#include <caropig/loop/loop.h>
#include <caropig/server/server.h>
#include <caropig/web/application.h>

#include <cstdint>
#include <list>
#include <string>

namespace caropig::support {

/// What tornado_peer.py serves, as far as it is the same here: by our own server, on the loop of the test.
class OwnPeer {
public:
    explicit OwnPeer(Loop& loop);
    OwnPeer(const OwnPeer&) = delete;
    OwnPeer& operator=(const OwnPeer&) = delete;
    ~OwnPeer();

    std::uint16_t port = 0;

private:
    void add_routes();
    void add_redirects();
    void add_waits();

    Task<web::Response> trigger();
    Task<void> write_chunks(web::BodyWriter& writer, bool waits);
    Task<void> wait();

    Loop& loop_;
    web::Application application_;
    server::Server server_;
    std::list<Event> waiting_;  // those that were set stay: somebody may be about to wake
    std::size_t waiters_ = 0;
};

}  // namespace caropig::support
