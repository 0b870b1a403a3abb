#include <caropig/http/chars.h>
#include <caropig/http/date.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace caropig::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::int64_t kSecondsPerDay = 86400;

void put_digits(char* out, int count, unsigned value) {
    while (count > 0) {
        out[--count] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

// Takes what it names from the front of the text, or remembers that it was not there.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : rest_(text) {}

    void literal(std::string_view text) noexcept {
        ok_ = ok_ && rest_.starts_with(text);
        if (ok_) rest_.remove_prefix(text.size());
    }

    int digits(std::size_t count) noexcept {
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            ok_ = ok_ && i < rest_.size() && is_digit(rest_[i]);
            if (!ok_) return 0;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }

    unsigned month() noexcept {
        const std::size_t at = rest_.size() < 3 ? std::string_view::npos : kMonths.find(rest_.substr(0, 3));
        ok_ = ok_ && at != std::string_view::npos && at % 3 == 0;
        if (!ok_) return 0;
        rest_.remove_prefix(3);
        return static_cast<unsigned>(at / 3 + 1);
    }

    // The day's name, in full or its first three letters.
    void day_name(bool full) noexcept {
        for (const std::string_view day : kDays) {
            const std::string_view name = full ? day : day.substr(0, 3);
            if (rest_.starts_with(name)) return rest_.remove_prefix(name.size());
        }
        ok_ = false;
    }

    bool skip(char c) noexcept {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    [[nodiscard]] bool finished() const noexcept { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

struct Fields {
    int year = 0;
    unsigned month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

void read_time(Reader& reader, Fields& fields) noexcept {
    fields.hour = reader.digits(2);
    reader.literal(":");
    fields.minute = reader.digits(2);
    reader.literal(":");
    fields.second = reader.digits(2);
}

}  // namespace

void put_http_date(std::int64_t unix_seconds, std::span<char, kHttpDateSize> out) noexcept {
    using namespace std::chrono;
    constexpr std::int64_t kYear0 = -62167219200;
    constexpr std::int64_t kYear9999 = 253402300799;
    unix_seconds = std::clamp(unix_seconds, kYear0, kYear9999);
    const std::int64_t days_since_epoch = (unix_seconds - (unix_seconds < 0 ? kSecondsPerDay - 1 : 0)) / kSecondsPerDay;
    const sys_days day{days{days_since_epoch}};
    const year_month_day date(day);
    const auto second = static_cast<unsigned>(unix_seconds - days_since_epoch * kSecondsPerDay);
    const unsigned month = static_cast<unsigned>(date.month());

    constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
    kForm.copy(out.data(), out.size());
    kDays[weekday(day).c_encoding()].copy(out.data(), 3);
    put_digits(&out[5], 2, static_cast<unsigned>(date.day()));
    kMonths.substr((month - 1) * 3, 3).copy(&out[8], 3);
    put_digits(&out[12], 4, static_cast<unsigned>(static_cast<int>(date.year())));
    put_digits(&out[17], 2, second / 3600);
    put_digits(&out[20], 2, second / 60 % 60);
    put_digits(&out[23], 2, second % 60);
}

std::string format_http_date(std::int64_t unix_seconds) {
    std::string out(kHttpDateSize, ' ');
    put_http_date(unix_seconds, std::span<char, kHttpDateSize>(out));
    return out;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept {
    Fields fields;
    Reader reader(text);
    const std::size_t comma = text.find(',');
    if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
        reader.day_name(false);
        reader.literal(", ");
        fields.day = reader.digits(2);
        reader.literal(" ");
        fields.month = reader.month();
        reader.literal(" ");
        fields.year = reader.digits(4);
        reader.literal(" ");
        read_time(reader, fields);
        reader.literal(" GMT");
    } else if (comma != std::string_view::npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
        reader.day_name(true);
        reader.literal(", ");
        fields.day = reader.digits(2);
        reader.literal("-");
        fields.month = reader.month();
        reader.literal("-");
        const int year = reader.digits(2);
        fields.year = year + (year >= 70 ? 1900 : 2000);
        reader.literal(" ");
        read_time(reader, fields);
        reader.literal(" GMT");
    } else {  // Sun Nov  6 08:49:37 1994
        reader.day_name(false);
        reader.literal(" ");
        fields.month = reader.month();
        reader.literal(" ");
        fields.day = reader.skip(' ') ? reader.digits(1) : reader.digits(2);
        reader.literal(" ");
        read_time(reader, fields);
        reader.literal(" ");
        fields.year = reader.digits(4);
    }
    using namespace std::chrono;
    const year_month_day date(year(fields.year), month(fields.month), day(static_cast<unsigned>(fields.day)));
    // 60 is a leap second (RFC 9110 5.6.7).
    if (!reader.finished() || !date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) {
        return std::nullopt;
    }
    return sys_days(date).time_since_epoch().count() * kSecondsPerDay + fields.hour * 3600 + fields.minute * 60 +
           fields.second;
}

}  // namespace caropig::http
