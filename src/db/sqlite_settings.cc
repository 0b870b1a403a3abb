#include "db/sqlite_settings.h"

#include <charconv>
#include <stdexcept>

namespace caropig::db {
namespace {

/// A number of an option, from `least` to `most`.
std::size_t number_of(const std::string& option, const std::string& text, std::size_t least, std::size_t most) {
    std::size_t number = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || number < least || number > most) {
        throw std::invalid_argument("bad database URL: the option " + option + " must be a number from " +
                                    std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
}

}  // namespace

SqliteSettings read_sqlite_settings(const DatabaseUrl& url) {
    SqliteSettings settings;
    settings.name = "sqlite " + url.database;
    for (const auto& [option, value] : url.options) {
        if (option == "busy_timeout") {
            settings.busy_timeout = std::chrono::milliseconds(number_of(option, value, 0, 600'000));
        } else if (option == "threads") {
            settings.threads = number_of(option, value, 1, 64);
        } else if (option == "mode" && (value == "ro" || value == "rw" || value == "rwc")) {
            settings.read_only = value == "ro";
            settings.may_create = value == "rwc";
        } else if (option == "synchronous" && (value == "full" || value == "normal" || value == "off")) {
            settings.synchronous = value;
        } else if (option == "mode" || option == "synchronous") {
            throw std::invalid_argument("bad database URL: the option " + option + " has no such value");
        } else {
            throw std::invalid_argument("bad database URL: a sqlite database has no option " + option);
        }
    }
    settings.in_memory = url.database.starts_with(kSqliteMemory);
    if (settings.in_memory) {
        settings.file = "file:/caropig" + url.database.substr(kSqliteMemory.size()) + "?vfs=memdb";
    } else {
        // What begins with "file:" or ":" is no path to SQLite.
        const bool needs_folder = url.database.starts_with(':') || url.database.starts_with("file:");
        settings.file = needs_folder ? "./" + url.database : url.database;
    }
    return settings;
}

}  // namespace caropig::db
