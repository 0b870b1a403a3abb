// The workloads in Boost.Beast, asynchronous, one thread: beast_server PORT. Coroutines of Asio, as its own examples
// have them.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <sys/resource.h>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Socket = asio::use_awaitable_t<>::as_default_on_t<tcp::socket>;
using Timer = asio::use_awaitable_t<>::as_default_on_t<asio::steady_timer>;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// Rendered once a second.
const std::string& date() {
    static std::string text;
    static std::time_t rendered_at = 0;
    if (const std::time_t now = std::time(nullptr); now != rendered_at) {
        std::tm utc{};
        ::gmtime_r(&now, &utc);
        std::array<char, 32> buffer{};
        std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
        text = buffer.data();
        rendered_at = now;
    }
    return text;
}

template <class Body>
http::response<Body> response_to(const Request& request, http::status status, std::string_view type) {
    http::response<Body> response(status, request.version());
    response.set(http::field::server, "Beast");
    response.set(http::field::date, date());
    response.set(http::field::content_type, type);
    response.keep_alive(request.keep_alive());
    return response;
}

Response text_response(const Request& request, std::string body, std::string_view type = "text/html; charset=UTF-8",
                       http::status status = http::status::ok) {
    Response response = response_to<http::string_body>(request, status, type);
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

/// Connections to the upstream that nobody uses at the moment.
std::vector<Socket> idle_upstreams;

asio::awaitable<Response> relay(asio::any_io_executor executor, const Request& request) {
    static const auto port = static_cast<std::uint16_t>(std::atoi(variable("BENCH_UPSTREAM").c_str()));
    std::optional<Socket> socket;
    if (idle_upstreams.empty()) {
        socket.emplace(executor);
        const tcp::endpoint address(asio::ip::address_v4::loopback(), port);
        co_await socket->async_connect(address);
        socket->set_option(tcp::no_delay(true));
    } else {
        socket.emplace(std::move(idle_upstreams.back()));
        idle_upstreams.pop_back();
    }
    Request ask(http::verb::get, "/index", 11);
    ask.set(http::field::host, "127.0.0.1");
    co_await http::async_write(*socket, ask, asio::use_awaitable);
    beast::flat_buffer buffer;
    Response answer;
    co_await http::async_read(*socket, buffer, answer, asio::use_awaitable);
    if (answer.keep_alive()) idle_upstreams.push_back(std::move(*socket));
    const auto type = answer[http::field::content_type];
    co_return text_response(request, std::move(answer.body()), std::string_view(type.data(), type.size()));
}

asio::awaitable<void> send_file(Socket& socket, const Request& request, std::string_view name) {
    static const std::string folder = variable("TMPDIR") + "/files/";
    http::file_body::value_type file;
    beast::error_code error;
    file.open((folder + std::string(name)).c_str(), beast::file_mode::scan, error);
    if (error || name.find('/') != std::string_view::npos) {
        Response response = text_response(request, "not found", "text/plain", http::status::not_found);
        co_await http::async_write(socket, response, asio::use_awaitable);
        co_return;
    }
    auto response = response_to<http::file_body>(request, http::status::ok, "application/octet-stream");
    response.body() = std::move(file);
    response.prepare_payload();
    co_await http::async_write(socket, response, asio::use_awaitable);
}

asio::awaitable<Response> respond(asio::any_io_executor executor, const Request& request, std::string_view target) {
    constexpr std::string_view kSleep = "/sleep/";
    if (target == "/index") co_return text_response(request, "ok");
    if (target == "/json") {
        const boost::json::value value = {{"message", "Hello, World!"}};
        co_return text_response(request, boost::json::serialize(value), "application/json");
    }
    if (target == "/upstream") co_return co_await relay(executor, request);
    if (target.starts_with(kSleep)) {
        int milliseconds = 0;
        std::from_chars(target.data() + kSleep.size(), target.data() + target.size(), milliseconds);
        Timer timer(executor);
        timer.expires_after(std::chrono::milliseconds(milliseconds));
        co_await timer.async_wait();
        co_return text_response(request, "ok");
    }
    co_return text_response(request, "not found", "text/plain", http::status::not_found);
}

asio::awaitable<void> serve(Socket socket) {
    constexpr std::string_view kStatic = "/static/";
    beast::flat_buffer buffer;
    try {
        for (bool open = true; open;) {
            Request request;
            co_await http::async_read(socket, buffer, request, asio::use_awaitable);
            const auto raw = request.target();
            const std::string_view target(raw.data(), raw.size());
            open = request.keep_alive();
            if (target.starts_with(kStatic)) {
                co_await send_file(socket, request, target.substr(kStatic.size()));
            } else {
                Response response = co_await respond(socket.get_executor(), request, target);
                co_await http::async_write(socket, response, asio::use_awaitable);
            }
        }
        socket.shutdown(tcp::socket::shutdown_send);
    } catch (const std::exception&) {
        // the client is gone, or sent no HTTP
    }
}

asio::awaitable<void> listen(asio::io_context& context, std::uint16_t port) {
    tcp::acceptor acceptor(context);
    const tcp::endpoint address(asio::ip::address_v4::loopback(), port);
    acceptor.open(address.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(address);
    acceptor.listen(4096);
    for (;;) {
        Socket socket(co_await acceptor.async_accept(asio::use_awaitable));
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(context, serve(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: beast_server PORT\n", stderr);
        return 2;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    asio::io_context context(1);
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    asio::co_spawn(context, listen(context, port), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
    });
    context.run();
}
