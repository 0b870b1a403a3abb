#include "web/json_text.h"

#include "base/short_text.h"
#include "web/spare_body.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {
namespace {

constexpr std::size_t kMostDigits = 20;

bool is_escaped(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

/// Whether any of eight bytes is_escaped(): whether one of three differences has borrowed into a top bit that was
/// clear.
bool has_escaped(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    const std::uint64_t control = bytes - kOnes * 0x20;
    const std::uint64_t quote = (bytes ^ kOnes * '"') - kOnes;
    const std::uint64_t backslash = (bytes ^ kOnes * '\\') - kOnes;
    return ((control | quote | backslash) & ~bytes & kOnes * 0x80) != 0;
}

/// Eight bytes at a time, the last ones together with some before them.
bool has_escaped(std::string_view text) noexcept {
    const char* const begin = text.data();
    const std::size_t size = text.size();
    if (size >= 8) {
        for (std::size_t at = 0; at + 8 < size; at += 8) {
            if (has_escaped(caropig::detail::word_at<std::uint64_t>(begin + at))) return true;
        }
        return has_escaped(caropig::detail::word_at<std::uint64_t>(begin + size - 8));
    }
    if (size >= 4) {
        return has_escaped(std::uint64_t{caropig::detail::word_at<std::uint32_t>(begin)} << 32U |
                           caropig::detail::word_at<std::uint32_t>(begin + size - 4));
    }
    return std::ranges::any_of(text, is_escaped);
}

}  // namespace

class detail::JsonWriter {
public:
    JsonWriter() : text_(SpareBody::take()) { use_room(); }

    void put(const boost::json::value& value) {
        switch (value.kind()) {
            case boost::json::kind::null:
                return put_raw("null");
            case boost::json::kind::bool_:
                return put_raw(value.get_bool() ? "true" : "false");
            case boost::json::kind::int64:
                return put_number(value.get_int64());
            case boost::json::kind::uint64:
                return put_number(value.get_uint64());
            case boost::json::kind::double_:
                return put_raw(boost::json::serialize(value));  // how its digits are chosen is no matter of ours
            case boost::json::kind::string:
                return put_string({value.get_string().data(), value.get_string().size()});
            case boost::json::kind::array:
                return put_array(value.get_array());
            case boost::json::kind::object:
                return put_object(value.get_object());
        }
    }

    void put(std::initializer_list<JsonItem> items) {
        if (std::ranges::all_of(items, [](const JsonItem& item) { return item.is_member(); })) {
            put_members(items);
        } else {
            put_elements(items);
        }
    }

    void put_array(const boost::json::array& array) {
        char before = '[';
        for (const boost::json::value& element : array) {
            put_char(before);
            put(element);
            before = ',';
        }
        put_raw(before == '[' ? "[]" : "]");
    }

    void put_object(const boost::json::object& object) {
        char before = '{';
        for (const boost::json::key_value_pair& member : object) {
            put_char(before);
            put_string({member.key().data(), member.key().size()});
            put_char(':');
            put(member.value());
            before = ',';
        }
        put_raw(before == '{' ? "{}" : "}");
    }

    [[nodiscard]] std::string take() && {
        text_.resize(static_cast<std::size_t>(at_ - text_.data()));
        return std::move(text_);
    }

private:
    void put_item(const JsonItem& item) {
        switch (item.kind_) {
            case JsonItem::Kind::kNull:
                return put_raw("null");
            case JsonItem::Kind::kFalse:
                return put_raw("false");
            case JsonItem::Kind::kTrue:
                return put_raw("true");
            case JsonItem::Kind::kSigned:
                return put_number(item.signed_);
            case JsonItem::Kind::kUnsigned:
                return put_number(item.unsigned_);
            case JsonItem::Kind::kDouble:
                return put(boost::json::value(item.double_));
            case JsonItem::Kind::kText:
                return put_string(item.text_);
            case JsonItem::Kind::kList:
                return put(item.list_);
            case JsonItem::Kind::kOther:
                return item.other_.put(*this, item.other_.part);
        }
    }

    void put_elements(std::initializer_list<JsonItem> items) {
        char before = '[';
        for (const JsonItem& item : items) {
            put_char(before);
            put_item(item);
            before = ',';
        }
        put_char(']');
    }

    void put_members(std::initializer_list<JsonItem> members) {
        char before = '{';
        for (const JsonItem& member : members) {
            const std::string_view key = key_of(member);
            const auto is_repeated = [key](const JsonItem& earlier) { return key_of(earlier) == key; };
            if (std::any_of(members.begin(), &member, is_repeated)) continue;
            put_char(before);
            put_string(key);
            put_char(':');
            put_item(member.list_.begin()[1]);
            before = ',';
        }
        put_raw(before == '{' ? "{}" : "}");
    }
    static std::string_view key_of(const JsonItem& member) noexcept { return member.list_.begin()->text_; }

    void put_string(std::string_view text) {
        need(text.size() + 2);
        *at_++ = '"';
        if (has_escaped(text)) {
            put_escaped(text);
        } else {
            at_ = copy_text(at_, text);
        }
        put_char('"');
    }

    void put_escaped(std::string_view text) {
        for (const char c : text) {
            if (is_escaped(c)) {
                put_escape(c);
            } else {
                put_char(c);
            }
        }
    }

    void put_escape(char c) {
        constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
        constexpr std::string_view kNames = "\"\\bfnrt";
        constexpr std::string_view kDigits = "0123456789abcdef";
        if (const std::size_t named = kNamed.find(c); named != std::string_view::npos) {
            put_char('\\');
            return put_char(kNames[named]);
        }
        put_raw("\\u00");
        put_char(kDigits[static_cast<unsigned char>(c) >> 4U]);
        put_char(kDigits[static_cast<unsigned char>(c) & 0xFU]);
    }

    template <class Integer>
    void put_number(Integer number) {
        need(kMostDigits);
        at_ = std::to_chars(at_, end_, number).ptr;
    }

    void put_raw(std::string_view text) {
        need(text.size());
        at_ = copy_text(at_, text);
    }

    void put_char(char c) {
        need(1);
        *at_++ = c;
    }

    void need(std::size_t size) {
        if (static_cast<std::size_t>(end_ - at_) < size) [[unlikely]]
            grow(size);
    }

    [[gnu::noinline]] void grow(std::size_t size) {
        const auto used = static_cast<std::size_t>(at_ - text_.data());
        text_.reserve(std::max(used + size, used * 2));
        use_room();
        at_ += used;
    }

    void use_room() {
        text_.resize_and_overwrite(text_.capacity(), [](char*, std::size_t most) { return most; });
        at_ = text_.data();
        end_ = at_ + text_.size();
    }

    std::string text_;
    char* at_ = nullptr;  // where the next byte goes
    char* end_ = nullptr;
};

void detail::put_json(JsonWriter& writer, const boost::json::value& value) { writer.put(value); }
void detail::put_json(JsonWriter& writer, const boost::json::array& array) { writer.put_array(array); }
void detail::put_json(JsonWriter& writer, const boost::json::object& object) { writer.put_object(object); }

std::string json_text(const boost::json::value& value) {
    detail::JsonWriter writer;
    writer.put(value);
    return std::move(writer).take();
}

std::string json_text(std::initializer_list<JsonItem> items) {
    detail::JsonWriter writer;
    writer.put(items);
    return std::move(writer).take();
}

}  // namespace caropig::web
