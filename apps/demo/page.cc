#include "demo/page.h"

#include "demo/assets.h"
#include <caropig/web/json.h>

#include <string_view>
#include <utility>

namespace demo {

using namespace caropig;
using web::Response;

namespace {

/// The page's own files and requests, and nothing else.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void add_asset(web::Application& application, const char* path, std::string_view text, std::string_view content_type) {
    application.get(path, [text, content_type] {
        Response response(text);
        response.static_content_type(content_type);
        response.header("Cache-Control", "no-cache");
        response.header("Content-Security-Policy", kContentSecurityPolicy);
        response.header("Referrer-Policy", "no-referrer");
        response.header("X-Content-Type-Options", "nosniff");
        return response;
    });
}

}  // namespace

void add_page(web::Application& application, std::function<Settings()> settings) {
    add_asset(application, "/", assets::kPageHtml, "text/html; charset=UTF-8");
    add_asset(application, "/demo.css", assets::kPageCss, "text/css; charset=UTF-8");
    add_asset(application, "/demo.js", assets::kPageJs, "text/javascript; charset=UTF-8");
    add_asset(application, "/demo.svg", assets::kPigletSvg, "image/svg+xml");
    application.get("/demo.json", [settings = std::move(settings)] {
        Settings now = settings();
        return web::json_response({{"seconds", now.seconds}, {"upstream", now.upstream}, {"database", now.database}});
    });
}

}  // namespace demo
