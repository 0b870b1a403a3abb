#include "template/string_methods.h"

#include "template/format.h"
#include "template/format_spec.h"
#include "template/operators.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace caropig::templates::string_methods {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// Calls `visit(code, bytes)` for each character.
void each_character(std::string_view text, auto&& visit) {
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, size] = unicode::decode(text, at);
        visit(code, text.substr(at, size));
        at += size;
    }
}

void append_changed(std::string& out, std::string_view bytes, char32_t code, char32_t changed) {
    if (code == changed) {
        out += bytes;
    } else {
        unicode::append(out, changed);
    }
}

// Sharp s is the one letter of common languages whose upper case is two letters.
void append_upper(std::string& out, std::string_view bytes, char32_t code) {
    if (code == 0xdf) {
        out += "SS";
    } else {
        append_changed(out, bytes, code, unicode::to_upper(code));
    }
}

bool is_cased(char32_t code) noexcept {
    return unicode::to_upper(code) != code || unicode::to_lower(code) != code || code == 0xdf;
}

std::string_view strip_of(std::string_view text, const Arguments& arguments, bool left, bool right) {
    arguments.expect(0, 1);
    const Value set = arguments.get(0, "chars");
    const auto drops = [&](std::string_view bytes, char32_t code) {
        return set.is_none() ? unicode::is_space(code) : set.as_string().find(bytes) != kNone;
    };
    if (!set.is_none()) static_cast<void>(set.as_string());
    while (left && !text.empty()) {
        const auto [code, size] = unicode::decode(text, 0);
        if (!drops(text.substr(0, size), code)) break;
        text.remove_prefix(size);
    }
    while (right && !text.empty()) {
        std::size_t start = text.size() - 1;
        while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
        const auto [code, size] = unicode::decode(text, start);
        if (start + size != text.size() || !drops(text.substr(start), code)) break;
        text.remove_suffix(size);
    }
    return text;
}

// The words between whitespace, from the left; at most `most` cuts.
void split_at_whitespace(std::string_view text, std::size_t most, const Limits& limits, List& out) {
    std::size_t at = 0;
    const auto skip_space = [&] {
        while (at < text.size() && unicode::is_space(unicode::decode(text, at).code))
            at += unicode::decode(text, at).size;
    };
    for (skip_space(); at < text.size(); skip_space()) {
        check_items(out.size() + 1, limits);
        if (out.size() == most) {
            out.emplace_back(text.substr(at));
            return;
        }
        const std::size_t start = at;
        while (at < text.size() && !unicode::is_space(unicode::decode(text, at).code))
            at += unicode::decode(text, at).size;
        out.emplace_back(text.substr(start, at - start));
    }
}

void rsplit_at_whitespace(std::string_view text, std::size_t most, List& out) {
    const auto last = [&] {
        std::size_t start = text.size() - 1;
        while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
        return start;
    };
    for (text = strip_of(text, {}, false, true); !text.empty(); text = strip_of(text, {}, false, true)) {
        if (out.size() == most) {
            out.emplace_back(text);
            break;
        }
        const std::string_view whole = text;
        while (!text.empty() && !unicode::is_space(unicode::decode(text, last()).code)) text = text.substr(0, last());
        out.emplace_back(whole.substr(text.size()));
    }
    std::ranges::reverse(out);
}

struct SplitArguments {
    Value separator;
    std::size_t most = std::numeric_limits<std::size_t>::max();

    explicit SplitArguments(const Arguments& arguments) : separator(arguments.get(0, "sep")) {
        const std::int64_t given = arguments.get(1, "maxsplit", -1).as_int();
        if (given >= 0) most = static_cast<std::size_t>(given);
        if (!separator.is_none() && separator.as_string().empty()) {
            throw Failure(ErrorKind::kValue, "split() needs a separator that is not empty");
        }
    }
};

// The bytes that the optional arguments start and end of find() and its like choose.
struct Window {
    std::string_view text;
    std::size_t first = 0;  // the byte at which `text` begins
    bool valid = true;      // false where start lies behind end

