#pragma once

#include <caropig/base/error.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/server/server.h>
#include <caropig/testkit/test_loop.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caropig::conformance {

using testkit::TestLoop;

/// One connection over a memory pipe.
class PipeClient {
public:
    PipeClient(TestLoop& loop, server::Server& server)
        : loop_(loop), pipe_(net::memory_pipe(loop)), serving_(loop.start(server.serve(std::move(pipe_.second)))) {
        reading_ = std::make_unique<testkit::Started<void>>(loop_.start(read()));
    }

    void send(std::string_view bytes) {
        try {
            auto writing = loop_.start(pipe_.first->write(as_bytes(bytes)));
            loop_.run_ready();
            if (writing.done()) writing.result();
        } catch (const IoError&) {
            // The server has closed: rows say whether it should have.
        }
    }
    void finish_sending() {
        pipe_.first->shutdown_write();
        loop_.run_ready();
    }
    void leave() {
        pipe_.first->close();
        loop_.run_ready();
    }
    [[nodiscard]] const std::string& received() const { return received_; }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool served() const { return serving_.done(); }

private:
    Task<void> read() {
        std::vector<std::byte> buffer(4096);
        try {
            while (std::size_t size = co_await pipe_.first->read_some(buffer)) {
                received_.append(reinterpret_cast<const char*>(buffer.data()), size);
            }
            ended_ = true;
        } catch (const IoError&) {
        }
    }

    TestLoop& loop_;
    std::pair<std::unique_ptr<net::Stream>, std::unique_ptr<net::Stream>> pipe_;
    testkit::Started<void> serving_;
    std::unique_ptr<testkit::Started<void>> reading_;
    std::string received_;
    bool ended_ = false;
};

}  // namespace caropig::conformance
