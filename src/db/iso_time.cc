#include "db/iso_time.h"

#include <fmt/format.h>

namespace caropig::db {
namespace {

using namespace std::chrono;

/// Takes numbers of a fixed width off the front of a text.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : rest_(text) {}

    std::optional<int> number(std::size_t digits) noexcept {
        if (rest_.size() < digits) return std::nullopt;
        int value = 0;
        for (const char c : rest_.substr(0, digits)) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }
    bool skip(std::string_view expected) noexcept {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

    std::optional<Date> date() noexcept {
        const auto y = number(4);
        if (!y || !skip("-")) return std::nullopt;
        const auto m = number(2);
        if (!m || !skip("-")) return std::nullopt;
        const auto d = number(2);
        if (!d) return std::nullopt;
        const Date date = year(*y) / *m / *d;
        return date.ok() ? std::optional(date) : std::nullopt;
    }

    std::optional<microseconds> time() noexcept {
        const auto h = number(2);
        if (!h || *h > 23 || !skip(":")) return std::nullopt;
        const auto m = number(2);
        if (!m || *m > 59) return std::nullopt;
        microseconds length = hours(*h) + minutes(*m);
        if (!skip(":")) return length;
        const auto s = number(2);
        if (!s || *s > 59) return std::nullopt;
        length += seconds(*s);
        if (!skip(".")) return length;
        auto digit = number(1);
        if (!digit) return std::nullopt;
        for (microseconds unit = 100ms; digit; unit /= 10, digit = number(1)) length += *digit * unit;
        return length;
    }

private:
    std::string_view rest_;
};

}  // namespace

std::optional<Date> parse_iso_date(std::string_view text) noexcept {
    Reader reader(text);
    const auto date = reader.date();
    return reader.at_end() ? date : std::nullopt;
}

std::optional<DateTime> parse_iso_date_time(std::string_view text) noexcept {
    Reader reader(text);
    const auto date = reader.date();
    if (!date) return std::nullopt;
    if (reader.at_end()) return sys_days(*date);
    if (!reader.skip(" ") && !reader.skip("T")) return std::nullopt;
    const auto time = reader.time();
    if (!time) return std::nullopt;
    if (!reader.skip("Z")) reader.skip("+00:00");
    return reader.at_end() ? std::optional<DateTime>(sys_days(*date) + *time) : std::nullopt;
}

std::optional<std::string> iso_date(const Date& date) {
    if (!date.ok() || date.year() < year(0) || date.year() > year(9999)) return std::nullopt;
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

std::optional<std::string> iso_date_time(DateTime moment) {
    // Only what fits is computed with: the least and the greatest moment overflow a date.
    if (moment < sys_days(year(0) / 1 / 1) || moment >= sys_days(year(10000) / 1 / 1)) return std::nullopt;
    const auto day = floor<days>(moment);
    const hh_mm_ss time(moment - day);
    std::string text = *iso_date(Date(day));
    text += fmt::format(" {:02}:{:02}:{:02}", time.hours().count(), time.minutes().count(), time.seconds().count());
    if (time.subseconds().count() != 0) text += fmt::format(".{:06}", time.subseconds().count());
    return text;
}

}  // namespace caropig::db
