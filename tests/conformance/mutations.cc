#include "mutations.h"

#include "cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace caropig::conformance {
namespace {

std::size_t line_start(const std::string& text, std::size_t at) {
    const std::size_t end = text.rfind('\n', at == 0 ? 0 : at - 1);
    return end == std::string::npos || end + 1 > text.size() ? 0 : end + 1;
}
std::string line_at(const std::string& text, std::size_t at) {
    const std::size_t start = line_start(text, at);
    return text.substr(start, text.find('\n', start) - start + 1);
}

}  // namespace

std::vector<std::string> seed_inputs() {
    std::vector<std::string> all;
    for (const Table& table : tables()) {
        for (const Case& row : table.cases) all.push_back(row.input);
    }
    for (const auto& entry : std::filesystem::directory_iterator(CAROPIG_FUZZ_CORPUS "/request_parser")) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (text.size() > 2) all.push_back(text.substr(2));  // the first two steer the fuzzer
    }
    std::ranges::sort(all);
    return all;
}

std::string Mutator::next() {
    std::string text = pick(corpus_);
    if (below(2) == 0) text = pick(corpus_) + text;
    const std::size_t changes = 1 + below(2) * below(3);
    for (std::size_t i = 0; i < changes; ++i) change(text);
    return text;
}

// Bytes and tokens that mean something; lines doubled, moved and joined.
void Mutator::change(std::string& text) {
    static const std::vector<std::string> kTokens = {
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        ";",
        ",",
        "=",
        "\"",
        "\\",
        "%",
        "%41",
        "?",
        "#",
        "/",
        "//",
        "*",
        "0",
        "1",
        "a",
        "-",
        "+",
        "_",
        "0x",
        std::string(1, '\0'),
        "\x7f",
        "\x80",
        "\xff",
        "\v",
        "\r\n\r\n",
        "0\r\n\r\n",
        "3\r\nabc\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:",
        "Content-Length:",
        "chunked",
        "chunked, ",
        "identity",
        "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Host: a\r\n",
        "HTTP/1.0",
        "HTTP/1.1",
        "HTTP/1.2",
        "http://a",
        "CONNECT",
        "OPTIONS",
        "HEAD",
        "Expect: 100-continue\r\n",
        "Upgrade: x\r\nConnection: upgrade\r\n",
        ";x=y",
        ";x=\"y\\\"z\"",
        " ;",
        "X: y\r\n",
        "X : y\r\n",
        "\r\n ",
        "FFFFFFFFFFFFFFFF",
        "18446744073709551615",
    };
    const std::size_t at = below(text.size() + 1);
    switch (below(7)) {
        case 0:
            if (at < text.size()) text[at] = static_cast<char>(random_());
            break;
        case 1:
            text.insert(at, pick(kTokens));
            break;
        case 2:
            text.replace(at, std::min(text.size() - at, 1 + below(4)), pick(kTokens));
            break;
        case 3:
            text.erase(at, 1 + below(6));
            break;
        case 4:  // a line doubled, or put elsewhere
            text.insert(line_start(text, at), line_at(text, below(text.size() + 1)));
            break;
        case 5: {  // the beginning of one, the end of another
            const std::string& other = pick(corpus_);
            text = text.substr(0, at) + other.substr(below(other.size() + 1));
            break;
        }
        default:
            text += pick(corpus_);
            break;
    }
}

}  // namespace caropig::conformance
