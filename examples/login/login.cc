#include "login.h"

#include "assets.h"
#include <caropig/loop/loop.h>
#include <caropig/template/loader.h>
#include <caropig/web/authentication.h>
#include <caropig/web/database_session_store.h>
#include <caropig/web/form.h>
#include <caropig/web/json.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tutorial {

using namespace caropig;

namespace {

/// These pages have a form and a style, and no script at all.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

}  // namespace

/// What all pages of the login have: the session, the user, and a page for a database that is down.
class AccountHandler : public web::RequestHandler {
public:
    explicit AccountHandler(Login* login) : login_(*login) {}

    Task<void> prepare() override {
        set_header("Cache-Control", "no-store");
        set_header("Content-Security-Policy", kContentSecurityPolicy);
        set_header("X-Content-Type-Options", "nosniff");
        co_return;
    }

    Task<boost::json::value> get_current_user() override {
        web::Session session = co_await load_session();
        std::optional<std::string> user = session.get_text("user");
        if (!user) co_return nullptr;
        co_return boost::json::value(*user);
    }

    void write_error(int status, const std::exception_ptr& error) override {
        if (status != 503) return RequestHandler::write_error(status, error);
        set_header("Retry-After", "1");
        finish(render_string("unavailable.html", {}));
    }

protected:
    Task<web::Session> load_session() {
        if (get_cookie("session")) co_await login_.prepare();  // who has none needs no database
        co_return co_await login_.sessions_.load(request());
    }

    Task<void> save_session(web::Session& session) {
        co_await login_.prepare();
        co_await login_.sessions_.save(session, *this);
    }

    void see_other(std::string_view url) {
        set_status(303);
        set_header("Location", url);
        finish();
    }

    Login& login_;
};

class LoginHandler final : public AccountHandler {
public:
    using AccountHandler::AccountHandler;

    Task<void> get() override {
        boost::json::value user = co_await current_user();
        const std::string next = web::safe_next(get_argument("next", ""), "/welcome");
        if (user.is_null()) {
            co_await show_form(200, {}, {}, next);
        } else {
            redirect(next);
        }
    }

    Task<void> post() override {
        web::Form form = co_await request().read_form();  // as it was typed: get_argument() strips
        const std::string username = form.field("username");
        const std::string password = form.field("password");
        const std::string next = web::safe_next(get_body_argument("next", ""), "/welcome");
        const std::string account = account_name(username).value_or(std::string());
        // On a Unix-domain socket whose proxy is not trusted, all clients are the proxy: it has to limit them itself.
        const std::string ip = request().remote_ip();
        const std::string address = ip == "unix" ? std::string() : web::client_network(ip);

        const TimePoint now = request().loop().now();
        Duration wait = address.empty() ? Duration::zero() : login_.by_address_.take(address, now);
        if (wait <= Duration::zero()) wait = login_.by_account_.take(account, now);
        if (wait > Duration::zero()) {
            set_header("Retry-After", std::to_string(web::retry_after_seconds(wait)));
            co_return co_await show_form(429, "Too many attempts. Please wait a little before the next one.", username,
                                         next);
        }

        std::optional<std::string> user;
        try {
            co_await login_.prepare();
            user = co_await login_.accounts_.search(username, password);
        } catch (const std::exception&) {  // nobody has learned whether the password was right
            login_.by_account_.give_back(account);
            if (!address.empty()) login_.by_address_.give_back(address);
            throw;
        }
        if (!user) co_return co_await show_form(403, "Wrong name or password.", username, next);
        login_.by_account_.forget(account);
        if (!address.empty()) login_.by_address_.give_back(address);

        web::Session session = co_await load_session();
        session.rotate();
        session.set("user", *user);
        co_await save_session(session);
        see_other(next);
    }

private:
    Task<void> show_form(int status, std::string message, std::string username, std::string next) {
        set_status(status);
        boost::json::object values{{"message", message}, {"username", username}, {"next", next}};
        co_await render("login.html", values);
    }
};

class WelcomeHandler final : public AccountHandler {
public:
    using AccountHandler::AccountHandler;

    Task<void> get() override {
        boost::json::value user = co_await authenticated();
        co_await render("welcome.html");
    }
};

class LogoutHandler final : public AccountHandler {
public:
    using AccountHandler::AccountHandler;

    Task<void> post() override {
        web::Session session = co_await load_session();
        session.clear();
        co_await login_.sessions_.save(session, *this);
        see_other("/login");
    }
};

/// Who is logged in, for scripts.
class UserHandler final : public AccountHandler {
public:
    using AccountHandler::AccountHandler;

    Task<void> get() override {
        boost::json::value user = co_await current_user();
        set_header("Content-Type", "application/json");
        finish(boost::json::serialize(boost::json::object{{"user", user}}));
    }
};

Login::Login(db::Database& database, unsigned attempts)
    : accounts_(database, hasher_),
      database_(database),
      sessions_(std::make_shared<web::DatabaseSessionStore>(database)),
      by_account_(web::ThrottleOptions(attempts, std::chrono::minutes(1))),
      by_address_(web::ThrottleOptions(4 * attempts, std::chrono::minutes(1))) {}

Task<void> Login::prepare() {
    if (prepared_.load(std::memory_order_relaxed)) co_return;
    co_await accounts_.create_table();
    co_await web::create_session_table(database_);
    prepared_.store(true, std::memory_order_relaxed);
}

void Login::add_to(web::Application& application) {
    application.security(web::SecurityOptions().login_url("/login"));
    application.templates(std::make_shared<templates::DictLoader>(std::map<std::string, std::string>{
        {"base.html", std::string(assets::kBaseHtml)},
        {"login.html", std::string(assets::kLoginHtml)},
        {"welcome.html", std::string(assets::kWelcomeHtml)},
        {"unavailable.html", std::string(assets::kUnavailableHtml)},
    }));
    application.add<LoginHandler>("/login", this);
    application.add<WelcomeHandler>("/welcome", this);
    application.add<LogoutHandler>("/logout", this);
    application.add<UserHandler>("/login.json", this);
    application.get("/login.css", [] {
        web::Response response(assets::kLoginCss);
        response.static_content_type("text/css; charset=UTF-8").header("Cache-Control", "no-cache");
        return response;
    });
}

}  // namespace tutorial