    Window(std::string_view whole, const Arguments& arguments) : text(whole) {
        if (arguments.positional.size() < 2) return;
        const auto length = static_cast<std::int64_t>(unicode::length(whole));
        const auto bound = [&](std::size_t position, std::int64_t otherwise) {
            const Value value = arguments.get(position, "");
            if (value.is_none()) return otherwise;
            const std::int64_t given = value.as_int();
            return given < 0 ? std::max<std::int64_t>(given + length, 0) : given;
        };
        const std::int64_t start = bound(1, 0);
        const std::int64_t end = std::min(bound(2, length), length);
        valid = start <= end;
        if (!valid) return;
        first = unicode::offset_of(whole, static_cast<std::size_t>(start));
        text = whole.substr(first, unicode::offset_of(whole, static_cast<std::size_t>(end)) - first);
    }
};

Value position_in(const Value& self, const Arguments& arguments, bool last) {
    arguments.expect(1, 3);
    const std::string_view whole = self.as_string();
    const Window window(whole, arguments);
    const std::string_view wanted = arguments.positional[0].as_string();
    const std::size_t at = !window.valid ? kNone : last ? window.text.rfind(wanted) : window.text.find(wanted);
    return at == kNone ? Value(-1)
                       : Value(static_cast<std::int64_t>(unicode::length(whole.substr(0, window.first + at))));
}

Value index_in(const Value& self, const Arguments& arguments, bool last) {
    Value position = position_in(self, arguments, last);
    if (position.as_int() < 0) throw Failure(ErrorKind::kValue, "the substring is not found");
    return position;
}

Value affix(const Value& self, const Arguments& arguments, bool prefix) {
    arguments.expect(1, 3);
    const Window window(self.as_string(), arguments);
    const auto matches = [&](const Value& wanted) {
        const std::string_view text = wanted.as_string();
        return window.valid && (prefix ? window.text.starts_with(text) : window.text.ends_with(text));
    };
    const Value& wanted = arguments.positional[0];
    if (wanted.kind() != Value::Kind::kTuple) return matches(wanted);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (matches(wanted.item(i))) return true;
    }
    return false;
}

Value justified(const Value& self, const Arguments& arguments, const Limits& limits, char align) {
    arguments.expect(1, 2);
    const std::int64_t width = arguments.positional[0].as_int();
    const Value fill = arguments.get(1, "fillchar", Value::borrowed(" "));
    if (unicode::length(fill.as_string()) != 1) throw Failure(ErrorKind::kType, "the fill must be a single character");
    FormatSpec spec;
    spec.fill = fill.as_string();
    spec.width = width < 0 ? 0 : static_cast<std::size_t>(width);
    check_size(spec.width, limits);
    if (align != '^') return lay_out_text(self.as_string(), spec, align);
    // Of an odd number of blanks, str.center() puts the odd one to the left only if the width is odd too.
    const std::size_t length = unicode::length(self.as_string());
    if (spec.width <= length) return self;
    const std::size_t missing = spec.width - length;
    const std::size_t left = missing / 2 + (missing & spec.width & 1);
    std::string out;
    for (std::size_t i = 0; i < missing; ++i) {
        if (i == left) out += self.as_string();
        out += spec.fill;
    }
    if (left == missing) out += self.as_string();
    return out;
}

Value all_characters(const Value& self, const Arguments& arguments, auto&& predicate) {
    arguments.expect(0, 0);
    bool all = self.size() != 0;
    each_character(self.as_string(), [&](char32_t code, std::string_view) { all = all && predicate(code); });
    return all;
}

Value cased(const Value& self, const Arguments& arguments, bool upper) {
    arguments.expect(0, 0);
    bool any = false;
    bool other = false;
    each_character(self.as_string(), [&](char32_t code, std::string_view) {
        if (!is_cased(code)) return;
        const bool is_upper = unicode::to_lower(code) != code;
        (is_upper == upper ? any : other) = true;
    });
    return any && !other;
}

Value parts(std::string_view before, std::string_view separator, std::string_view after) {
    return Value::tuple({Value(before), Value(separator), Value(after)});
}

}  // namespace

Value upper(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    std::string out;
    each_character(self.as_string(), [&](char32_t code, std::string_view bytes) { append_upper(out, bytes, code); });
    return out;
}

