#include "template/escape.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

// What Tornado's regular expression for URLs matches in escaped text, read without backtracking: a scheme with one to
// three slashes, or "www.", and then runs of characters that end in one that is no punctuation, and pairs of
// parentheses.
namespace caropig::templates {
namespace {

struct Link {
    std::size_t end = 0;
    std::string_view scheme;  // empty for www.
    std::size_t slashes = 0;
};

bool is_word(char32_t code) noexcept { return code == '_' || unicode::is_digit(code) || unicode::is_alpha(code); }

bool is_punctuation(char32_t code) noexcept {
    return code < 0x80 &&
           std::string_view("!\"#$%&'()*+,.:;<=>?@[]^`{|}~").find(static_cast<char>(code)) != std::string_view::npos;
}

// The length of what may stand inside of a URL at `at`: a character or one of two entities; 0 if nothing may.
std::size_t part_size(std::string_view text, std::size_t at) noexcept {
    if (at >= text.size()) return 0;
    const auto [code, size] = unicode::decode(text, at);
    if (code == '&') {
        const std::string_view rest = text.substr(at);
        return rest.starts_with("&amp;") ? 5 : rest.starts_with("&quot;") ? 6 : 0;
    }
    return code == '(' || code == ')' || unicode::is_space(code) ? 0 : size;
}

// Where the runs and parentheses that begin at `at` end; `at` itself if there are none.
std::size_t end_of_runs(std::string_view text, std::size_t at) noexcept {
    for (;;) {
        std::size_t end = at;
        std::size_t scan = at;
        for (std::size_t size = part_size(text, scan); size != 0; size = part_size(text, scan)) {
            // An entity ends in ";", which is punctuation.
            if (text[scan] != '&' && !is_punctuation(unicode::decode(text, scan).code)) end = scan + size;
            scan += size;
        }
        if (end == at && at < text.size() && text[at] == '(') {
            std::size_t close = at + 1;
            for (std::size_t size = part_size(text, close); size != 0; size = part_size(text, close)) close += size;
            if (close < text.size() && text[close] == ')') end = close + 1;
        }
        if (end == at) return at;
        at = end;
    }
}

class Linker {
public:
    Linker(std::string text, const Arguments& arguments)
        : text_(std::move(text)),
          shorten_(arguments.get(1, "shorten", false).truthy()),
          extra_(arguments.get(2, "extra_params", Value::borrowed(""))),
          require_protocol_(arguments.get(3, "require_protocol", false).truthy()) {
        const Value permitted = arguments.get(4, "permitted_protocols");
        if (permitted.is_none()) return;
        if (!permitted.is_sequence()) throw Failure(ErrorKind::kType, "permitted_protocols must be a list");
        permitted_.clear();
        for (std::size_t i = 0; i < permitted.size(); ++i) permitted_.emplace_back(permitted.item(i).as_string());
    }

    std::string run() {
        std::string out;
        std::size_t done = 0;
        bool word_before = false;
        for (std::size_t at = 0; at < text_.size();) {
            const auto [code, size] = unicode::decode(text_, at);
            const bool word = is_word(code);
            if (word != word_before) {
                if (const std::optional<Link> link = link_at(at)) {
                    out.append(text_, done, at - done);
                    out += anchor(std::string_view(text_).substr(at, link->end - at), *link);
                    done = at = link->end;
                    // The next may begin right behind, which is a boundary if what was matched ends in a word.
                    word_before = ends_in_word(at);
                    continue;
                }
            }
            word_before = word;
            at += size;
        }
        return out.append(text_, done);
    }

private:
    bool ends_in_word(std::size_t end) const noexcept {
        std::size_t start = end - 1;
        while (start > 0 && (static_cast<unsigned char>(text_[start]) & 0xc0) == 0x80) --start;
        return is_word(unicode::decode(text_, start).code);
    }

