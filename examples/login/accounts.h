#pragma once

#include <caropig/async/task.h>
#include <caropig/db/database.h>
#include <caropig/web/password.h>

#include <optional>
#include <string>

/// \file
/// The users, in a table of any of the databases: what the tutorial's search(username, password) asks for.
namespace tutorial {

/// Shared by all workers; database and hasher outlive it. All tasks throw db::Error.
class Accounts {
public:
    Accounts(caropig::db::Database& database, caropig::web::PasswordHasher& hasher)
        : database_(database), hasher_(hasher) {}

    /// Creates the table unless it is there.
    caropig::Task<void> create_table();

    /// False, and nothing is changed, when there is a user of that name and `replace` is false. Throws
    /// std::invalid_argument, which says what is wrong with the name or the password.
    caropig::Task<bool> add(std::string name, std::string password, bool replace = false);

    /// The user's name where name and password belong together. What does not takes the same time, whichever of the two
    /// is wrong.
    caropig::Task<std::optional<std::string>> search(std::string name, std::string password);

    caropig::Task<bool> empty();

private:
    caropig::Task<void> set_password(std::string name, std::string hash);

    caropig::db::Database& database_;
    caropig::web::PasswordHasher& hasher_;
};

/// A name as it is stored: in small letters, so that "Caro" and "caro" are one in every database. Nothing where it is
/// no name: 1 to 64 letters, digits, dots, hyphens and underscores.
std::optional<std::string> account_name(std::string name);

}  // namespace tutorial