Value lower(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    std::string out;
    each_character(self.as_string(), [&](char32_t code, std::string_view bytes) {
        append_changed(out, bytes, code, unicode::to_lower(code));
    });
    return out;
}

Value title(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    std::string out;
    bool inside = false;
    each_character(self.as_string(), [&](char32_t code, std::string_view bytes) {
        append_changed(out, bytes, code, inside ? unicode::to_lower(code) : unicode::to_upper(code));
        inside = is_cased(code);
    });
    return out;
}

Value capitalize(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    std::string out;
    bool first = true;
    each_character(self.as_string(), [&](char32_t code, std::string_view bytes) {
        append_changed(out, bytes, code, first ? unicode::to_upper(code) : unicode::to_lower(code));
        first = false;
    });
    return out;
}

Value swapcase(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    std::string out;
    each_character(self.as_string(), [&](char32_t code, std::string_view bytes) {
        const char32_t low = unicode::to_lower(code);
        if (low != code) {
            unicode::append(out, low);
        } else {
            append_upper(out, bytes, code);
        }
    });
    return out;
}

Value strip(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return strip_of(self.as_string(), arguments, true, true);
}

Value lstrip(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return strip_of(self.as_string(), arguments, true, false);
}

Value rstrip(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return strip_of(self.as_string(), arguments, false, true);
}

Value split(const Value& self, const Arguments& arguments, const Limits& limits) {
    const SplitArguments given(arguments);
    std::string_view text = self.as_string();
    List out;
    if (given.separator.is_none()) {
        split_at_whitespace(text, given.most, limits, out);
        return out;
    }
    const std::string_view separator = given.separator.as_string();
    for (std::size_t at = text.find(separator); at != kNone && out.size() < given.most; at = text.find(separator)) {
        check_items(out.size() + 1, limits);
        out.emplace_back(text.substr(0, at));
        text.remove_prefix(at + separator.size());
    }
    out.emplace_back(text);
    return out;
}

Value rsplit(const Value& self, const Arguments& arguments, const Limits& limits) {
    const SplitArguments given(arguments);
    std::string_view text = self.as_string();
    List out;
    if (given.separator.is_none()) {
        check_items(text.size(), limits);
        rsplit_at_whitespace(text, given.most, out);
        return out;
    }
    const std::string_view separator = given.separator.as_string();
    for (std::size_t at = text.rfind(separator); at != kNone && out.size() < given.most; at = text.rfind(separator)) {
        check_items(out.size() + 1, limits);
        out.emplace_back(text.substr(at + separator.size()));
        text = text.substr(0, at);
    }
    out.emplace_back(text);
    std::ranges::reverse(out);
    return out;
}

Value splitlines(const Value& self, const Arguments& arguments, const Limits& limits) {
    const bool keep = arguments.get(0, "keepends", false).truthy();
    const std::string_view text = self.as_string();
    List out;
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, size] = unicode::decode(text, at);
        const bool ends = (code >= 0x0a && code <= 0x0d) || (code >= 0x1c && code <= 0x1e) || code == 0x85 ||
                          code == 0x2028 || code == 0x2029;
        const std::size_t length = text.substr(at).starts_with("\r\n") ? 2 : size;
        if (ends) {
            check_items(out.size() + 1, limits);
            out.emplace_back(text.substr(start, at - start + (keep ? length : 0)));
            start = at + length;
        }
        at += ends ? length : size;
    }
    if (start < text.size()) out.emplace_back(text.substr(start));
    return out;
}

Value partition(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const std::string_view text = self.as_string();
    const std::string_view separator = arguments.positional[0].as_string();
    if (separator.empty()) throw Failure(ErrorKind::kValue, "partition() needs a separator that is not empty");
    const std::size_t at = text.find(separator);
    return at == kNone ? parts(text, "", "") : parts(text.substr(0, at), separator, text.substr(at + separator.size()));
}

Value rpartition(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const std::string_view text = self.as_string();
    const std::string_view separator = arguments.positional[0].as_string();
    if (separator.empty()) throw Failure(ErrorKind::kValue, "rpartition() needs a separator that is not empty");
    const std::size_t at = text.rfind(separator);
    return at == kNone ? parts("", "", text) : parts(text.substr(0, at), separator, text.substr(at + separator.size()));
}

