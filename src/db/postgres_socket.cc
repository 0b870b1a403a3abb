#include "db/postgres_socket.h"

#include "loop/backend.h"
#include "net/io_awaiter.h"
#include <caropig/async/when_any.h>
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

#include <new>
#include <vector>

#include <fmt/format.h>

namespace caropig::db {
namespace {

std::string_view or_empty(const char* text) noexcept { return text != nullptr ? text : ""; }

}  // namespace

PostgresFailure postgres_failure(const PGresult& result) {
    PostgresFailure failure;
    failure.sql_state = or_empty(::PQresultErrorField(&result, PG_DIAG_SQLSTATE));
    std::string_view message = or_empty(::PQresultErrorField(&result, PG_DIAG_MESSAGE_PRIMARY));
    failure.message = first_line(message.empty() ? or_empty(::PQresultErrorMessage(&result)) : message);
    return failure;
}

PostgresSocket::PostgresSocket(Loop& loop, const PostgresSettings& settings, std::optional<net::Address> address)
    : loop_(loop), settings_(settings) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    auto add = [&](const char* keyword, const std::string& value) {
        keywords.push_back(keyword);
        values.push_back(value.c_str());
    };
    const std::string port = std::to_string(settings.port);
    const std::string literal = address ? address->host() : "";
    add("host", address ? settings.host : settings.socket_folder);
    if (address) add("hostaddr", literal);
    add("port", port);
    for (const auto& [keyword, value] : settings.parameters) add(keyword.c_str(), value);
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = ::PQconnectStartParams(keywords.data(), values.data(), 0);
    if (connection_ == nullptr) throw std::bad_alloc();
    follow_socket();
    ::PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);  // the SQL state of a refused login is nowhere else
    ::PQsetNoticeReceiver(
        connection_, [](void* self, const PGresult* result) { static_cast<PostgresSocket*>(self)->notice(*result); },
        this);
}

PostgresSocket::~PostgresSocket() {
    if (watched_ >= 0) loop_.backend().detach(watched_);
    ::PQfinish(connection_);
}

Task<std::unique_ptr<PostgresSocket>> PostgresSocket::open(Loop& loop, const PostgresSettings& settings,
                                                           std::optional<net::Address> address) {
    auto socket = std::make_unique<PostgresSocket>(loop, settings, address);
    co_await socket->log_in();
    co_return socket;
}

Task<void> PostgresSocket::log_in() {
    if (::PQstatus(connection_) == CONNECTION_BAD) throw_unavailable();
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) throw_unavailable();
        co_await wait_for(next == PGRES_POLLING_WRITING ? Wait::kWrite : Wait::kRead);
        next = ::PQconnectPoll(connection_);
        follow_socket();
    }
    if (::PQsetnonblocking(connection_, 1) != 0) throw_unavailable();
}

bool PostgresSocket::try_flush() noexcept {
    int left = ::PQflush(connection_);
    follow_socket();
    return left <= 0;
}

Task<void> PostgresSocket::flush() {
    while (!try_flush()) {
        co_await wait_for_either();
        consume();
    }
}

bool PostgresSocket::busy() noexcept {
    bool result = ::PQisBusy(connection_) != 0;
    follow_socket();
    // Whoever only listens to what is notified would hold it for ever.
    while (PGnotify* ignored = ::PQnotifies(connection_)) ::PQfreemem(ignored);
    return result && alive();
}

PostgresResult PostgresSocket::take_result() noexcept {
    PostgresResult result(::PQgetResult(connection_));
    follow_socket();
    return result;
}

Task<PostgresResult> PostgresSocket::next_result() {
    while (busy()) {
        co_await wait_for(Wait::kRead);
        consume();
        // Half of a TLS record may be left in the library, of which the system says nothing.
        if (::PQsslInUse(connection_) != 0) consume();
    }
    co_return take_result();
}

bool PostgresSocket::check_idle() {
    consume();
    return !busy() && !said_goodbye_ && alive();
}

/// Reads what is there. When the connection is lost, the results say so, after those that had come before.
void PostgresSocket::consume() {
    int read = ::PQconsumeInput(connection_);
    follow_socket();
    if (read == 0 && alive()) throw std::bad_alloc();  // the only trouble that leaves it open
}

bool PostgresSocket::submit(PollOperation& operation) noexcept { return loop_.backend().submit(operation); }

void PostgresSocket::cancel(PollOperation& operation) noexcept { loop_.backend().cancel(operation); }

Task<void> PostgresSocket::wait_for(Wait what) {
    if (watched_ < 0) co_return;  // lost: libpq will say so
    net::IoAwaiter<PollOperation, PostgresSocket> ready(*this);
    ready.operation.fd = watched_;
    ready.operation.write = what == Wait::kWrite;
    std::int32_t outcome = co_await ready;
    if (outcome < 0) throw IoError(errno_code(-outcome), "wait for " + settings_.name);
}

Task<void> PostgresSocket::wait_for_either() {
    Task<void> read = wait_for(Wait::kRead);
    Task<void> write = wait_for(Wait::kWrite);
    co_await when_any(std::move(read), std::move(write));
}

void PostgresSocket::follow_socket() noexcept {
    int now = ::PQsocket(connection_);
    if (now == watched_) return;
    if (watched_ >= 0) loop_.backend().detach(watched_);
    watched_ = now;
}

void PostgresSocket::notice(const PGresult& result) {
    // Outside of a statement libpq hands errors on as notices; these end the session. The end itself may not be here
    // yet.
    std::string_view severity = or_empty(::PQresultErrorField(&result, PG_DIAG_SEVERITY_NONLOCALIZED));
    if (severity == "FATAL" || severity == "PANIC") said_goodbye_ = true;
    if (!log::enabled(log::Level::kDebug)) return;
    PostgresFailure said = postgres_failure(result);
    log::debug(fmt::format("{}: {} ({})", settings_.name,
                           redact_postgres_message(said.message, said.sql_state, hidden_), said.sql_state));
}

void PostgresSocket::throw_unavailable() const {
    PostgresFailure failure = parse_connect_failure(::PQerrorMessage(connection_));
    if (!settings_.has_password && ::PQconnectionUsedPassword(connection_) != 0) {
        failure.message = "the server asks for a password, and the URL has none";
    }
    throw Error(Error::Kind::kUnavailable, settings_.name, "", failure.message, failure.sql_state);
}

}  // namespace caropig::db
