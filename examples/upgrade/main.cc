// A tiny protocol of lines on connections that begin as HTTP: a client asks for it with "Upgrade: lines", and from then
// on gets each line back in capitals, until it sends an empty one.
//
//     printf 'GET /lines HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\noink\n\n' | nc -N
//     127.0.0.1 8080

#include <caropig/net/stream.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

using namespace caropig;
using web::Request;
using web::Response;

constexpr std::size_t kLongestLine = 1000;

std::string in_capitals(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

Task<void> speak_lines(net::Stream& stream) {
    std::array<std::byte, 512> buffer;
    std::string unfinished;
    while (std::size_t size = co_await stream.read_some(buffer)) {
        unfinished += as_text(ConstBytes(buffer).first(size));
        while (true) {
            std::size_t end = unfinished.find('\n');
            if (end == std::string::npos) break;
            if (end == 0) co_return;  // the connection ends with its session
            std::string answer = in_capitals(unfinished.substr(0, end + 1));
            unfinished.erase(0, end + 1);
            co_await stream.write(as_bytes(answer));
        }
        if (unfinished.size() > kLongestLine) co_return;  // limits are the protocol's own business now
    }
}

Response lines(Request& request) { return Response::upgrade(request, "lines", speak_lines); }

int main(int argc, char** argv) {
    web::Application app;
    app.get("/lines", lines);
    return web::run(app, argc, argv);
}
