#pragma once

#include <caropig/async/task.h>
#include <caropig/http/cookie.h>
#include <caropig/web/signed_cookie.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>

/// \file
/// HTTP forgets who asked as soon as it has answered. A session is what the application remembers of one browser: who
/// has logged in there, what lies in the basket. The browser keeps a cookie; what it stands for is kept by a store.
///
///     Sessions sessions(std::make_shared<DatabaseSessionStore>(database));
///
///     Session session = co_await sessions.load(request);
///     session.rotate();                      // a login: who knew the old cookie must not be logged in with it
///     session.set("user", name);
///     co_await sessions.save(session, request, response);
namespace caropig::web {

class Request;
class RequestHandler;
class Response;

/// What a store keeps. Times are seconds since 1970.
struct SessionRecord {
    boost::json::object values;
    std::int64_t created = 0;  // or rotated
    std::int64_t used = 0;
};

/// Where sessions are kept, and what the cookie's text has to do with it. Shared by all workers. Tasks throw what the
/// store's medium throws; arguments that are references outlive them.
class SessionStore {
public:
    SessionStore() = default;
    SessionStore(const SessionStore&) = delete;
    SessionStore& operator=(const SessionStore&) = delete;
    virtual ~SessionStore() = default;

    /// The session of a cookie's text, which may be anything; nothing where there is none.
    virtual Task<std::optional<SessionRecord>> load(const std::string& cookie, std::int64_t now) = 0;
    /// Keeps a session that is new; gives the cookie's text, which nobody can guess. LimitError for one too large,
    /// std::invalid_argument for text that is no UTF-8.
    virtual Task<std::string> create(const SessionRecord& record) = 0;
    /// Keeps what has changed in one that was loaded; gives the cookie's text. One that was removed meanwhile stays so.
    virtual Task<std::string> update(const std::string& cookie, const SessionRecord& record) = 0;
    /// Notes that it was used just now; false where that takes a new cookie.
    virtual Task<bool> touch(const std::string& cookie, std::int64_t now) = 0;
    /// Forgets one.
    virtual Task<void> remove(const std::string& cookie) = 0;
    /// Forgets those that were created or used last at these moments or before; how many there were.
    virtual Task<std::uint64_t> remove_expired(std::int64_t created, std::int64_t used) = 0;
};

/// The session itself is in the cookie, as signed JSON: no database, but the browser's user can read it, it has room
/// for some 3,000 bytes (LimitError, which says so), and a logout can't take back a copy that somebody made of it.
class SignedCookieSessionStore final : public SessionStore {
public:
    explicit SignedCookieSessionStore(CookieSecrets secrets) : secrets_(std::move(secrets)) {}

    Task<std::optional<SessionRecord>> load(const std::string& cookie, std::int64_t now) override;
    Task<std::string> create(const SessionRecord& record) override;
    Task<std::string> update(const std::string& cookie, const SessionRecord& record) override;
    Task<bool> touch(const std::string& cookie, std::int64_t now) override;
    Task<void> remove(const std::string& cookie) override;
    Task<std::uint64_t> remove_expired(std::int64_t created, std::int64_t used) override;

private:
    CookieSecrets secrets_;
};

/// How long sessions last, and their cookie.
class SessionOptions {
public:
    /// "session" unless set. "__Host-session" keeps it from other hosts of the same domain, over TLS.
    SessionOptions& cookie_name(std::string name) {
        cookie_name_ = std::move(name);
        return *this;
    }
    /// Its attributes: HttpOnly and SameSite=Lax unless set; it lasts for max_age() in any case.
    SessionOptions& cookie_options(http::CookieOptions options) {
        cookie_options_ = std::move(options);
        return *this;
    }
    /// From creation or rotation (a login) on, 30 days unless set: a stolen cookie is of no use for ever.
    SessionOptions& max_age(std::chrono::seconds age) noexcept {
        max_age_ = age;
        return *this;
    }
    /// Without use, 7 days unless set. Shorten it where computers are shared.
    SessionOptions& idle_timeout(std::chrono::seconds timeout) noexcept {
        idle_timeout_ = timeout;
        return *this;
    }
    /// How exact the time of the last use is, 1 minute unless set: not every request has to write.
    SessionOptions& touch_interval(std::chrono::seconds interval) noexcept {
        touch_interval_ = interval;
        return *this;
    }
    /// How often expired sessions are removed, 10 minutes unless set: by the request that creates the next one.
    SessionOptions& clean_up_interval(std::chrono::seconds interval) noexcept {
        clean_up_interval_ = interval;
        return *this;
    }

