#include "template/format.h"

#include "template/format_spec.h"
#include "template/operators.h"
#include "template/print.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <cmath>
#include <string>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

[[noreturn]] void bad_value(std::string message) { throw Failure(ErrorKind::kValue, message); }

[[noreturn]] void bad_type(std::string message) { throw Failure(ErrorKind::kType, message); }

std::string_view prefix_of(char type) noexcept {
    switch (type) {
        case 'b':
            return "0b";
        case 'o':
            return "0o";
        case 'x':
            return "0x";
        case 'X':
            return "0X";
        default:
            return "";
    }
}

bool is_float_type(char type) noexcept { return std::string_view("eEfFgG%").find(type) != std::string_view::npos; }

std::string character_of(std::int64_t code) {
    if (code < 0 || code > 0x10ffff) throw Failure(ErrorKind::kOverflow, "there is no character of that number");
    std::string out;
    unicode::append(out, static_cast<char32_t>(code));
    return out;
}

std::string format_float(double value, const FormatSpec& spec) {
    return lay_out_number(std::signbit(value) && !std::isnan(value), "", digits_of(value, spec), spec);
}

std::string format_integer(const Value& value, const FormatSpec& spec) {
    if (is_float_type(spec.type)) return format_float(value.as_double(), spec);
    if (spec.precision) bad_value("a precision is not possible for an integer");
    const std::int64_t number = value.as_int();
    switch (spec.type) {
        case 'c':
            return lay_out_text(character_of(number), spec, '<');
        case '\0':
        case 'd':
        case 'n':
        case 'b':
        case 'o':
        case 'x':
        case 'X':
            return lay_out_number(number < 0, spec.alternate ? prefix_of(spec.type) : "", digits_of(number, spec.type),
                                  spec);
        default:
            bad_value(fmt::format("the format '{}' is not possible for an integer", spec.type));
    }
}

// "%s" % values: the conversions one after the other.
class PercentFormatter {
public:
    PercentFormatter(std::string_view text, const Value& values, const Limits& limits)
        : text_(text), values_(values), limits_(limits) {}

    std::string run() {
        while (at_ < text_.size()) {
            const std::size_t percent = std::min(text_.find('%', at_), text_.size());
            out_ += text_.substr(at_, percent - at_);
            at_ = percent + 1;
            if (percent < text_.size()) conversion();
            check_size(out_.size(), limits_);
        }
        const bool unused = values_.kind() == Value::Kind::kTuple
                                ? used_ < values_.size()
                                : used_ == 0 && !values_.is_dict() && values_.kind() != Value::Kind::kList;
        if (unused) bad_type("more values than the format string has conversions");
        return std::move(out_);
    }

private:
    char peek() const {
        if (at_ >= text_.size()) bad_value("a conversion of the format string is incomplete");
        return text_[at_];
    }

    Value next_value() {
        const bool tuple = values_.kind() == Value::Kind::kTuple;
        if (used_ >= (tuple ? values_.size() : 1)) bad_type("fewer values than the format string has conversions");
        return tuple ? values_.item(used_++) : (++used_, values_);
    }

    std::size_t number(bool& left) {
        if (peek() == '*') {
            ++at_;
            const std::int64_t given = next_value().as_int();
            left = left || given < 0;
            const auto size = static_cast<std::size_t>(std::abs(given));
            check_size(size, limits_);
            return size;
        }
        std::size_t value = 0;
        for (; unicode::is_digit(static_cast<unsigned char>(peek())); ++at_) {
            value = value * 10 + static_cast<std::size_t>(text_[at_] - '0');
            check_size(value, limits_);
        }
        return value;
    }

    void conversion() {
        FormatSpec spec;
        Value value = Value::undefined();
        if (peek() == '(') {
            const std::size_t end = text_.find(')', at_);
            if (end == std::string_view::npos) bad_value("a key of the format string lacks its ')'");
            if (!values_.is_dict()) bad_type("a format string with keys needs a dict");
            value = index_of(values_, Value::borrowed(text_.substr(at_ + 1, end - at_ - 1)));
            at_ = end + 1;
            used_ = 1;
        }
        bool left = false;
        for (;; ++at_) {
            const char flag = peek();
            if (flag == '-') {
                left = true;
            } else if (flag == '+' || (flag == ' ' && spec.sign != '+')) {
                spec.sign = flag;
            } else if (flag == '#') {
                spec.alternate = true;
            } else if (flag == '0') {
                spec.zero = true;
            } else if (flag != ' ') {
                break;
            }
        }
        spec.width = number(left);
        if (peek() == '.') {
            ++at_;
            bool ignored = false;
            spec.precision = number(ignored);
        }
        while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
        spec.align = left ? '<' : '>';
        spec.type = peek();
        ++at_;
        if (spec.type == '%') {
            out_ += '%';
            return;
        }
        if (value.is_undefined()) value = next_value();
        out_ += converted(value, spec);
    }

