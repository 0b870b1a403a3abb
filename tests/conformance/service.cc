#include "service.h"

namespace caropig::conformance {
namespace {

void reply(server::Exchange& exchange, std::string_view body, int status = 200) {
    server::ResponseHead head;
    head.status = status;
    head.content_type = "text/plain";
    exchange.respond(head, body);
}

template <class Fields>
std::string list(const Fields& fields) {
    std::string text;
    for (const http::HeaderView& field : fields) {
        if (field.name == "Host") continue;
        if (!text.empty()) text += ' ';
        text.append(field.name).append("=").append(field.value);
    }
    return text;
}

Task<void> echo(server::Exchange& exchange) {
    std::string body = co_await exchange.read_whole_body();
    if (!exchange.trailers().empty()) body += "|" + list(exchange.trailers());
    reply(exchange, body);
}

Task<void> wait(server::Exchange& exchange) {
    constexpr int kRounds = 3;
    for (int i = 0; i < kRounds; ++i) co_await yield();
    reply(exchange, "waited " + std::string(exchange.query()));
}

Task<void> stream(server::Exchange& exchange) {
    server::ResponseHead head;
    exchange.start_response(head, std::nullopt);
    co_await exchange.write("one");
    co_await yield();
    co_await exchange.write("two");
    co_await exchange.finish();
}

}  // namespace

void EchoService::serve(server::Exchange& exchange) noexcept {
    const std::string_view path = exchange.path();
    const auto run = [&exchange](Task<void> (*handler)(server::Exchange&)) {
        exchange.own_head();
        exchange.run(handler(exchange));
    };
    if (path == "/echo") return run(&echo);
    if (path == "/wait") return run(&wait);
    if (path == "/stream") return run(&stream);
    if (path == "/ignore") return reply(exchange, "ignored");
    if (path == "/fields") return reply(exchange, list(exchange.headers()));
    if (path == "/host") return reply(exchange, exchange.host());
    if (path == "/none") return reply(exchange, "dropped", 204);
    if (path == "/reset") return reply(exchange, "dropped", 205);
    if (path == "/unmodified") return reply(exchange, "dropped", 304);
    if (path == "/hint") {
        exchange.inform(103, "Link: </style.css>; rel=preload\r\n");
        return reply(exchange, "hinted");
    }
    std::string text = std::string(exchange.method_text()) + " " + std::string(path);
    const bool has_query = exchange.target().find('?') != std::string_view::npos;
    if (has_query) text += "?" + std::string(exchange.query());
    reply(exchange, text);
}

server::ServerOptions conformance_options() {
    server::ServerOptions options;
    options.max_target_bytes(200).max_head_bytes(1000).max_fields(20).max_body_bytes(100);
    return options;
}

}  // namespace caropig::conformance