Value join(const Value& self, const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 1);
    const List items = iterate(arguments.positional[0], limits);
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items[i].is_string()) {
            throw Failure(ErrorKind::kType,
                          fmt::format("join() needs strings; item {} is a {}", i, items[i].type_name()));
        }
        if (i != 0) out += self.as_string();
        out += items[i].as_string();
        check_size(out.size(), limits);
    }
    return out;
}

Value replace(const Value& self, const Arguments& arguments, const Limits& limits) {
    arguments.expect(2, 3);
    const std::string_view text = self.as_string();
    const std::string_view from = arguments.positional[0].as_string();
    const std::string_view to = arguments.positional[1].as_string();
    const std::int64_t given = arguments.get(2, "count", -1).as_int();
    std::size_t left = given < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(given);
    std::string out;
    std::size_t at = 0;
    if (from.empty()) {
        // Before each character and at the end.
        for (; left != 0; --left) {
            out += to;
            check_size(out.size(), limits);
            if (at == text.size()) return out;
            const std::size_t size = unicode::decode(text, at).size;
            out += text.substr(at, size);
            at += size;
        }
        return out.append(text, at);
    }
    for (std::size_t next = text.find(from); next != kNone && left != 0; next = text.find(from, at), --left) {
        out.append(text, at, next - at).append(to);
        at = next + from.size();
        check_size(out.size(), limits);
    }
    return out.append(text, at);
}

Value startswith(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return affix(self, arguments, true);
}

Value endswith(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return affix(self, arguments, false);
}

Value find(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return position_in(self, arguments, false);
}

Value rfind(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return position_in(self, arguments, true);
}

Value index(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return index_in(self, arguments, false);
}

Value rindex(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return index_in(self, arguments, true);
}

Value count(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 3);
    const Window window(self.as_string(), arguments);
    const std::string_view wanted = arguments.positional[0].as_string();
    if (!window.valid) return 0;
    if (wanted.empty()) return static_cast<std::int64_t>(unicode::length(window.text)) + 1;
    std::int64_t found = 0;
    for (std::size_t at = window.text.find(wanted); at != kNone; at = window.text.find(wanted, at + wanted.size()))
        ++found;
    return found;
}

Value zfill(const Value& self, const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 1);
    std::string text(self.as_string());
    const std::int64_t width = arguments.positional[0].as_int();
    const std::size_t length = unicode::length(text);
    if (width <= 0 || static_cast<std::size_t>(width) <= length) return text;
    check_size(static_cast<std::size_t>(width), limits);
    const bool sign = text.starts_with('-') || text.starts_with('+');
    text.insert(sign ? 1 : 0, static_cast<std::size_t>(width) - length, '0');
    return text;
}

Value center(const Value& self, const Arguments& arguments, const Limits& limits) {
    return justified(self, arguments, limits, '^');
}

Value ljust(const Value& self, const Arguments& arguments, const Limits& limits) {
    return justified(self, arguments, limits, '<');
}

Value rjust(const Value& self, const Arguments& arguments, const Limits& limits) {
    return justified(self, arguments, limits, '>');
}

Value format(const Value& self, const Arguments& arguments, const Limits& limits) {
    return format_braces(self.as_string(), arguments, limits);
}

Value removeprefix(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    std::string_view text = self.as_string();
    if (text.starts_with(arguments.positional[0].as_string())) text.remove_prefix(arguments.positional[0].size());
    return text;
}

Value removesuffix(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    std::string_view text = self.as_string();
    if (text.ends_with(arguments.positional[0].as_string())) text.remove_suffix(arguments.positional[0].size());
    return text;
}

Value isdigit(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return all_characters(self, arguments, unicode::is_digit);
}

Value isalpha(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return all_characters(self, arguments, unicode::is_alpha);
}

Value isalnum(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return all_characters(self, arguments,
                          [](char32_t code) { return unicode::is_alpha(code) || unicode::is_digit(code); });
}

Value isspace(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return all_characters(self, arguments, unicode::is_space);
}

Value isupper(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return cased(self, arguments, true);
}

Value islower(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return cased(self, arguments, false);
}

}  // namespace caropig::templates::string_methods
