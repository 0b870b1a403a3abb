#include "web/session_json.h"
#include <caropig/base/error.h>
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>
#include <caropig/web/application.h>
#include <caropig/web/request_handler.h>
#include <caropig/web/session.h>

#include <exception>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {
namespace {

/// What the signature is for, so that no other signed cookie of the application passes for a session.
constexpr std::string_view kSignedName = "caropig.session";
/// Attributes, name and what other cookies the site has need room too.
constexpr std::size_t kMaxSignedBytes = 4000;

std::string signed_text(const CookieSecrets& secrets, const SessionRecord& record) {
    boost::json::object json{{"created", record.created}, {"used", record.used}, {"values", record.values}};
    std::string text = create_signed_value(secrets, kSignedName, session_json(json), record.used);
    if (text.size() > kMaxSignedBytes) {
        throw LimitError("a session of " + std::to_string(text.size()) +
                         " bytes, signed, does not fit into a cookie (" + std::to_string(kMaxSignedBytes) +
                         " bytes): keep it in a database");
    }
    return text;
}

}  // namespace

// --- In the cookie ------------------------------------------------------------------------------------------------

Task<std::optional<SessionRecord>> SignedCookieSessionStore::load(const std::string& cookie, std::int64_t now) {
    SignedValueOptions any_age = SignedValueOptions().min_version(2).max_age(std::chrono::seconds::max());
    auto text = decode_signed_value(secrets_, kSignedName, cookie, now, any_age);
    if (!text) co_return std::nullopt;
    boost::json::error_code error;
    boost::json::value json = boost::json::parse(*text, error);
    const boost::json::object* object = error ? nullptr : json.if_object();
    if (object == nullptr) co_return std::nullopt;
    const auto* created = object->if_contains("created");
    const auto* used = object->if_contains("used");
    const auto* values = object->if_contains("values");
    if (created == nullptr || !created->is_int64() || used == nullptr || !used->is_int64() || values == nullptr ||
        !values->is_object()) {
        co_return std::nullopt;
    }
    SessionRecord record{values->get_object(), created->get_int64(), used->get_int64()};
    co_return record;
}

Task<std::string> SignedCookieSessionStore::create(const SessionRecord& record) {
    co_return signed_text(secrets_, record);
}

Task<std::string> SignedCookieSessionStore::update(const std::string&, const SessionRecord& record) {
    co_return signed_text(secrets_, record);
}

Task<bool> SignedCookieSessionStore::touch(const std::string&, std::int64_t) { co_return false; }
Task<void> SignedCookieSessionStore::remove(const std::string&) { co_return; }
Task<std::uint64_t> SignedCookieSessionStore::remove_expired(std::int64_t, std::int64_t) { co_return 0U; }

// --- Session ------------------------------------------------------------------------------------------------------

const boost::json::value* Session::find(std::string_view name) const noexcept {
    return record_.values.if_contains(name);
}

void Session::set(std::string_view name, boost::json::value value) {
    record_.values[name] = std::move(value);
    changed_ = true;
}

void Session::set(std::string_view name, std::string_view text) { set(name, boost::json::value(text)); }

std::optional<std::string> Session::get_text(std::string_view name) const {
    const boost::json::value* value = find(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

void Session::erase(std::string_view name) {
    record_.values.erase(name);
    changed_ = true;
}

void Session::clear() noexcept {
    record_.values.clear();
    changed_ = true;
}

// --- Sessions -----------------------------------------------------------------------------------------------------

Sessions::Sessions(std::shared_ptr<SessionStore> store, SessionOptions options)
    : store_(std::move(store)), options_(std::move(options)) {}

Task<Session> Sessions::load(const Request& request) {
    Session session;
    session.cookie_ = request.get_cookie(options_.cookie_name(), "");
    if (session.cookie_.empty()) co_return session;
    std::int64_t now = request.loop().unix_seconds();
    std::optional<SessionRecord> record = co_await store_->load(session.cookie_, now);
    bool expired = record && (now - record->created >= options_.max_age().count() ||
                              now - record->used >= options_.idle_timeout().count());
    if (expired) co_await store_->remove(session.cookie_);
    if (!record || expired) {
        session.cookie_.clear();
        co_return session;
    }
    session.record_ = *std::move(record);
    if (now - session.record_.used >= options_.touch_interval().count()) {
        bool touched = co_await store_->touch(session.cookie_, now);
        if (touched) session.record_.used = now;
    }
    co_return session;
}

Task<std::string> Sessions::keep(Session& session, std::int64_t now) {
    bool fresh = session.cookie_.empty() || session.rotated_;
    std::string before = session.cookie_;
    session.record_.used = now;
    if (fresh) {
        session.record_.created = now;
        session.cookie_ = co_await store_->create(session.record_);
        if (!before.empty()) co_await store_->remove(before);
        co_await clean_up(now);
    } else {
        session.cookie_ = co_await store_->update(before, session.record_);
    }
    session.changed_ = false;
    session.rotated_ = false;
    co_return session.cookie_;
}

Task<void> Sessions::save(Session& session, const Request& request, Response& response) {
    const SecurityOptions& security = request.application().security();
    http::CookieOptions cookie = security.secured(options_.cookie_options(), request.scheme());
    std::int64_t now = request.loop().unix_seconds();
    if (session.empty()) {
        if (!session.cookie_.empty()) co_await store_->remove(session.cookie_);
        session = Session();
        if (request.get_cookie(options_.cookie_name())) response.clear_cookie(options_.cookie_name(), cookie);
        co_return;
    }
    bool stale = now - session.record_.used >= options_.touch_interval().count();
    if (!session.changed_ && !session.rotated_ && !stale) co_return;
    std::string before = session.cookie_;
    std::string text = co_await keep(session, now);
    if (text == before) co_return;
    std::int64_t left = options_.max_age().count() - (now - session.record_.created);
    response.set_cookie(options_.cookie_name(), text, cookie.max_age(std::chrono::seconds(left)));
}

Task<void> Sessions::save(Session& session, RequestHandler& handler) {
    handler.require_unsent();
    return save(session, *handler.request_, handler.response_);
}

Task<std::uint64_t> Sessions::remove_expired(std::int64_t now) {
    return store_->remove_expired(now - options_.max_age().count(), now - options_.idle_timeout().count());
}

Task<void> Sessions::clean_up(std::int64_t now) {
    std::int64_t due = next_clean_up_.load();
    if (now < due || !next_clean_up_.compare_exchange_strong(due, now + options_.clean_up_interval().count()))
        co_return;
    try {
        co_await remove_expired(now);
    } catch (const std::exception& error) {
        log::warning("expired sessions could not be removed: " + std::string(error.what()));
    }
}

}  // namespace caropig::web
