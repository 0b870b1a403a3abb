#pragma once

#include <caropig/http/chars.h>

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Header fields in their two lives: views into the bytes that were received (HeadersView), and the ones that a program
/// sets (Headers). Names are compared without case; several fields of one name are kept, in order.
namespace caropig::http {

/// One field line. The value has no whitespace at its ends.
struct HeaderView {
    std::string_view name;
    std::string_view value;

    friend bool operator==(const HeaderView&, const HeaderView&) = default;
};

/// Fields of a received message. Owns nothing: valid as long as the bytes and the array that it was made of.
class HeadersView {
public:
    constexpr HeadersView() noexcept = default;
    constexpr explicit HeadersView(std::span<const HeaderView> fields) noexcept : fields_(fields) {}

    [[nodiscard]] const HeaderView* begin() const noexcept { return fields_.data(); }
    [[nodiscard]] const HeaderView* end() const noexcept { return fields_.data() + fields_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }

    /// The value of the first field of that name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// The values of all fields of that name, in order.
    [[nodiscard]] std::vector<std::string_view> get_all(std::string_view name) const;

    /// Whether `token` is an element of the comma-separated list that all fields of that name make together
    /// (RFC 9110 5.6.1), compared without case. Meant for lists of tokens, such as Connection: an element with
    /// parameters or quotes equals no token.
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

private:
    std::span<const HeaderView> fields_;
};

/// Fields to send. Kept as one string in the form in which they travel, so that an empty one costs no allocation and
/// sending is one copy. Views that it hands out are valid until it is changed. Look-ups are linear.
///
/// Nothing that goes in can end a line: setters throw std::invalid_argument, naming the field, when the name is no
/// token or the value has CR, LF, NUL or another control character than HTAB. Whitespace around a value is dropped.
class Headers {
public:
    /// Goes over the fields in the order in which they were added.
    class Iterator {
    public:
        using value_type = HeaderView;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        Iterator() noexcept = default;
        explicit Iterator(std::string_view rest) noexcept : rest_(rest) { read(); }

        HeaderView operator*() const noexcept { return field_; }
        const HeaderView* operator->() const noexcept { return &field_; }
        Iterator& operator++() noexcept;
        Iterator operator++(int) noexcept;
        friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        void read() noexcept;

        std::string_view rest_;
        HeaderView field_;
    };

    Headers() noexcept = default;

    /// Owning copies of received fields.
    static Headers copy_of(HeadersView fields);

    /// Adds a field after those that are there.
    void add(std::string_view name, std::string_view value);

    /// Adds all fields of `others` after those that are there.
    void append(const Headers& others) { wire_ += others.wire_; }

    /// Removes all fields of that name and adds this one. `value` may view one of the removed.
    void set(std::string_view name, std::string_view value);

    /// Removes all fields of that name; returns how many there were.
    std::size_t remove(std::string_view name);

    void clear() noexcept { wire_.clear(); }

    /// Makes room for so many bytes of wire().
    void reserve(std::size_t bytes) { wire_.reserve(bytes); }

    /// The value of the first field of that name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// The values of all fields of that name, in order.
    [[nodiscard]] std::vector<std::string_view> get_all(std::string_view name) const;

    [[nodiscard]] bool empty() const noexcept { return wire_.empty(); }
    [[nodiscard]] Iterator begin() const noexcept { return Iterator(wire_); }
    [[nodiscard]] Iterator end() const noexcept { return {}; }

    /// All fields as they are sent: "Name: value\r\n" each, without the empty line that ends a head.
    [[nodiscard]] std::string_view wire() const noexcept { return wire_; }

private:
    [[nodiscard]] bool owns(std::string_view text) const noexcept;

    std::string wire_;
};

}  // namespace caropig::http