    std::string converted(const Value& value, FormatSpec& spec) {
        const auto pad_with_zeros = [&] {
            if (!spec.zero || spec.align == '<') return;
            spec.fill = "0";
            spec.align = '=';
        };
        switch (spec.type) {
            case 's':
            case 'r':
            case 'a':
                spec.zero = false;
                return lay_out_text(convert(value, spec.type), spec, '>');
            case 'c':
                if (!value.is_string()) return lay_out_text(character_of(value.as_int()), spec, '>');
                if (unicode::length(value.as_string()) != 1) bad_type("%c needs an integer or a single character");
                return lay_out_text(value.as_string(), spec, '>');
            case 'd':
            case 'i':
            case 'u':
            case 'x':
            case 'X':
            case 'o':
                return integer(value, spec, pad_with_zeros);
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G':
                if (!value.is_number())
                    bad_type(fmt::format("%{} needs a number, not {}", spec.type, value.type_name()));
                pad_with_zeros();
                return format_float(value.as_double(), spec);
            default:
                bad_value(fmt::format("'%{}' is no conversion", spec.type));
        }
    }

    std::string integer(const Value& value, FormatSpec& spec, const auto& pad_with_zeros) {
        const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
        if (!value.is_number() || (!decimal && value.kind() == Value::Kind::kFloat)) {
            bad_type(
                fmt::format("%{} needs {}, not {}", spec.type, decimal ? "a number" : "an integer", value.type_name()));
        }
        std::int64_t number = 0;
        if (value.kind() == Value::Kind::kFloat) {
            const double given = value.as_double();
            if (!(std::abs(given) < 9.2e18)) throw Failure(ErrorKind::kOverflow, "the number is beyond 64 bits");
            number = static_cast<std::int64_t>(given);
        } else {
            number = value.as_int();
        }
        std::string digits = digits_of(number, decimal ? 'd' : spec.type);
        if (spec.precision && digits.size() < *spec.precision) digits.insert(0, *spec.precision - digits.size(), '0');
        pad_with_zeros();
        return lay_out_number(number < 0, spec.alternate ? prefix_of(spec.type) : "", std::move(digits), spec);
    }

    std::string_view text_;
    const Value& values_;
    const Limits& limits_;
    std::size_t at_ = 0;
    std::size_t used_ = 0;
    std::string out_;
};

// "{}".format(...): the fields one after the other, and those inside of their specifications.
class BraceFormatter {
public:
    BraceFormatter(const Arguments& arguments, const Limits& limits) : arguments_(arguments), limits_(limits) {}

    std::string run(std::string_view text, int depth) {
        if (depth > 2) bad_value("fields of a format string are nested too deep");
        std::string out;
        for (std::size_t at = 0; at < text.size(); ++at) {
            const char c = text[at];
            const bool doubled = at + 1 < text.size() && text[at + 1] == c;
            if (c == '{' && !doubled) {
                const std::size_t end = end_of_field(text, at + 1);
                out += field(text.substr(at + 1, end - at - 1), depth);
                at = end;
            } else if (c == '}' && !doubled) {
                bad_value("a single '}' in a format string");
            } else {
                out += c;
                if (c == '{' || c == '}') ++at;
            }
            check_size(out.size(), limits_);
        }
        return out;
    }

private:
    static std::size_t end_of_field(std::string_view text, std::size_t at) {
        for (int depth = 1; at < text.size(); ++at) {
            if (text[at] == '[') {
                at = text.find(']', at);
                if (at == std::string_view::npos) break;
            } else if (text[at] == '{') {
                ++depth;
            } else if (text[at] == '}' && --depth == 0) {
                return at;
            }
        }
        bad_value("a field of a format string lacks its '}'");
    }

