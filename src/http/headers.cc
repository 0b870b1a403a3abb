#include <caropig/http/headers.h>

#include <functional>
#include <stdexcept>

namespace caropig::http {
namespace {

void check_field(std::string_view name, std::string_view value) {
    // The name may itself be the attack: only its printable start is repeated.
    if (!is_token(name)) {
        std::string shown;
        for (const char c : name.substr(0, 64)) shown += c > 0x20 && c < 0x7f ? c : '?';
        throw std::invalid_argument("header name \"" + shown + "\" is no token");
    }
    if (!is_field_value(value)) {
        throw std::invalid_argument("value of header \"" + std::string(name) + "\" has a control character");
    }
}

template <class Fields>
std::optional<std::string_view> find_first(const Fields& fields, std::string_view name) noexcept {
    for (const HeaderView& field : fields) {
        if (iequals(field.name, name)) return field.value;
    }
    return std::nullopt;
}

template <class Fields>
std::vector<std::string_view> find_all(const Fields& fields, std::string_view name) {
    std::vector<std::string_view> values;
    for (const HeaderView& field : fields) {
        if (iequals(field.name, name)) values.push_back(field.value);
    }
    return values;
}

}  // namespace

std::optional<std::string_view> HeadersView::find(std::string_view name) const noexcept {
    return find_first(*this, name);
}

std::vector<std::string_view> HeadersView::get_all(std::string_view name) const { return find_all(*this, name); }

bool HeadersView::has_token(std::string_view name, std::string_view token) const noexcept {
    for (const HeaderView& field : fields_) {
        if (!iequals(field.name, name)) continue;
        std::string_view rest = field.value;
        for (;;) {
            const std::size_t comma = rest.find(',');
            if (iequals(trim_ows(rest.substr(0, comma)), token)) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

void Headers::Iterator::read() noexcept {
    if (rest_.empty()) return;
    const std::size_t colon = rest_.find(':');
    const std::size_t end = rest_.find('\r', colon);
    field_ = {rest_.substr(0, colon), rest_.substr(colon + 2, end - colon - 2)};
}

Headers::Iterator& Headers::Iterator::operator++() noexcept {
    rest_.remove_prefix(static_cast<std::size_t>(field_.value.data() - rest_.data()) + field_.value.size() + 2);
    read();
    return *this;
}

Headers::Iterator Headers::Iterator::operator++(int) noexcept {
    Iterator before = *this;
    ++*this;
    return before;
}

Headers Headers::copy_of(HeadersView fields) {
    std::size_t size = 0;
    for (const HeaderView& field : fields) size += field.name.size() + field.value.size() + 4;
    Headers copy;
    copy.wire_.reserve(size);
    for (const HeaderView& field : fields) copy.add(field.name, field.value);
    return copy;
}

bool Headers::owns(std::string_view text) const noexcept {
    return std::less_equal<>()(wire_.data(), text.data()) && std::less<>()(text.data(), wire_.data() + wire_.size());
}

void Headers::add(std::string_view name, std::string_view value) {
    check_field(name, value);
    // Views into wire_ would move while it grows.
    if (owns(name) || owns(value)) return add(std::string(name), std::string(value));
    value = trim_ows(value);
    wire_.reserve(wire_.size() + name.size() + value.size() + 4);  // from here on nothing throws: no half field
    wire_.append(name).append(": ").append(value).append("\r\n");
}

void Headers::set(std::string_view name, std::string_view value) {
    check_field(name, value);
    if (owns(name) || owns(value)) return set(std::string(name), std::string(value));
    remove(name);
    add(name, value);
}

std::size_t Headers::remove(std::string_view name) {
    if (owns(name)) return remove(std::string(name));
    std::size_t removed = 0;
    std::size_t position = 0;
    while (position < wire_.size()) {
        const HeaderView field = *Iterator(std::string_view(wire_).substr(position));
        const std::size_t length = field.name.size() + field.value.size() + 4;
        if (iequals(field.name, name)) {
            wire_.erase(position, length);
            ++removed;
        } else {
            position += length;
        }
    }
    return removed;
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept { return find_first(*this, name); }

std::vector<std::string_view> Headers::get_all(std::string_view name) const { return find_all(*this, name); }

}  // namespace caropig::http
