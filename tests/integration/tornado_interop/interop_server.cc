// What interop_test.py has as a Tornado application too: cookies that are set and read, and a guarded form.

#include <caropig/web/application.h>
#include <caropig/web/command_line.h>
#include <caropig/web/xsrf.h>

#include <map>
#include <string>

#include <fmt/core.h>

using namespace caropig;
using web::Request;
using web::Response;

namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
}

std::string unhex(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

Response set_signed(Request& request) {
    Response response;
    response.set_signed_cookie(request, "user", unhex(request.get_argument("value")));
    return response;
}

std::string get_signed(Request& request) {
    auto value = request.get_signed_cookie("user");
    return value ? "=" + hex(*value) : "none";
}

std::string get_plain(Request& request) {
    auto value = request.get_cookie("plain");
    return value ? "=" + hex(*value) : "none";
}

Response form(Request& request) {
    Response response;
    response.append(web::xsrf_token(request, response));
    return response;
}

}  // namespace

int main(int argc, char** argv) {
    std::string secret;
    std::string next_secret;
    web::CommandLine command_line("interop_server", "A peer for python3-tornado");
    command_line.option("--secret", secret, "Secret of signed cookies");
    command_line.option("--next-secret", next_secret, "The one that takes its place: the first gets the number 1");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    web::SecurityOptions security;
    if (next_secret.empty()) {
        security.cookie_secret(secret);
    } else {
        std::map<int, std::string> secrets{{1, secret}, {2, next_secret}};
        security.cookie_secrets(web::CookieSecrets(std::move(secrets), 2));
    }
    web::Application application;
    application.security(std::move(security));
    application.get("/set", set_signed).get("/get", get_signed).get("/plain", get_plain);
    application.get("/form", form).post("/form", [] { return "accepted"; });
    command_line.serve_options().on_listening = [](const std::string& address) {
        fmt::print("listening on {}\n", address);
        std::fflush(stdout);
    };
    return web::run(application, command_line);
}
