#include "db/postgres_error.h"

#include <algorithm>
#include <array>
#include <utility>

namespace caropig::db {
namespace {

constexpr std::string_view kHidden = "…";
constexpr std::size_t kShortestArgument = 3;  // a shorter one says little and would hit ordinary words

/// Servers translate their messages, and the marks with them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kQuotationMarks{{
    {"\"", "\""},
    {"«", "»"},
    {"„", "“"},
    {"“", "”"},
    {"「", "」"},
}};

std::string hide_quoted(std::string_view message) {
    std::string result;
    while (!message.empty()) {
        auto marks = std::ranges::find_if(kQuotationMarks, [&](auto& pair) { return message.starts_with(pair.first); });
        if (marks == kQuotationMarks.end()) {
            result += message.front();
            message.remove_prefix(1);
            continue;
        }
        // To the last closing mark: a value may hold some itself.
        std::size_t end = message.rfind(marks->second);
        result += marks->first;
        result += kHidden;
        if (end < marks->first.size() || end == std::string_view::npos) break;
        result += marks->second;
        message.remove_prefix(end + marks->second.size());
    }
    return result;
}

void hide_all(std::string& text, std::string_view hidden) {
    for (std::size_t at = 0; (at = text.find(hidden, at)) != std::string::npos; at += kHidden.size()) {
        text.replace(at, hidden.size(), kHidden);
    }
}

bool is_sql_state(std::string_view text) noexcept {
    return text.size() == 5 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

Error::Kind postgres_error_kind(const PostgresFailure& failure) noexcept {
    const std::string_view state = failure.sql_state;
    if (failure.lost || state.starts_with("08")) return Error::Kind::kBroken;
    // 57P01-57P03: the server shuts down, has crashed, or does not take connections yet. 53300: it has too many.
    if (state == "57P01" || state == "57P02" || state == "57P03" || state == "53300") return Error::Kind::kBroken;
    if (state.starts_with("23")) return Error::Kind::kConstraint;
    if (state == "40001" || state == "40P01" || state == "55P03") return Error::Kind::kConflict;
    return Error::Kind::kStatement;
}

std::string redact_postgres_message(std::string_view message, std::string_view sql_state,
                                    std::span<const std::string> arguments) {
    // 22021 ends with the offending bytes, 'invalid byte sequence for encoding "UTF8": 0xff'.
    if (sql_state == "22021") message = message.substr(0, message.find(": 0x"));
    std::string result = sql_state.starts_with("22") ? hide_quoted(message) : std::string(message);
    for (const std::string& argument : arguments) {
        if (argument.size() >= kShortestArgument) hide_all(result, argument);
    }
    return result;
}

PostgresFailure parse_connect_failure(std::string_view text) {
    std::string_view line = first_line(text);
    PostgresFailure failure;
    failure.lost = true;
    failure.message = line;
    // "FATAL:  28P01: …": the severity may be translated.
    for (std::size_t at = 0; (at = line.find(":  ", at)) != std::string_view::npos; at += 3) {
        std::string_view state = line.substr(at + 3, 5);
        std::string_view rest = line.substr(std::min(at + 3 + state.size(), line.size()));
        if (!is_sql_state(state) || !rest.starts_with(": ")) continue;
        std::size_t before = line.substr(0, at).rfind(": ");
        failure.sql_state = state;
        failure.message = before == std::string_view::npos ? "" : line.substr(0, before + 2);
        failure.message += rest.substr(2);
        break;
    }
    return failure;
}

std::string_view first_line(std::string_view text) noexcept { return text.substr(0, text.find('\n')); }

}  // namespace caropig::db
