#include "http/challenge.h"

#include <caropig/http/chars.h>

#include <algorithm>
#include <optional>

namespace caropig::http {
namespace {

constexpr std::size_t kMostParameters = 64;  // of all challenges of a field; digest has nine

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void skip_spaces() noexcept {
        while (!rest_.empty() && is_ows(rest_.front())) rest_.remove_prefix(1);
    }
    /// Over empty elements of the list too.
    void skip_commas() noexcept {
        skip_spaces();
        while (take(',')) skip_spaces();
    }
    bool take(char c) noexcept {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view take_token() noexcept {
        const auto end = std::ranges::find_if_not(rest_, is_token_char);
        return advance(static_cast<std::size_t>(end - rest_.begin()));
    }
    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool at_end_of_element() const noexcept { return rest_.empty() || rest_.front() == ','; }

    /// A token68 that is all there is up to the next comma.
    std::string_view take_token68() noexcept {
        Reader ahead = *this;
        const auto is_char = [](char c) { return is_unreserved(c) || c == '+' || c == '/'; };
        const auto digits = std::ranges::find_if_not(rest_, is_char);
        const auto end = std::find_if_not(digits, rest_.end(), [](char c) { return c == '='; });
        const std::string_view token = ahead.advance(static_cast<std::size_t>(end - rest_.begin()));
        if (digits == rest_.begin()) return {};
        ahead.skip_spaces();
        if (!ahead.at_end_of_element()) return {};
        *this = ahead;
        return token;
    }

    /// A token or a quoted string, without quotes and escapes.
    std::optional<std::string> take_value() {
        if (!take('"')) {
            const std::string_view token = take_token();
            if (token.empty()) return std::nullopt;
            return std::string(token);
        }
        std::string value;
        while (!rest_.empty()) {
            char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return value;
            if (c == '\\') {
                if (rest_.empty()) return std::nullopt;
                c = rest_.front();
                rest_.remove_prefix(1);
            }
            value += c;
        }
        return std::nullopt;
    }

private:
    std::string_view advance(std::size_t size) noexcept {
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

}  // namespace

const std::string* Challenge::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
    return found == parameters.end() ? nullptr : &found->second;
}

std::vector<Challenge> parse_challenges(std::string_view field) {
    std::vector<Challenge> challenges;
    if (!is_field_value(field)) return challenges;
    Reader reader(field);
    std::size_t parameters = 0;
    reader.skip_commas();
    while (!reader.done()) {
        const std::string_view name = reader.take_token();
        if (name.empty()) break;
        reader.skip_spaces();
        if (!reader.take('=')) {  // a scheme
            challenges.push_back({lower(name), {}, {}});
            challenges.back().token68 = reader.take_token68();
            reader.skip_commas();
            continue;
        }
        reader.skip_spaces();
        const std::optional<std::string> value = reader.take_value();
        reader.skip_spaces();
        if (challenges.empty()) break;
        const bool fits = challenges.back().token68.empty() && ++parameters <= kMostParameters;
        if (!value || !reader.at_end_of_element() || !fits) {
            challenges.pop_back();  // what it means is unknown
            break;
        }
        challenges.back().parameters.emplace_back(lower(name), *value);
        reader.skip_commas();
    }
    return challenges;
}

}  // namespace caropig::http
