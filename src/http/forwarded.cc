#include "http/forwarded.h"

#include <caropig/http/chars.h>

#include <cstddef>

namespace caropig::http {
namespace {

/// Goes through a line; each function takes what it names off the front, or fails.
class Reader {
public:
    explicit Reader(std::string_view line) : rest_(trim_ows(line)) {}

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool at(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }
    bool take(char c) {
        if (!at(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_spaces() {
        while (!rest_.empty() && is_ows(rest_.front())) rest_.remove_prefix(1);
    }
    std::optional<std::string_view> token() {
        std::size_t size = 0;
        while (size < rest_.size() && is_token_char(rest_[size])) ++size;
        if (size == 0) return std::nullopt;
        return cut(size);
    }
    /// A token or a quoted string.
    std::optional<std::string_view> value() {
        if (!take('"')) return token();
        const std::size_t end = rest_.find_first_of("\"\\");
        if (end == std::string_view::npos || rest_[end] == '\\') return std::nullopt;
        const std::string_view text = cut(end);
        take('"');
        return text;
    }

private:
    std::string_view cut(std::size_t size) {
        const std::string_view text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return text;
    }
    std::string_view rest_;
};

/// One element, of which at least a pair is there. The pairs' names are not remembered but for those that matter.
std::optional<ForwardedElement> read_element(Reader& reader) {
    ForwardedElement element;
    struct Parameter {
        std::string_view name;
        std::string_view* value;
        bool given = false;
    };
    std::string_view by;
    Parameter parameters[] = {{"for", &element.node}, {"proto", &element.proto}, {"host", &element.host}, {"by", &by}};
    do {
        if (reader.at(';') || reader.at(',') || reader.at_end()) continue;  // a pair may be left out
        const auto name = reader.token();
        if (!name || !reader.take('=')) return std::nullopt;
        const auto value = reader.value();
        if (!value) return std::nullopt;
        for (Parameter& parameter : parameters) {
            if (!iequals(*name, parameter.name)) continue;
            if (parameter.given) return std::nullopt;
            parameter.given = true;
            *parameter.value = *value;
        }
    } while (reader.take(';'));
    return element;
}

}  // namespace

std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view line) {
    std::vector<ForwardedElement> elements;
    Reader reader(line);
    while (!reader.at_end()) {
        if (!reader.at(',')) {
            const auto element = read_element(reader);
            if (!element) return std::nullopt;
            elements.push_back(*element);
            reader.skip_spaces();
        }
        if (!reader.take(',') && !reader.at_end()) return std::nullopt;
        reader.skip_spaces();
    }
    return elements;
}

}  // namespace caropig::http
