#include "web/page_environment.h"

#include "template/escape.h"
#include <caropig/template/error.h>
#include <caropig/template/loader.h>
#include <caropig/template/template.h>
#include <caropig/web/application.h>
#include <caropig/web/request.h>
#include <caropig/web/xsrf.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <boost/json/object.hpp>

namespace caropig::web {
namespace {

using templates::Arguments;
using templates::Value;

/// What templates know of the request, under the names of Tornado's HTTPServerRequest.
boost::json::value describe(const Request& request) {
    boost::json::object headers;
    for (const http::HeaderView& field : request.headers()) {
        if (!headers.contains(field.name)) headers.emplace(field.name, field.value);
    }
    return {{"method", request.method_text()},  {"uri", request.target()},      {"path", request.path()},
            {"query", request.query()},         {"host", request.host()},       {"protocol", request.scheme()},
            {"remote_ip", request.remote_ip()}, {"headers", std::move(headers)}};
}

std::string text_of(const Value& value) {
    if (value.is_string()) return std::string(value.as_string());
    if (value.kind() == Value::Kind::kInt) return std::to_string(value.as_int());
    throw templates::Failure(templates::ErrorKind::kType, "a string or a number is expected");
}

Value reverse_url(const Application& application, const Arguments& arguments) {
    const std::string name = text_of(arguments.require(0, "name"));
    std::vector<std::string> values;
    for (const Value& value : arguments.positional.subspan(1)) values.push_back(text_of(value));
    const std::vector<std::string_view> views(values.begin(), values.end());
    return application.reverse_url(name, std::span<const std::string_view>(views));
}

/// Tornado's translate() of a locale that translates nothing: the message, or the one for many.
Value translate(const Arguments& arguments) {
    arguments.expect(1, 3);
    if (arguments.positional.size() < 3) return arguments.positional[0];
    const Value& count = arguments.positional[2];
    const bool one = count.kind() == Value::Kind::kInt && count.as_int() == 1;
    return arguments.positional[one ? 0 : 1];
}

std::string escaped(std::string_view text) {
    std::string html;
    templates::append_html(html, text);
    return html;
}

bool is_absolute(std::string_view url) noexcept {
    return url.starts_with('/') || url.starts_with("http:") || url.starts_with("https:");
}

/// What the modules of a page want to have in it, each thing once.
struct Resources {
    std::vector<std::string> scripts, script_files, styles, style_files, heads, bodies;

    static void add(std::vector<std::string>& list, std::string text) {
        if (!text.empty() && std::ranges::find(list, text) == list.end()) list.push_back(std::move(text));
    }
};

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string all;
    for (const std::string& text : texts) {
        if (!all.empty()) all += separator;
        all += text;
    }
    return all;
}

}  // namespace

const Request& UIModule::request() const noexcept { return page_->request(); }

std::string UIModule::render_string(std::string_view name, const boost::json::object& values) const {
    return page_->render(name, values);
}

PageEnvironment::PageEnvironment(const Request& request, Response& response, const boost::json::value& user)
    : request_(request), response_(response), user_(user) {}
PageEnvironment::~PageEnvironment() = default;

const Application& PageEnvironment::application() const noexcept { return request_.application(); }

Value PageEnvironment::find(std::string_view name) const {
    if (name == "request") {
        if (described_request_.is_null()) described_request_ = describe(request_);
        return Value::from_json(described_request_);
    }
    if (name == "current_user") return Value::from_json(user_);
    if (name == "handler") return handler();
    return function(name);
}

Value PageEnvironment::function(std::string_view name) const {
    if (name == "static_url") {
        return templates::Function([this](const Arguments& arguments) -> Value {
            return application().static_url(text_of(arguments.require(0, "path")));
        });
    }
    if (name == "reverse_url") {
        return templates::Function(
            [this](const Arguments& arguments) { return reverse_url(application(), arguments); });
    }
    if (name == "xsrf_form_html") {
        return templates::Function([this](const Arguments&) { return Value::markup(xsrf_field()); });
    }
    if (name == "_" || name == "translate") return templates::Function(translate);
    return Value::undefined();
}

/// `handler.static_url(…)` and its like, as Tornado's templates write it too.
Value PageEnvironment::handler() const {
    templates::Dict names;
    for (std::string_view name : {"static_url", "reverse_url", "xsrf_form_html"}) {
        names.emplace_back(Value(name), function(name));
    }
    names.emplace_back(Value("current_user"), Value::from_json(user_));
    names.emplace_back(Value("request"), find("request"));
    return names;
}

const std::string& PageEnvironment::xsrf_field() const {
    if (xsrf_field_.empty()) xsrf_field_ = xsrf_form_html(request_, response_);
    return xsrf_field_;
}

Value PageEnvironment::find_module(std::string_view name) const {
    if (name == "xsrf_form_html") return function(name);
    const UIModules& modules = application().ui_modules();
    const auto found = modules.find(name);
    if (found == modules.end()) return Value::undefined();
    UIModule& module = active(name, found->second);
    return templates::Function(
        [&module](const Arguments& arguments) { return Value::markup(module.render(arguments)); });
}

UIModule& PageEnvironment::active(std::string_view name, const UIModuleFactory& factory) const {
    for (ActiveModule& each : modules_) {
        if (each.name == name) return *each.module;
    }
    modules_.push_back({std::string(name), factory()});
    modules_.back().module->page_ = this;
    return *modules_.back().module;
}

std::string PageEnvironment::render(std::string_view name, const boost::json::object& values) const {
    return application().template_loader().load(name)->render(values, this);
}

std::string PageEnvironment::with_resources(std::string page) const {
    if (modules_.empty()) return page;
    Resources wanted;
    for (const ActiveModule& each : modules_) {
        const UIModule& module = *each.module;
        auto url = [this](const std::string& file) {
            return is_absolute(file) ? file : application().static_url(file);
        };
        Resources::add(wanted.scripts, module.embedded_javascript());
        for (const std::string& file : module.javascript_files()) Resources::add(wanted.script_files, url(file));
        Resources::add(wanted.styles, module.embedded_css());
        for (const std::string& file : module.css_files()) Resources::add(wanted.style_files, url(file));
        Resources::add(wanted.heads, module.html_head());
        Resources::add(wanted.bodies, module.html_body());
    }
    std::string head;
    std::string body;
    for (const std::string& file : wanted.style_files) {
        head += R"(<link href=")" + escaped(file) + R"(" type="text/css" rel="stylesheet"/>)" + "\n";
    }
    if (!wanted.styles.empty()) head += "<style type=\"text/css\">\n" + joined(wanted.styles, "\n") + "\n</style>\n";
    if (!wanted.heads.empty()) head += joined(wanted.heads, "") + "\n";
    for (const std::string& file : wanted.script_files) {
        body += R"(<script src=")" + escaped(file) + R"(" type="text/javascript"></script>)" + "\n";
    }
    if (!wanted.scripts.empty()) {
        body +=
            "<script type=\"text/javascript\">\n//<![CDATA[\n" + joined(wanted.scripts, "\n") + "\n//]]>\n</script>\n";
    }
    if (!wanted.bodies.empty()) body += joined(wanted.bodies, "") + "\n";

    auto insert = [&page](std::size_t place, std::string_view what, const std::string& text) {
        if (text.empty()) return;
        if (place == std::string::npos) throw std::logic_error("a UI module needs a page with " + std::string(what));
        page.insert(place, text);
    };
    insert(page.rfind("</body>"), "</body>", body);
    insert(page.find("</head>"), "</head>", head);
    return page;
}

}  // namespace caropig::web
