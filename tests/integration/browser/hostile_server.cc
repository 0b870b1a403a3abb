// A page that shows its argument `value` in every place where a template may show one: what the browser test feeds with
// attacks. Usage as of any server: hostile_server --port 0

#include <caropig/template/loader.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>
#include <caropig/web/page.h>

#include <map>
#include <memory>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

using namespace caropig;

namespace {

constexpr const char* kPage = R"page(<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>{{ value }}</title>
<link rel="icon" href="data:,">
<script>var ran = []; var finished = false; function pwn(where) { ran.push(where); }</script>
<style>.box { color: {{ value }}; background: "{{ value }}" }</style>
<script>
var bare = {{ value }};
var single = '{{ value }}';
var double = "{{ value }}";
var list = {{ [value, {'key': value}] }};
finished = true;
</script>
<script type="application/json" id="data">{"value": {{ value }}}</script>
</head>
<body>
<p id="text">{{ value }}</p>
<p id="attributes" title="{{ value }}" data-value='{{ value }}'>attributes</p>
<a id="link" href="{{ value }}">link</a>
<a id="query" href="/search?q={{ url_escape(value) }}">query</a>
<img src="{{ value }}" alt="{{ value }}">
<iframe src="{{ value }}"></iframe>
<form action="{{ value }}"><button id="button" formaction="{{ value }}">button</button></form>
<textarea id="area">{{ value }}</textarea>
<!-- {{ value }} -->
<p style="color: {{ value }}">style</p>
</body>
</html>
)page";

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::string> pages{{"page.html", kPage}};
    web::Application app;
    app.templates(std::make_shared<templates::DictLoader>(std::move(pages)));
    app.get("/", [](web::Request& request) {
        const std::string value = request.get_argument("value", "");
        return web::render(request, "page.html", {{"value", value}});
    });
    return web::run(app, argc, argv);
}
