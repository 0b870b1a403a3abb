#pragma once

#include "db/database_state.h"
#include "db/driver.h"
#include <caropig/async/event.h>
#include <caropig/db/database.h>
#include <caropig/db/error.h>
#include <caropig/testkit/test_loop.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::db {

/// How a task has ended: "ok", "cancelled", "running", or the message of an exception.
template <class T>
std::string end_of(testkit::Started<T>& started) {
    if (!started.done()) return "running";
    try {
        started.result();
    } catch (const Cancelled&) {
        return "cancelled";
    } catch (const std::exception& error) {
        return error.what();
    }
    return "ok";
}

/// What a scripted server does when it is asked for something.
struct Step {
    enum class Kind { kAnswer, kFail, kHang };

    static Step answer() { return {Kind::kAnswer, Error::Kind::kStatement, "", true, {}}; }
    /// `usable`: whether the connection is so afterwards.
    static Step fail(Error::Kind kind, std::string message, bool usable) {
        return {Kind::kFail, kind, std::move(message), usable, {}};
    }
    /// Waits until it is cancelled; `usable` as above.
    static Step hang(bool usable = true) { return {Kind::kHang, Error::Kind::kStatement, "", usable, {}}; }
    /// Waits until it is cancelled or the server is told to go on, and answers.
    static Step wait_for(std::shared_ptr<Event> event) {
        return {Kind::kAnswer, Error::Kind::kStatement, "", true, std::move(event)};
    }

    Kind kind;
    Error::Kind error;
    std::string message;
    bool usable;
    std::shared_ptr<Event> event;
};

/// A database that does what the test says. Steps that are not scripted are answered at once.
struct ScriptedServer {
    std::deque<Step> connects;
    std::deque<Step> pings;
    std::deque<Step> starts;
    std::deque<Step> fetches;
    std::deque<Step> abandons;
    int rows = 1;  ///< of every statement that is no BEGIN, COMMIT or ROLLBACK

    std::vector<std::string> log;  ///< "1 connect", "1 SELECT", "1 close" …
    int made = 0;
    int open = 0;

    static Step take(std::deque<Step>& steps) {
        if (steps.empty()) return Step::answer();
        Step step = std::move(steps.front());
        steps.pop_front();
        return step;
    }
    [[nodiscard]] auto count(const std::string& entry) const { return std::ranges::count(log, entry); }
};

class ScriptedConnection final : public Connection {
public:
    explicit ScriptedConnection(ScriptedServer& server) : server_(server), number_(++server.made) {
        ++server_.open;
        note("connect");
    }
    ~ScriptedConnection() override {
        --server_.open;
        note("close");
    }

    Task<Columns> start(std::string_view sql, std::span<const Value> /*arguments*/) override {
        EXPECT_TRUE(idle_) << "a statement was started while another one ran";
        EXPECT_TRUE(usable_) << "a connection was used that is not usable";
        idle_ = false;
        note(std::string(sql));
        text_ = sql;
        co_await perform(ScriptedServer::take(server_.starts));
        if (text_.starts_with("BEGIN") || text_.starts_with("START")) in_transaction_ = true;
        if (text_ == "COMMIT" || text_ == "ROLLBACK") in_transaction_ = false;
        const bool has_rows = text_.starts_with("SELECT");
        left_ = has_rows ? server_.rows : 0;
        if (!has_rows) co_return nullptr;
        co_return std::make_shared<const std::vector<std::string>>(1, "n");
    }

    Task<std::size_t> fetch(std::vector<Value>& cells, std::size_t most) override {
        EXPECT_FALSE(idle_) << "rows of no statement were fetched";
        co_await perform(ScriptedServer::take(server_.fetches));
        const int count = std::min(left_, static_cast<int>(most));
        for (int i = 0; i < count; ++i) cells.emplace_back(std::int64_t{left_--});
        if (count == 0) idle_ = true;
        co_return static_cast<std::size_t>(count);
    }

    [[nodiscard]] Outcome outcome() const noexcept override { return {3, 7}; }

    Task<void> abandon() override {
        note("abandon");
        co_await perform(ScriptedServer::take(server_.abandons));
        idle_ = true;
    }

    Task<void> ping() override {
        note("ping");
        co_await perform(ScriptedServer::take(server_.pings));
    }

    [[nodiscard]] bool usable() const noexcept override { return usable_; }
    [[nodiscard]] bool in_transaction() const noexcept override { return in_transaction_; }

private:
    void note(const std::string& what) { server_.log.push_back(std::to_string(number_) + " " + what); }

    Task<void> perform(Step step) {
        if (step.kind == Step::Kind::kFail) {
            idle_ = true;
            usable_ = step.usable;
            throw Error(step.error, "scripted server", text_, step.message);
        }
        if (step.kind == Step::Kind::kAnswer && step.event == nullptr) co_return;
        const std::shared_ptr<Event> event = step.event ? step.event : std::make_shared<Event>();
        bool cancelled = false;
        try {
            co_await event->wait();
        } catch (const Cancelled&) {
            cancelled = true;
        }
        if (!cancelled) co_return;
        note("cancelled");
        idle_ = true;
        usable_ = step.usable;
        throw Cancelled();
    }

    ScriptedServer& server_;
    int number_;
    std::string text_;
    int left_ = 0;
    bool idle_ = true;
    bool usable_ = true;
    bool in_transaction_ = false;
};

class ScriptedDriver final : public Driver {
public:
    explicit ScriptedDriver(ScriptedServer& server) : server_(server) {}

    Task<std::unique_ptr<Connection>> connect() override {
        Step step = ScriptedServer::take(server_.connects);
        if (step.kind == Step::Kind::kFail) {
            server_.log.push_back("- refused");
            throw Error(step.error, "scripted server", {}, step.message);
        }
        Event never;
        if (step.event != nullptr) co_await step.event->wait();
        if (step.kind == Step::Kind::kHang) co_await never.wait();
        co_return std::unique_ptr<Connection>(std::make_unique<ScriptedConnection>(server_));
    }

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }

private:
    ScriptedServer& server_;
    std::string name_ = "scripted server";
};

/// A Database in front of the scripted server, which must outlive it and its loops.
inline std::unique_ptr<detail::DatabaseState> scripted_database(ScriptedServer& server, const PoolOptions& options,
                                                                DatabaseUrl::Kind kind = DatabaseUrl::Kind::kMysql) {
    return std::make_unique<detail::DatabaseState>("scripted server", kind, options, [&server](Loop&) {
        return std::unique_ptr<Driver>(std::make_unique<ScriptedDriver>(server));
    });
}

}  // namespace caropig::db