    std::optional<Link> link_at(std::size_t at) {
        // Boundaries inside of one run of word characters and hyphens share its end.
        if (at >= run_end_) {
            run_end_ = at;
            while (run_end_ < text_.size()) {
                const auto [code, size] = unicode::decode(text_, run_end_);
                if (code != '-' && !is_word(code)) break;
                run_end_ += size;
            }
        }
        const std::string_view text = text_;
        if (run_end_ > at && text.substr(run_end_).starts_with(":/")) {
            std::size_t slashes = std::min<std::size_t>(
                3, std::min(text.find_first_not_of('/', run_end_ + 1), text.size()) - run_end_ - 1);
            for (; slashes != 0; --slashes) {
                const std::size_t start = run_end_ + 1 + slashes;
                const std::size_t end = end_of_runs(text, start);
                if (end != start) return Link{end, text.substr(at, run_end_ - at), slashes};
            }
        }
        if (text.substr(at).starts_with("www.")) {
            const std::size_t end = end_of_runs(text, at + 4);
            if (end != at + 4) return Link{end, {}, 0};
        }
        return std::nullopt;
    }

    std::string anchor(std::string_view url, const Link& link) const {
        if (link.scheme.empty() && require_protocol_) return std::string(url);
        if (!link.scheme.empty() && std::ranges::find(permitted_, link.scheme) == permitted_.end()) {
            return std::string(url);
        }
        std::string href = link.scheme.empty() ? "http://" : "";
        href += url;
        std::string parameters = extra_parameters(href);
        const std::string shown = shorten_ ? shortened(url, link) : std::string(url);
        if (shown != url) parameters += fmt::format(" title=\"{}\"", href);
        return fmt::format("<a href=\"{}\"{}>{}</a>", href, parameters, shown);
    }

    std::string extra_parameters(const std::string& href) const {
        std::string text;
        if (extra_.kind() == Value::Kind::kFunction) {
            const Value argument(href);
            text = extra_.as_function()(Arguments{std::span(&argument, 1), {}}).as_string();
            return " " + trimmed(text);
        }
        text = extra_.as_string();
        return text.empty() ? text : " " + trimmed(text);
    }

    static std::string trimmed(const std::string& text) {
        const std::size_t start = text.find_first_not_of(" \t\r\n\v\f");
        return start == std::string::npos ? "" : text.substr(start, text.find_last_not_of(" \t\r\n\v\f") - start + 1);
    }

    // Long URLs are shown as their host and the beginning of their path.
    static std::string shortened(std::string_view url, const Link& link) {
        constexpr std::size_t kMaxLength = 30;
        if (unicode::length(url) <= kMaxLength) return std::string(url);
        std::string shown(url);
        const std::size_t head = link.scheme.empty() ? 0 : link.scheme.size() + 1 + link.slashes;
        const std::string_view rest = url.substr(head);
        if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
            std::string_view first = rest.substr(slash + 1);
            first = first.substr(0, first.find('/'));
            first = first.substr(0, unicode::offset_of(first, 8));
            first = first.substr(0, first.find('?'));
            first = first.substr(0, first.find('.'));
            shown = std::string(url.substr(0, head)).append(rest.substr(0, slash)).append("/").append(first);
        }
        if (unicode::length(shown) > kMaxLength * 3 / 2) shown.resize(unicode::offset_of(shown, kMaxLength));
        if (shown == url) return shown;
        const std::size_t ampersand = shown.rfind('&');
        if (ampersand != std::string::npos && unicode::length(shown.substr(0, ampersand)) > kMaxLength - 5) {
            shown.resize(ampersand);
        }
        shown += "...";
        return unicode::length(shown) >= unicode::length(url) ? std::string(url) : shown;
    }

    std::string text_;
    bool shorten_;
    Value extra_;
    bool require_protocol_;
    std::vector<std::string> permitted_ = {"http", "https"};
    std::size_t run_end_ = 0;
};

}  // namespace

std::string linkify(const Arguments& arguments) {
    std::string text;
    append_html(text, arguments.require(0, "text").as_string());
    return Linker(std::move(text), arguments).run();
}

}  // namespace caropig::templates
