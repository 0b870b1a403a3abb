#pragma once

#include "accounts.h"
#include <caropig/async/task.h>
#include <caropig/db/database.h>
#include <caropig/web/application.h>
#include <caropig/web/password.h>
#include <caropig/web/session.h>
#include <caropig/web/throttle.h>

#include <atomic>

/// \file
/// The tutorial's second system: GET /login renders login.html, POST /login looks the user up in a database and checks
/// the password, and nobody else waits meanwhile.
namespace tutorial {

/// What the handlers of a login share, for all workers. It outlives the application that it is added to.
class Login {
public:
    /// `attempts` is how many wrong passwords an account may get in a minute; an address may give four times as many.
    Login(caropig::db::Database& database, unsigned attempts);

    /// Adds /login, /logout, /welcome, /login.json and the style of these pages, and protects the application's forms.
    void add_to(caropig::web::Application& application);

    /// Creates the tables that are missing; once that has succeeded, it costs nothing. Throws db::Error.
    caropig::Task<void> prepare();

    [[nodiscard]] Accounts& accounts() noexcept { return accounts_; }

private:
    friend class AccountHandler;
    friend class LoginHandler;
    friend class LogoutHandler;

    caropig::web::PasswordHasher hasher_;
    Accounts accounts_;
    caropig::db::Database& database_;
    caropig::web::Sessions sessions_;
    caropig::web::Throttle by_account_;
    caropig::web::Throttle by_address_;
    std::atomic<bool> prepared_ = false;
};

}  // namespace tutorial
