#pragma once

#include "login.h"

#include <optional>
#include <string>

namespace demo {

/// A file for the users where none was asked for, "sqlite:/home/caro/.local/state/caropig/demo.db": in the folder that
/// systemd
/// ($STATE_DIRECTORY) or the XDG base directory specification ($XDG_STATE_HOME) names, which is made.
std::string default_database_url();

struct FirstUser {
    std::string name;
    std::string password;
};

/// Creates the tables. Where there is no user yet and `make` is true, makes one with a random password. A database that
/// is down is a line in the log, and no error: it may come.
std::optional<FirstUser> make_first_user(tutorial::Login& login, bool make);

}  // namespace demo
