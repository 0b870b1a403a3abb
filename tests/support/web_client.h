#pragma once

#include "support/captured_log.h"
#include "support/from_address.h"
#include "support/http_answers.h"
#include <caropig/async/event.h>
#include <caropig/base/bytes.h>
#include <caropig/base/error.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/server/server.h>
#include <caropig/testkit/test_loop.h>
#include <caropig/web/application.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caropig::support {

/// A server with an application, and one client connected to it in memory. Time stands still unless a test moves the
/// loop; log lines are caught.
class WebClient {
public:
    explicit WebClient(web::Application& application, server::ServerOptions options = {}, std::size_t capacity = 65536,
                       std::string peer = "pipe")
        : server_(loop_, application, std::move(options)), pipe_(net::memory_pipe(loop_, capacity)) {
        auto stream = std::make_unique<FromAddress>(std::move(pipe_.second), std::move(peer));
        serving_.emplace(loop_.start(server_.serve(std::move(stream))));
        reading_.emplace(loop_.start(read(*this)));
    }

    /// Sends bytes, and runs what they cause.
    void send(std::string_view bytes) {
        auto writing = loop_.start(write(*pipe_.first, std::string(bytes)));
        loop_.run_ready();
    }
    /// Closes the client's end.
    void leave() {
        pipe_.first->close();
        loop_.run_ready();
    }

    /// Everything that came since the start.
    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    [[nodiscard]] bool closed_by_server() const noexcept { return ended_; }
    [[nodiscard]] testkit::TestLoop& loop() noexcept { return loop_; }
    [[nodiscard]] std::vector<std::string> log() const { return log_.lines(); }
    /// The log lines of one channel, without its name.
    [[nodiscard]] std::vector<std::string> log(std::string_view channel) const {
        std::string start = std::string(channel) + ": ";
        std::vector<std::string> lines;
        for (const std::string& line : log_.lines()) {
            if (line.starts_with(start)) lines.push_back(line.substr(start.size()));
        }
        return lines;
    }

    /// Sends one request and takes its one answer; status 0 when none came, -1 when it was no HTTP.
    Answer request(std::string_view method, std::string_view target, std::string_view fields = {},
                   std::optional<std::string_view> body = std::nullopt) {
        std::size_t before = received_.size();
        std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n";
        text += fields;
        if (body) text += "Content-Length: " + std::to_string(body->size()) + "\r\n";
        text += "\r\n";
        if (body) text += *body;
        send(text);
        auto answers = parse_answers(std::string_view(received_).substr(before), {method == "HEAD"}, ended_);
        if (answers.empty()) return {};
        if (answers.size() > 1) answers[0].status = -1;
        return std::move(answers[0]);
    }
    Answer get(std::string_view target, std::string_view fields = {}) { return request("GET", target, fields); }
    Answer head(std::string_view target, std::string_view fields = {}) { return request("HEAD", target, fields); }
    Answer post(std::string_view target, std::string_view body, std::string_view fields = {}) {
        return request("POST", target, fields, body);
    }
    /// A form, as browsers send it.
    Answer post_form(std::string_view target, std::string_view body,
                     std::string_view type = "application/x-www-form-urlencoded") {
        return post(target, body, "Content-Type: " + std::string(type) + "\r\n");
    }

private:
    static Task<void> read(WebClient& client) {
        std::vector<std::byte> buffer(65536);
        while (std::size_t size = co_await client.pipe_.first->read_some(buffer)) {
            client.received_ += as_text(ConstBytes(buffer).first(size));
        }
        client.ended_ = true;
    }
    static Task<void> write(net::Stream& stream, std::string bytes) {
        try {
            co_await stream.write(as_bytes(bytes));
        } catch (const IoError&) {
            co_return;  // the server closed the connection: its answer is what the test looks at
        }
    }

    CapturedLog log_;
    testkit::TestLoop loop_;
    server::Server server_;
    std::pair<std::unique_ptr<net::Stream>, std::unique_ptr<net::Stream>> pipe_;
    std::string received_;
    bool ended_ = false;
    std::optional<testkit::Started<void>> serving_;
    std::optional<testkit::Started<void>> reading_;
};

}  // namespace caropig::support
