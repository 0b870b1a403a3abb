#include "caropig/fetch_plan.h"

#include "caropig/fetch_failure.h"
#include "caropig/read_input.h"
#include <caropig/client/cookie_jar.h>
#include <caropig/client/file_body.h>
#include <caropig/client/multipart_form.h>
#include <caropig/http/url.h>
#include <caropig/loop/thread_pool.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace fetch_command {
namespace {

using namespace caropig;
using client::FetchRequest;

constexpr int kMostRedirects = 100;  // what the client allows

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

http::Url parse_url(const std::string& text) {
    Result<http::Url, std::string> url = http::parse_url(text.contains("://") ? text : "http://" + text);
    if (!url) throw Failure(kBadUrl, "URL: " + url.error());
    return *std::move(url);
}

/// "USER:PASSWORD" apart.
std::pair<std::string, std::string> credentials(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) throw Failure(kUsage, "-u: USER:PASSWORD is expected");
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

void set_credentials(FetchRequest& request, const Arguments& arguments, const std::string& userinfo) {
    std::pair<std::string, std::string> who;
    if (!arguments.user.empty()) {
        who = credentials(arguments.user);
    } else if (!userinfo.empty()) {
        const std::size_t colon = userinfo.find(':');
        who.first = http::percent_decode(userinfo.substr(0, colon)).value_or("");
        if (colon != std::string::npos) who.second = http::percent_decode(userinfo.substr(colon + 1)).value_or("");
    } else {
        if (!arguments.bearer_token.empty()) request.bearer_token(arguments.bearer_token);
        return;
    }
    if (arguments.digest) {
        request.digest_auth(who.first, who.second);
    } else {
        request.basic_auth(who.first, who.second);
    }
}

/// 'Name: value', 'Name:' or 'Name;'.
void set_header(FetchRequest& request, std::string_view line, std::vector<std::string>& given) {
    const std::size_t end = line.find_first_of(":;");
    if (end == std::string_view::npos || end == 0) throw Failure(kUsage, "-H: 'Name: value' is expected");
    const std::string name(line.substr(0, end));
    std::string_view value = line.substr(end + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (line[end] == ';' && !value.empty()) throw Failure(kUsage, "-H: 'Name: value' is expected");
    if (line[end] == ':' && value.empty()) {
        request.remove_header(name);
        return;
    }
    if (std::ranges::find(given, name) == given.end()) request.remove_header(name);  // it replaces what is sent anyway
    given.push_back(name);
    request.add_header(name, value);
}

void set_cookies(FetchRequest& request, const std::vector<std::string>& cookies) {
    std::string field;
    for (const std::string& cookie : cookies) {
        if (cookie.empty()) {
            request.cookies(std::make_shared<client::CookieJar>());
        } else if (cookie.contains('=')) {
            field += (field.empty() ? "" : "; ") + cookie;
        } else {
            throw Failure(kUsage, "-b: NAME=VALUE is expected; files of cookies are not read");
        }
    }
    if (!field.empty()) request.header("Cookie", field);
}

/// The pieces of -d, --data-binary or --json, put together.
std::string join(const std::vector<std::string>& pieces, std::string_view separator, bool without_line_ends) {
    std::string body;
    for (const std::string& piece : pieces) {
        if (&piece != &pieces.front()) body += separator;
        if (!piece.starts_with('@')) {
            body += piece;
            continue;
        }
        std::string content = read_whole(piece.substr(1));
        if (without_line_ends) std::erase_if(content, [](char c) { return c == '\r' || c == '\n'; });
        body += content;
    }
    return body;
}

Task<void> add_part(client::MultipartForm& form, std::string part, ThreadPool& threads) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) throw Failure(kUsage, "-F: NAME=VALUE is expected");
    const std::string name = part.substr(0, equals);
    std::string value = part.substr(equals + 1);
    if (value.starts_with('<')) {
        form.field(name, read_whole(value.substr(1)));
        co_return;
    }
    if (!value.starts_with('@')) {
        form.field(name, value);
        co_return;
    }
    std::string type = "application/octet-stream";
    constexpr std::string_view kType = ";type=";
    if (const std::size_t at = value.find(kType); at != std::string::npos) {
        type = value.substr(at + kType.size());
        value.resize(at);
    }
    try {
        client::FileBody file = co_await client::FileBody::open(value.substr(1), threads);
        form.file(name, std::move(file), type);
    } catch (const IoError& error) {
        throw Failure(kRead, error.what());
    }
}

Task<void> set_upload(FetchRequest& request, const std::string& path, ThreadPool& threads) {
    if (path == "-") {
        request.body_from([&threads](client::RequestBody& body) { return send_stdin(body, threads); });
        co_return;
    }
    try {
        client::FileBody file = co_await client::FileBody::open(path, threads);
        if (request.url().path.ends_with('/')) {
            http::Url url = request.url();
            url.path += http::percent_encode(file.name());
            request.url(std::move(url));
        }
        request.file(std::move(file));
    } catch (const IoError& error) {
        throw Failure(kRead, error.what());
    }
}

