// caropig-reference: the server that conformance tests, black-box tests and benchmarks talk to. Its routes and flags
// are an interface: add to them, do not change them.

#include <caropig/client/client.h>
#include <caropig/db/database.h>
#include <caropig/loop/timer.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>
#include <caropig/web/json.h>
#include <caropig/web/reverse_proxy.h>
#include <caropig/web/static_files.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/json/value.hpp>

namespace {

using namespace caropig;
using web::HttpError;
using web::Request;
using web::Response;

std::uint64_t number(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) {
        throw HttpError(400, "a number up to " + std::to_string(most) + " is expected");
    }
    return value;
}

Response index_page() { return "ok"; }

Response json() { return web::json_response({{"message", "Hello, World!"}}); }

Response order(Request& request) {
    return Response::text(std::string(request.param("user")) + " " + std::string(request.param("order")));
}

Task<Response> sleep_ms(Request& request) {
    co_await sleep_for(std::chrono::milliseconds(number(request.param("ms"), 3'600'000)));
    co_return "ok";
}

/// Sends each piece of the body back as it arrives.
Task<void> send_back(Request& request, web::BodyWriter& writer) {
    while (auto piece = co_await request.read_body()) co_await writer.write(*piece);
}

Task<Response> echo(Request& request) {
    request.set_max_body_bytes(std::numeric_limits<std::uint64_t>::max());
    auto producer = [&request](web::BodyWriter& writer) { return send_back(request, writer); };
    Response response = Response::stream(std::move(producer));
    response.content_type(request.header("Content-Type").value_or("application/octet-stream"));
    co_return response;
}

/// How many bytes the body has, of which one piece at a time is held.
Task<Response> count(Request& request) {
    request.set_max_body_bytes(std::numeric_limits<std::uint64_t>::max());
    std::uint64_t bytes = 0;
    while (auto piece = co_await request.read_body()) bytes += piece->size();
    co_return std::to_string(bytes);
}

Task<void> write_chunks(web::BodyWriter& writer, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string line = "chunk " + std::to_string(i) + "\n";
        co_await writer.write(line);
    }
}

