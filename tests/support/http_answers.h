#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::support {

/// One response as a client sees it.
struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    bool complete = false;

    /// The value of a field; nothing when it is not there.
    [[nodiscard]] std::optional<std::string> field(std::string_view name) const {
        std::string start = "\r\n" + std::string(name) + ": ";
        std::size_t at = head.find(start);
        if (at == std::string::npos) return std::nullopt;
        at += start.size();
        return head.substr(at, head.find("\r\n", at) - at);
    }
};

/// Takes apart what a server sent, strictly, independently of the library's own parser. `heads` says for each of the
/// final responses whether it answers HEAD. Interim responses (1xx) are listed too. What is no HTTP gives status -1.
inline std::vector<Answer> parse_answers(std::string_view text, const std::vector<bool>& heads = {},
                                         bool ended = true) {
    std::vector<Answer> answers;
    std::size_t finals = 0;
    while (!text.empty()) {
        Answer& answer = answers.emplace_back();
        std::size_t end = text.find("\r\n\r\n");
        if (!text.starts_with(std::string_view("HTTP/1.1 ").substr(0, text.size()))) answer.status = -1;
        if (end == std::string_view::npos || answer.status == -1) return answers;
        answer.head = std::string(text.substr(0, end + 2));
        text.remove_prefix(end + 4);
        std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
        bool interim = answer.status < 200;
        bool to_head = !interim && finals < heads.size() && heads[finals];
        if (!interim) ++finals;
        if (interim || to_head || answer.status == 204 || answer.status == 304) {
            answer.complete = true;
            continue;
        }
        if (answer.field("Transfer-Encoding") == "chunked") {
            for (;;) {
                std::size_t line = text.find("\r\n");
                if (line == std::string_view::npos) return answers;
                std::size_t size = 0;
                auto parsed = std::from_chars(text.data(), text.data() + line, size, 16);
                if (parsed.ptr != text.data() + line) answer.status = -1;
                text.remove_prefix(line + 2);
                answer.body += text.substr(0, size);
                if (text.size() < size + 2 || answer.status == -1) return answers;
                if (text.substr(size, 2) != "\r\n") answer.status = -1;
                text.remove_prefix(size + 2);
                if (size == 0) break;
            }
            answer.complete = true;
        } else if (auto length = answer.field("Content-Length")) {
            std::size_t size = std::stoul(*length);
            answer.body = std::string(text.substr(0, size));
            answer.complete = answer.body.size() == size;
            text.remove_prefix(answer.body.size());
        } else {
            answer.body = std::string(text);
            answer.complete = ended;
            return answers;
        }
    }
    return answers;
}

}  // namespace caropig::support