    std::string field(std::string_view text, int depth) {
        std::size_t end = 0;
        while (end < text.size() && text[end] != ':' && text[end] != '!') {
            end = text[end] == '[' ? std::min(text.find(']', end), text.size()) : end + 1;
        }
        Value value = resolve(text.substr(0, end));
        std::string_view rest = text.substr(end);
        if (rest.starts_with('!')) {
            if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) bad_value("a conversion is '!s', '!r' or '!a'");
            value = convert(value, rest[1]);
            rest.remove_prefix(2);
        }
        if (rest.size() <= 1) return format_value(value, "", limits_);
        return format_value(value, run(rest.substr(1), depth + 1), limits_);
    }

    Value resolve(std::string_view path) {
        const std::size_t end = std::min(path.find_first_of(".["), path.size());
        Value value = first(path.substr(0, end));
        path.remove_prefix(end);
        while (!path.empty()) {
            if (path[0] == '.') {
                const std::size_t stop = std::min(path.find_first_of(".[", 1), path.size());
                const std::string_view name = path.substr(1, stop - 1);
                Value next = value.find(name);
                if (next.is_undefined()) {
                    throw Failure(ErrorKind::kAttribute, fmt::format("a {} has no '{}'", value.type_name(), name));
                }
                value = std::move(next);
                path.remove_prefix(stop);
                continue;
            }
            const std::size_t stop = path.find(']');
            if (path[0] != '[' || stop == std::string_view::npos) bad_value("a '[' of a format string lacks its ']'");
            const std::string_view key = path.substr(1, stop - 1);
            value = is_number(key) ? index_of(value, number(key)) : index_of(value, Value::borrowed(key));
            path.remove_prefix(stop + 1);
        }
        return value;
    }

    Value first(std::string_view name) {
        if (!name.empty() && !is_number(name)) {
            for (const auto& [keyword, value] : arguments_.keywords) {
                if (keyword == name) return value;
            }
            throw Failure(ErrorKind::kKey, fmt::format("format() has no argument '{}'", name));
        }
        const bool automatic = name.empty();
        if (numbering_ != Numbering::kOpen && (numbering_ == Numbering::kAutomatic) != automatic) {
            bad_value("a format string either numbers all of its fields or none");
        }
        numbering_ = automatic ? Numbering::kAutomatic : Numbering::kManual;
        const std::size_t position = automatic ? next_++ : static_cast<std::size_t>(number(name));
        if (position >= arguments_.positional.size()) {
            throw Failure(ErrorKind::kIndex, fmt::format("format() has no argument {}", position));
        }
        return arguments_.positional[position];
    }

    static bool is_number(std::string_view text) {
        return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
    }

    static std::int64_t number(std::string_view text) { return std::stoll(std::string(text)); }

    enum class Numbering { kOpen, kAutomatic, kManual };

    const Arguments& arguments_;
    const Limits& limits_;
    Numbering numbering_ = Numbering::kOpen;
    std::size_t next_ = 0;
};

}  // namespace

std::string format_percent(std::string_view text, const Value& values, const Limits& limits) {
    return PercentFormatter(text, values, limits).run();
}

std::string format_braces(std::string_view text, const Arguments& arguments, const Limits& limits) {
    return BraceFormatter(arguments, limits).run(text, 0);
}

std::string format_value(const Value& value, std::string_view spec_text, const Limits& limits) {
    if (spec_text.empty()) return value.str();
    const FormatSpec spec = parse_format_spec(spec_text, limits);
    switch (value.kind()) {
        case Value::Kind::kBool:
        case Value::Kind::kInt:
            return format_integer(value, spec);
        case Value::Kind::kFloat:
            if (spec.type != '\0' && spec.type != 'n' && !is_float_type(spec.type)) {
                bad_value(fmt::format("the format '{}' is not possible for a float", spec.type));
            }
            return format_float(value.as_double(), spec);
        case Value::Kind::kString:
            if ((spec.type != '\0' && spec.type != 's') || spec.align == '=' || spec.sign != '-' ||
                spec.grouping != '\0' || spec.alternate) {
                bad_value(fmt::format("'{}' is no format for a string", spec_text));
            }
            return lay_out_text(value.as_string(), spec, '<');
        default:
            bad_type(fmt::format("a {} takes no format specification", value.type_name()));
    }
}

std::string convert(const Value& value, char conversion) {
    switch (conversion) {
        case 's':
            return value.str();
        case 'r':
            return value.repr();
        case 'a': {
            const std::string text = value.repr();
            std::string out;
            for (std::size_t at = 0; at < text.size();) {
                const auto [code, size] = unicode::decode(text, at);
                if (code < 0x80) {
                    out += static_cast<char>(code);
                } else {
                    append_escape(out, code);
                }
                at += size;
            }
            return out;
        }
        default:
            bad_value("a conversion is '!s', '!r' or '!a'");
    }
}

}  // namespace caropig::templates