    [[nodiscard]] const std::string& cookie_name() const noexcept { return cookie_name_; }
    [[nodiscard]] const http::CookieOptions& cookie_options() const noexcept { return cookie_options_; }
    [[nodiscard]] std::chrono::seconds max_age() const noexcept { return max_age_; }
    [[nodiscard]] std::chrono::seconds idle_timeout() const noexcept { return idle_timeout_; }
    [[nodiscard]] std::chrono::seconds touch_interval() const noexcept { return touch_interval_; }
    [[nodiscard]] std::chrono::seconds clean_up_interval() const noexcept { return clean_up_interval_; }

private:
    std::string cookie_name_ = "session";
    http::CookieOptions cookie_options_ = http::CookieOptions().http_only();
    std::chrono::seconds max_age_ = std::chrono::days(30);
    std::chrono::seconds idle_timeout_ = std::chrono::days(7);
    std::chrono::seconds touch_interval_ = std::chrono::minutes(1);
    std::chrono::seconds clean_up_interval_ = std::chrono::minutes(10);
};

/// What is remembered of one browser, for the time of one request. Changes are kept by Sessions::save() only; of two
/// requests that save at the same time the last one wins, as a whole.
class Session {
public:
    /// The value of that name; null where there is none.
    [[nodiscard]] const boost::json::value* find(std::string_view name) const noexcept;
    /// The text of that name; nothing where there is none, or something else.
    [[nodiscard]] std::optional<std::string> get_text(std::string_view name) const;
    void set(std::string_view name, boost::json::value value);
    void set(std::string_view name, std::string_view text);
    void set(std::string_view name, const char* text) { set(name, std::string_view(text)); }
    void erase(std::string_view name);
    [[nodiscard]] bool empty() const noexcept { return record_.values.empty(); }

    /// Gives it another cookie when it is saved, and its whole age again. Due whenever rights change, above all at a
    /// login: else somebody who planted a cookie in the browser before would share the login (session fixation).
    void rotate() noexcept { rotated_ = true; }
    /// Empties it: a logout. Saving an empty session removes it and its cookie.
    void clear() noexcept;

private:
    friend class Sessions;
    SessionRecord record_;
    std::string cookie_;  // as it was loaded; empty for a new one
    bool changed_ = false;
    bool rotated_ = false;
};

/// Loads and saves sessions; one for the program, shared by all workers. It outlives its tasks, and so do their
/// arguments.
class Sessions {
public:
    explicit Sessions(std::shared_ptr<SessionStore> store, SessionOptions options = {});

    /// The session of the browser that sent the request; a new, empty one where it has none or it has expired. Notes
    /// the use, where the store can do so without a new cookie.
    Task<Session> load(const Request& request);

    /// Keeps the session and sets its cookie in the response, as far as anything has changed: a new session without
    /// values leaves no trace. Before the response's head is sent.
    Task<void> save(Session& session, const Request& request, Response& response);
    /// The same from within a RequestHandler: `co_await sessions.save(session, *this);`. std::logic_error after
    /// flush().
    Task<void> save(Session& session, RequestHandler& handler);

    /// Removes what has expired at this moment (Loop::unix_seconds()); how many there were. Happens by itself, too.
    Task<std::uint64_t> remove_expired(std::int64_t now);

private:
    Task<std::string> keep(Session& session, std::int64_t now);
    Task<void> clean_up(std::int64_t now);

    std::shared_ptr<SessionStore> store_;
    SessionOptions options_;
    std::atomic<std::int64_t> next_clean_up_ = 0;
};

}  // namespace caropig::web