/// The body, its type, and the method that goes with it.
Task<void> set_body(FetchRequest& request, const Arguments& arguments, ThreadPool& threads) {
    const int kinds = static_cast<int>(!arguments.data.empty()) + static_cast<int>(!arguments.data_binary.empty()) +
                      static_cast<int>(!arguments.json.empty()) + static_cast<int>(!arguments.form.empty()) +
                      static_cast<int>(!arguments.upload_file.empty()) + static_cast<int>(arguments.head);
    if (kinds > 1) throw Failure(kUsage, "only one of -d, --data-binary, --json, -F, -T and -I can be");
    if (kinds == 1) request.method(arguments.head ? "HEAD" : arguments.upload_file.empty() ? "POST" : "PUT");
    if (!arguments.data.empty() || !arguments.data_binary.empty()) {
        const bool as_is = arguments.data.empty();
        request.body(join(as_is ? arguments.data_binary : arguments.data, "&", !as_is));
        request.header("Content-Type", "application/x-www-form-urlencoded");
    }
    if (!arguments.json.empty()) {
        request.body(join(arguments.json, "", false));
        request.header("Content-Type", "application/json").header("Accept", "application/json");
    }
    if (!arguments.form.empty()) {
        client::MultipartForm form;
        for (const std::string& part : arguments.form) co_await add_part(form, part, threads);
        request.multipart(form);
    }
    if (!arguments.upload_file.empty()) co_await set_upload(request, arguments.upload_file, threads);
}

void add_answer(net::ResolverOptions& resolver, std::string_view entry) {
    const std::size_t first = entry.find(':');
    const std::size_t second = first == std::string_view::npos ? first : entry.find(':', first + 1);
    if (second == std::string_view::npos) throw Failure(kUsage, "--resolve: HOST:PORT:ADDRESS is expected");
    std::vector<std::string> addresses;
    for (std::string_view rest = entry.substr(second + 1); !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        std::string_view address = rest.substr(0, comma);
        if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
        addresses.emplace_back(address);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    resolver.answer(entry.substr(0, first), addresses);
}

}  // namespace

client::ClientOptions client_options(const Arguments& arguments) {
    client::ClientOptions options;
    client::ConnectionOptions& connection = options.connection;
    net::TlsClientOptions tls;
    if (arguments.insecure) tls.dangerously_accept_any_certificate();
    if (!arguments.roots_file.empty()) tls.roots_file(arguments.roots_file);
    if (!arguments.certificate_file.empty()) {
        const bool is_one_file = arguments.key_file.empty();
        tls.certificate_files(arguments.certificate_file,
                              is_one_file ? arguments.certificate_file : arguments.key_file);
    } else if (!arguments.key_file.empty()) {
        throw Failure(kUsage, "--key: needs a --cert");
    }
    if (arguments.insecure || !arguments.roots_file.empty() || !arguments.certificate_file.empty()) {
        connection.tls(tls);
    }
    connection.proxies_from_environment(true);
    if (!arguments.proxy.empty()) connection.proxy(arguments.proxy);
    if (!arguments.no_proxy.empty()) connection.no_proxy(arguments.no_proxy);
    if (!arguments.unix_socket.empty()) connection.unix_socket(arguments.unix_socket);
    net::ResolverOptions resolver;
    for (const std::string& entry : arguments.resolve) add_answer(resolver, entry);
    connection.resolver(std::move(resolver));
    if (arguments.connect_timeout > 0) {
        // The whole way has the limit that was asked for, so its steps need none.
        const Duration none = Duration::zero();
        connection.resolve_timeout(none).connect_timeout(none).proxy_timeout(none).tls_timeout(none);
    }
    return options;
}

Task<FetchRequest> make_request(const Arguments& arguments, ThreadPool& threads) {
    http::Url url = parse_url(arguments.url);
    const std::string userinfo = std::exchange(url.userinfo, {});
    FetchRequest request(url.origin());
    request.url(std::move(url)).header("Accept", "*/*");
    co_await set_body(request, arguments, threads);
    if (!arguments.method.empty()) request.method(arguments.method);
    if (!arguments.user_agent.empty()) request.header("User-Agent", arguments.user_agent);
    set_credentials(request, arguments, userinfo);
    std::vector<std::string> given;
    for (const std::string& line : arguments.headers) set_header(request, line, given);
    set_cookies(request, arguments.cookies);
    const int redirects = arguments.max_redirects < 0 ? kMostRedirects : arguments.max_redirects;
    request.max_redirects(arguments.follow ? redirects : 0);
    request.decompress(arguments.compressed);
    if (arguments.connect_timeout > 0) request.connect_timeout(seconds(arguments.connect_timeout));
    request.total_timeout(seconds(arguments.max_time));
    const std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
    request.max_response_bytes(arguments.max_file_size > 0 ? arguments.max_file_size : any);
    co_return request;
}

}  // namespace fetch_command
