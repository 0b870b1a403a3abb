#include "template/statement.h"
#include "template/unicode.h"

namespace caropig::templates {
namespace {

// Every run of whitespace as what `replacement(run)` makes of it.
std::string replace_runs(std::string_view text, auto&& replacement) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size()) {
            const auto [code, size] = unicode::decode(text, end);
            if (!unicode::is_space(code)) break;
            end += size;
        }
        if (end == at) {
            const std::size_t size = unicode::decode(text, at).size;
            out += text.substr(at, size);
            at += size;
        } else {
            replacement(out, text.substr(at, end - at));
            at = end;
        }
    }
    return out;
}

// Blanks and tabs shrink to one blank; other whitespace stays.
void append_single(std::string& out, std::string_view run) {
    if (run.find('\n') != std::string_view::npos) {
        out += '\n';
        return;
    }
    bool blank = false;
    for (const char c : run) {
        const bool is_blank = c == ' ' || c == '\t';
        if (!is_blank) out += c;
        if (is_blank && !blank) out += ' ';
        blank = is_blank;
    }
}

}  // namespace

std::string filter_whitespace(Whitespace mode, std::string_view text) {
    switch (mode) {
        case Whitespace::kAll:
            break;
        case Whitespace::kSingle:
            return replace_runs(text, append_single);
        case Whitespace::kOneline:
            return replace_runs(text, [](std::string& out, std::string_view) { out += ' '; });
    }
    return std::string(text);
}

}  // namespace caropig::templates