Response stream(Request& request) {
    std::uint64_t count = number(request.param("count"), 1'000'000'000);
    Response response = Response::stream([count](web::BodyWriter& writer) { return write_chunks(writer, count); });
    response.static_content_type("text/plain; charset=UTF-8");
    return response;
}

Task<void> write_bytes(web::BodyWriter& writer, std::uint64_t size) {
    const std::string piece(std::min<std::uint64_t>(size, 64 * 1024), 'x');
    for (std::uint64_t left = size; left > 0;) {
        std::uint64_t part = std::min<std::uint64_t>(left, piece.size());
        co_await writer.write(std::string_view(piece).substr(0, part));
        left -= part;
    }
}

Response bytes(Request& request) {
    std::uint64_t size = number(request.param("n"), std::uint64_t{1} << 40);
    Response response = Response::stream(size, [size](web::BodyWriter& writer) { return write_bytes(writer, size); });
    response.static_content_type("application/octet-stream");
    return response;
}

Response no_content() {
    Response response(204, {});
    response.content_type({});
    return response;
}

/// Who asked, and for what, as far as it is known behind proxies.
Response asker(Request& request) { return Response::text(request.remote_ip() + " " + request.full_url() + "\n"); }

Response fail() { throw std::runtime_error("thrown on purpose"); }

unsigned upstream_connections = 10'000;  // an option of the program

/// Each worker's client to the upstream.
class UpstreamClient : public client::HttpClient {
public:
    explicit UpstreamClient(Loop& loop) : HttpClient(loop, options()) {}

private:
    static client::ClientOptions options() {
        client::ClientOptions options;
        options.pool.max_connections_per_origin(upstream_connections);
        return options;
    }
};

Task<Response> relay(std::string url) {
    if (url.empty()) throw HttpError(404, "started without --upstream");
    try {
        client::FetchRequest request(url);
        client::Response upstream = co_await Loop::current().local<UpstreamClient>().fetch(std::move(request));
        std::string type(upstream.headers().find("Content-Type").value_or(std::string_view()));
        const int status = upstream.status();
        Response response(status, std::move(upstream).body());
        response.content_type(type);
        co_return response;
    } catch (const client::FetchError& error) {
        int status = error.kind() == client::FetchError::Kind::kTimeout ? 504 : 502;
        co_return Response::text(std::string(error.what()) + "\n", status);
    }
}

/// A row of the table `people`, which whoever starts the database has made.
Task<Response> person(db::Database& database, std::uint64_t id) {
    db::Rows rows = co_await database.query("SELECT id, name, email FROM people WHERE id = ?", id);
    if (rows.empty()) throw HttpError(404, "nobody has this id");
    const db::Row row = rows[0];
    co_return web::json_response({{"id", row.get<std::int64_t>("id")},
                                  {"name", row.get<std::string>("name")},
                                  {"email", row.get<std::string>("email")}});
}

/// The database waits, not the loop.
Task<Response> database_sleep(db::Database& database, bool is_postgres, std::uint64_t milliseconds) {
    const double seconds = static_cast<double>(milliseconds) / 1000;
    if (is_postgres) {
        co_await database.execute("SELECT pg_sleep(?)", seconds);
    } else {
        co_await database.execute("SELECT SLEEP(?)", seconds);
    }
    co_return "ok";
}

void add_database_routes(web::Application& app, db::Database& database, bool is_postgres) {
    app.get("/db/people/{id:uint}",
            [&database](Request& request) { return person(database, number(request.param("id"), 1'000'000'000)); });
    app.get("/db/sleep/{ms:uint}", [&database, is_postgres](Request& request) {
        return database_sleep(database, is_postgres, number(request.param("ms"), 3'600'000));
    });
}

void add_proxy(web::Application& app, const std::string& url) {
    client::ClientOptions client;
    client.pool.max_connections_per_origin(upstream_connections);
    web::ReverseProxyOptions options;
    options.strip_prefix("/proxy").max_body_bytes(std::numeric_limits<std::uint64_t>::max()).client(std::move(client));
    app.any("/proxy/{path:path}", web::reverse_proxy(url, std::move(options)));
}

void add_order_routes(web::Application& app) {
    // The one that is measured stands among others like it.
    constexpr int kOthers = 109;
    for (int i = 0; i < kOthers; ++i) {
        if (i == kOthers / 2) app.get("/users/{user}/orders/{order}", order);
        std::string text = "route " + std::to_string(i);
        app.get("/resource" + std::to_string(i) + "/{user}/items/{item}", [text] { return Response::text(text); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    double timeout = 0;
    double write_timeout = 0;
    std::string folder;
    std::string upstream;
    std::string proxied;
    std::string database_url;
    unsigned database_connections = 16;
    double database_timeout = 30;
    web::CommandLine command_line("caropig-reference", "The server that tests and benchmarks talk to");
    command_line.option("--timeout", timeout, "Header, body and idle deadline in seconds; 0 for the defaults");
    command_line.option("--write-timeout", write_timeout, "Deadline of a slow reader in seconds; 0 for the default");
    command_line.option("--static", folder, "Folder to serve under /static/");
    command_line.option("--upstream", upstream, "URL that GET /upstream fetches and relays");
    command_line.option("--upstream-connections", upstream_connections, "The most that a worker opens to it");
    command_line.option("--proxy", proxied, "URL that /proxy/ is passed on to, with the rest of the path");
    command_line.option("--database", database_url, "URL of the database that /db/ asks");
    command_line.option("--database-connections", database_connections, "The most that a worker opens to it");
    command_line.option("--database-timeout", database_timeout, "Seconds that a connection, and a statement, may take");
    command_line.default_log_level("warning");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;
    if (timeout > 0) {
        std::chrono::milliseconds deadline(static_cast<std::int64_t>(timeout * 1000));
        command_line.serve_options().server.header_timeout(deadline).body_timeout(deadline).keep_alive_timeout(
            deadline);
    }
    if (write_timeout > 0) {
        command_line.serve_options().server.write_timeout(
            std::chrono::milliseconds(static_cast<std::int64_t>(write_timeout * 1000)));
    }
    web::Application app;
    app.get("/index", index_page);
    app.post("/echo", echo).put("/echo", echo);
    app.post("/count", count).put("/count", count);
    app.get("/json", json);
    app.get("/sleep/{ms:uint}", sleep_ms);
    app.get("/upstream", [upstream] { return relay(upstream); });
    app.get("/stream/{count:uint}", stream);
    app.get("/bytes/{n:uint}", bytes);
    app.get("/nocontent", no_content);
    app.get("/client", asker);
    app.get("/throw", fail);
    add_order_routes(app);
    std::optional<db::Database> database;
    try {
        if (!database_url.empty()) {
            const std::chrono::milliseconds deadline(static_cast<std::int64_t>(database_timeout * 1000));
            db::PoolOptions options;
            options.max_size(database_connections).acquire_timeout(deadline).query_timeout(deadline);
            database.emplace(database_url, options);
            add_database_routes(app, *database, database_url.starts_with("postgres"));
        }
        if (!proxied.empty()) add_proxy(app, proxied);
        if (!folder.empty()) app.get("/static/{path:path}", web::static_files(folder));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return web::run(app, command_line);
}
