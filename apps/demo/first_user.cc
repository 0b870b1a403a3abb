#include "demo/first_user.h"

#include <caropig/base/log.h>
#include <caropig/loop/loop.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string_view>

namespace demo {

using namespace caropig;

namespace {

/// Four groups of five letters and digits that are hard to mistake for others: 100 bits.
std::string random_password() {
    constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    std::random_device random;  // the kernel's
    std::string password;
    for (int group = 0; group < 4; ++group) {
        if (group > 0) password += '-';
        for (int i = 0; i < 5; ++i) password += kAlphabet[random() % kAlphabet.size()];
    }
    return password;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before any worker runs
    return value == nullptr ? std::string() : value;
}

std::filesystem::path state_folder() {
    if (std::string folder = variable("STATE_DIRECTORY"); !folder.empty()) return folder.substr(0, folder.find(':'));
    if (std::string folder = variable("XDG_STATE_HOME"); folder.starts_with('/')) return folder + "/caropig";
    if (std::string home = variable("HOME"); home.starts_with('/')) return home + "/.local/state/caropig";
    return std::filesystem::current_path();
}

Task<std::optional<FirstUser>> make_user(tutorial::Login& login, bool make) {
    co_await login.prepare();
    const bool empty = co_await login.accounts().empty();
    if (!empty) co_return std::nullopt;
    if (!make) {
        log::info("there is no user yet: add-user NAME makes one");
        co_return std::nullopt;
    }
    FirstUser user{"caro", random_password()};
    co_await login.accounts().add(user.name, user.password);
    co_return user;
}

}  // namespace

std::string default_database_url() {
    const std::filesystem::path folder = state_folder();
    std::filesystem::create_directories(folder);
    return "sqlite:" + (folder / "demo.db").string();
}

std::optional<FirstUser> make_first_user(tutorial::Login& login, bool make) {
    try {
        Loop loop;
        return loop.run_until(make_user(login, make));
    } catch (const db::Error& error) {
        log::warning(std::string("the users can't be had yet: ") + error.what());
        return std::nullopt;
    }
}

}  // namespace demo
