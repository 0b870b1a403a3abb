#include "template/print.h"

#include "template/unicode.h"
#include <caropig/template/error.h>

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr int kMaxDepth = 200;

void append_quoted(std::string& out, std::string_view text) {
    const bool double_quotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
    const char quote = double_quotes ? '"' : '\'';
    out += quote;
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, size] = unicode::decode(text, at);
        if (code == static_cast<unsigned char>(quote) || code == '\\') {
            out += '\\';
            out += static_cast<char>(code);
        } else if (code == '\n') {
            out += "\\n";
        } else if (code == '\r') {
            out += "\\r";
        } else if (code == '\t') {
            out += "\\t";
        } else if (code == unicode::kInvalid || unicode::is_printable(code)) {
            out += text.substr(at, size);
        } else {
            append_escape(out, code);
        }
        at += size;
    }
    out += quote;
}

class Printer {
public:
    Printer(std::string& out, std::size_t limit) : out_(out), limit_(limit) {}

    void repr(const Value& value, int depth) {
        if (out_.size() > limit_) throw Failure(ErrorKind::kLimit, fmt::format("more than {} bytes of text", limit_));
        if (depth > kMaxDepth) throw Failure(ErrorKind::kLimit, "a value too deep to print");
        switch (value.kind()) {
            case Value::Kind::kUndefined:
                out_ += "undefined";
                break;
            case Value::Kind::kNone:
                out_ += "None";
                break;
            case Value::Kind::kBool:
                out_ += value.truthy() ? "True" : "False";
                break;
            case Value::Kind::kInt:
                fmt::format_to(std::back_inserter(out_), "{}", value.as_int());
                break;
            case Value::Kind::kFloat:
                append_float(out_, value.as_double());
                break;
            case Value::Kind::kString:
                append_quoted(out_, value.as_string());
                break;
            case Value::Kind::kList:
                list(value, depth);
                break;
            case Value::Kind::kTuple:
                out_ += '(';
                items(value, depth);
                out_ += value.size() == 1 ? ",)" : ")";
                break;
            case Value::Kind::kDict:
                dict(value, depth);
                break;
            case Value::Kind::kRange:
                range(value.as_range());
                break;
            case Value::Kind::kFunction:
                out_ += "<function>";
                break;
        }
    }

private:
    void items(const Value& value, int depth) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i != 0) out_ += ", ";
            repr(value.item(i), depth + 1);
        }
    }

    void list(const Value& value, int depth) {
        const char* name = "";
        switch (value.flavour()) {
            case Value::Flavour::kKeys:
                name = "dict_keys";
                break;
            case Value::Flavour::kValues:
                name = "dict_values";
                break;
            case Value::Flavour::kItems:
                name = "dict_items";
                break;
            case Value::Flavour::kIterator:
                out_ += "<iterator>";
                return;
            default:
                break;
        }
        const bool plain = *name == '\0';
        out_ += name;
        out_ += plain ? "[" : "([";
        items(value, depth);
        out_ += plain ? "]" : "])";
    }

    void dict(const Value& value, int depth) {
        out_ += '{';
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i != 0) out_ += ", ";
            repr(value.dict_key(i), depth + 1);
            out_ += ": ";
            repr(value.dict_value(i), depth + 1);
        }
        out_ += '}';
    }

    void range(const Range& range) {
        out_ += range.step == 1 ? fmt::format("range({}, {})", range.start, range.stop)
                                : fmt::format("range({}, {}, {})", range.start, range.stop, range.step);
    }

    std::string& out_;
    std::size_t limit_;
};

}  // namespace

void append_float(std::string& out, double number) {
    if (std::isnan(number)) {
        out += "nan";
        return;
    }
    if (std::isinf(number)) {
        out += number < 0 ? "-inf" : "inf";
        return;
    }
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    const std::size_t e = text.find('e');
    int exponent = 0;
    const std::size_t digits_of_exponent = text[e + 1] == '+' ? e + 2 : e + 1;
    std::from_chars(buffer + digits_of_exponent, end, exponent);
    if (exponent < -4 || exponent >= 16) {
        out += text;
        return;
    }
    std::string_view mantissa = text.substr(0, e);
    if (mantissa.starts_with('-')) {
        out += '-';
        mantissa.remove_prefix(1);
    }
    std::string digits(mantissa.substr(0, 1));
    if (mantissa.size() > 2) digits += mantissa.substr(2);
    if (exponent < 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-exponent - 1), '0');
        out += digits;
        return;
    }
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out.append(digits, 0, whole);
    out += '.';
    out += digits.size() > whole ? std::string_view(digits).substr(whole) : std::string_view("0");
}

void append_escape(std::string& out, char32_t code) {
    const auto number = static_cast<unsigned>(code);
    if (code < 0x100) {
        out += fmt::format("\\x{:02x}", number);
    } else if (code < 0x10000) {
        out += fmt::format("\\u{:04x}", number);
    } else {
        out += fmt::format("\\U{:08x}", number);
    }
}

void append_str(std::string& out, const Value& value, std::size_t limit) {
    if (value.is_string()) {
        out += value.as_string();
    } else if (value.kind() == Value::Kind::kInt) {
        char buffer[24];
        out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value.as_int()).ptr);
    } else {
        append_repr(out, value, limit);
    }
}

void append_repr(std::string& out, const Value& value, std::size_t limit) { Printer(out, limit).repr(value, 0); }

}  // namespace caropig::templates
