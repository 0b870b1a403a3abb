#pragma once

#include "client/pool.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/loop/timer.h>
#include <caropig/net/stream.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace caropig::client {

/// Where a server fails, and what it does there.
enum class Fault {
    kNone,
    kConnectRefused,
    kConnectHangs,
    kSendFailsUnsent,  ///< the operating system takes no byte
    kSendFailsPartly,
    kSendHangs,
    kWaitCloses,
    kWaitResets,
    kWaitHangs,
    kHeadCloses,
    kHeadResets,
    kHeadHangs,
    kBodyCloses,
    kBodyResets,
    kBodyHangs,
};

/// A server in memory whose n-th request (of all connections, from 0) meets the n-th fault of a list, and a good answer
/// after its end. It counts the requests that have reached it whole, and the connections that are open.
class FaultyServer {
public:
    explicit FaultyServer(Loop& loop) : loop_(loop) {}

    std::deque<Fault> faults;
    std::deque<std::string> answers;    ///< instead of good ones
    std::vector<std::string> requests;  ///< those that were taken whole
    int connections = 0;                ///< that were opened
    int open = 0;

    Task<Connected> connect(Origin, FetchError::Phase& phase) {
        phase = FetchError::Phase::kConnect;
        if (!faults.empty() && faults.front() == Fault::kConnectHangs) {
            faults.pop_front();
            co_await sleep_for(std::chrono::hours(1));
        }
        if (!faults.empty() && faults.front() == Fault::kConnectRefused) {
            faults.pop_front();
            throw IoError(errno_code(ECONNREFUSED), "connect");
        }
        ++connections;
        Connected connected;
        connected.stream = std::make_unique<Stream>(*this);
        co_return connected;
    }

private:
    std::string next_answer(std::string good) {
        if (answers.empty()) return good;
        std::string answer = std::move(answers.front());
        answers.pop_front();
        return answer;
    }

    struct Step {
        std::string bytes;
        int result = 1;
    };

    class Stream final : public net::Stream {
    public:
        explicit Stream(FaultyServer& server) : server_(server) { ++server_.open; }
        ~Stream() override { Stream::close(); }

        void shutdown_write() noexcept override {}
        void close() noexcept override {
            if (std::exchange(closed_, true)) return;
            --server_.open;
            if (reader_ != nullptr) cancel(*reader_);
            if (writer_ != nullptr) cancel(*writer_);
        }
        [[nodiscard]] std::string peer() const override { return "faulty"; }
        [[nodiscard]] Loop& loop() const noexcept override { return server_.loop_; }

        bool submit(ReceiveOperation& operation) noexcept override {
            operation.mark_waiting();
            reader_ = &operation;
            pump();
            return false;
        }
        bool submit(SendOperation& operation) noexcept override {
            std::string request;
            for (ConstBytes piece : operation.pieces) request += as_text(piece);
            Fault fault = Fault::kNone;
            if (!server_.faults.empty()) {
                fault = server_.faults.front();
                server_.faults.pop_front();
            }
            operation.sent = 0;
            if (fault == Fault::kSendHangs) {
                operation.mark_waiting();
                writer_ = &operation;
                return false;
            }
            if (fault == Fault::kSendFailsUnsent || fault == Fault::kSendFailsPartly) {
                if (fault == Fault::kSendFailsPartly) operation.sent = 5;
                operation.complete_inline(-EPIPE);
                steps_.push_back({{}, -ECONNRESET});
                pump();
                return true;
            }
            operation.sent = request.size();
            server_.requests.push_back(std::move(request));
            operation.complete_inline(0);
            answer(fault);
            return true;
        }
        bool submit(HangupOperation& operation) noexcept override {
            operation.complete_inline(-ECANCELED);
            return true;
        }
        void cancel(Operation& operation) noexcept override {
            if (&operation == reader_) {
                std::exchange(reader_, nullptr)->complete_later(server_.loop_, -ECANCELED);
            } else if (&operation == writer_) {
                std::exchange(writer_, nullptr)->complete_later(server_.loop_, -ECANCELED);
            }
        }

    private:
        void answer(Fault fault) {
            const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
            if (fault >= Fault::kHeadCloses && fault <= Fault::kHeadHangs) steps_.push_back({head.substr(0, 20)});
            if (fault >= Fault::kBodyCloses) steps_.push_back({head + "go"});
            switch (fault) {
                case Fault::kWaitCloses:
                case Fault::kHeadCloses:
                case Fault::kBodyCloses:
                    steps_.push_back({{}, 0});
                    break;
                case Fault::kWaitResets:
                case Fault::kHeadResets:
                case Fault::kBodyResets:
                    steps_.push_back({{}, -ECONNRESET});
                    break;
                case Fault::kNone:
                    steps_.push_back({server_.next_answer(head + "good")});
                    break;
                default:
                    break;
            }
            pump();
        }

        void pump() noexcept {
            if (reader_ == nullptr || steps_.empty()) return;
            Step step = std::move(steps_.front());
            steps_.pop_front();
            lent_ = std::move(step.bytes);
            reader_->data = as_bytes(lent_).data();
            const int result = step.result > 0 ? static_cast<int>(lent_.size()) : step.result;
            std::exchange(reader_, nullptr)->complete_later(server_.loop_, result);
        }

        FaultyServer& server_;
        std::deque<Step> steps_;
        ReceiveOperation* reader_ = nullptr;
        SendOperation* writer_ = nullptr;
        std::string lent_;
        bool closed_ = false;
    };

    Loop& loop_;
};

}  // namespace caropig::client
