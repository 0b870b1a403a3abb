#include "caropig/fetch_command.h"

#include "caropig/fetch_failure.h"
#include "caropig/fetch_plan.h"
#include "caropig/output.h"
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/thread_pool.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace fetch_command {
namespace {

using namespace caropig;

constexpr int kFirstFailingStatus = 400;

/// The lines of a head, each after `mark`.
void show(std::string_view mark, std::string_view first, std::string_view fields) {
    std::fprintf(stderr, "%.*s%.*s\n", static_cast<int>(mark.size()), mark.data(), static_cast<int>(first.size()),
                 first.data());
    while (!fields.empty()) {
        const std::string_view line = fields.substr(0, fields.find("\r\n"));
        std::fprintf(stderr, "%.*s%.*s\n", static_cast<int>(mark.size()), mark.data(), static_cast<int>(line.size()),
                     line.data());
        fields.remove_prefix(line.size() + 2);
    }
    std::fprintf(stderr, "%.*s\n", static_cast<int>(mark.size()), mark.data());
}

std::string status_line(const client::ResponseStream& answer) {
    return fmt::format("HTTP/1.1 {} {}", answer.status(), answer.reason());
}

/// With -L no redirect is left to be followed, unless it could not be.
void check_followed(const client::ResponseStream& answer, bool repeatable) {
    const int status = answer.status();
    const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (!redirects || !answer.headers().find("Location")) return;
    if (!repeatable) throw Failure(kRewind, "the redirect wants the body once more, which came from stdin");
    throw Failure(kRedirects, "there were more redirects than --max-redirs");
}

/// One run of the command, and what -w says of it.
class Fetch {
public:
    explicit Fetch(const Arguments& arguments) : arguments_(arguments) {}

    Task<void> run(client::HttpClient& http, ThreadPool& threads) {
        client::FetchRequest request = co_await make_request(arguments_, threads);
        summary_.url = request.url().origin() + request.url().target();
        if (arguments_.verbose) {
            show("> ", fmt::format("{} {} HTTP/1.1", request.method(), request.url().target()),
                 fmt::format("Host: {}\r\n{}", request.url().authority(), request.headers().wire()));
        }
        const bool repeatable = request.repeatable();
        client::ResponseStream answer = co_await http.open(std::move(request));
        has_head_ = true;
        take_head(answer);
        if (arguments_.follow) check_followed(answer, repeatable);
        if (arguments_.fail && answer.status() >= kFirstFailingStatus) {
            throw Failure(kStatus, fmt::format("the server answered {}", answer.status()));
        }
        Output output(arguments_.output);
        if (arguments_.include || arguments_.head) {
            output.write(fmt::format("{}\r\n{}\r\n", status_line(answer), answer.headers().wire()));
        }
        for (std::string_view piece = co_await answer.read(); !piece.empty(); piece = co_await answer.read()) {
            output.write(piece);  // it may block, and then nothing more is received: that is the backpressure
            summary_.size += piece.size();
        }
        output.close();
    }

    [[nodiscard]] bool has_head() const noexcept { return has_head_; }
    [[nodiscard]] const Summary& summary() const noexcept { return summary_; }

private:
    void take_head(const client::ResponseStream& answer) {
        summary_.status = answer.status();
        summary_.url = answer.url().origin() + answer.url().target();
        summary_.content_type = answer.headers().find("Content-Type").value_or(std::string_view());
        if (arguments_.verbose) show("< ", status_line(answer), answer.headers().wire());
    }

    const Arguments& arguments_;
    Summary summary_;
    bool has_head_ = false;
};

ExitCode attempt(const Arguments& arguments, Fetch& fetch, std::string& complaint) {
    try {
        client::ClientOptions options = client_options(arguments);
        Loop loop;
        ThreadPool threads(ThreadPoolOptions().threads(1).name("files"));
        client::HttpClient http(loop, std::move(options));
        loop.run_until(fetch.run(http, threads));
        return kOk;
    } catch (const client::FetchError& error) {
        complaint = error.what();
        return exit_code(error, fetch.has_head());
    } catch (const Failure& failure) {
        complaint = failure.what();
        return failure.code();
    } catch (const std::invalid_argument& error) {
        complaint = error.what();
        return kUsage;
    } catch (const std::exception& error) {  // the disk, where the body comes from
        complaint = error.what();
        return kRead;
    }
}

}  // namespace

int run(const Arguments& arguments) {
    Fetch fetch(arguments);
    const Stopwatch stopwatch;
    std::string complaint;
    ExitCode code = attempt(arguments, fetch, complaint);
    if (code != kOk && (!arguments.silent || arguments.show_error)) {
        std::fprintf(stderr, "caropig: (%d) %s\n", static_cast<int>(code), complaint.c_str());
    }
    if (!arguments.write_out.empty()) {
        std::fputs(write_out(arguments.write_out, fetch.summary(), stopwatch.seconds()).c_str(), stdout);
        if (std::fflush(stdout) != 0 && code == kOk) code = kWrite;
    }
    return code;
}

}  // namespace fetch_command
