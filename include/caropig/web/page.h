#pragma once

#include <caropig/web/response.h>

#include <string_view>

#include <boost/json/fwd.hpp>

/// \file
/// Pages out of templates, for handlers that are functions; a RequestHandler has render(). Beside the values that it is
/// given, and the functions of its loader, a template knows
///
/// | name                         | what                                                                             |
/// |------------------------------|----------------------------------------------------------------------------------|
/// | `request`                    | method, uri, path, query, host, protocol, remote_ip, headers                     |
/// | `current_user`               | in a RequestHandler who asks, as get_current_user() says; else None              |
/// | `static_url(path)`           | the URL of a file of Application::static_files(), with its version               |
/// | `reverse_url(name, values…)` | the path of a route                                                              |
/// | `xsrf_form_html()`           | the hidden field that each form needs; also as `{% module xsrf_form_html() %}`   |
/// | `handler`                    | static_url, reverse_url, xsrf_form_html, current_user, request: as attributes    |
/// | `_(text)`, `translate`       | the text itself, or the plural: there are no translations yet                    |
///
/// and the modules of Application::ui_module(). As the namespace of Tornado's render.
namespace caropig::web {

class Request;

/// Renders a template of the application. Throws templates::TemplateError.
///
///     Response index(Request& request) { return render(request, "index.html", {{"title", "Pigs"}}); }
[[nodiscard]] Response render(const Request& request, std::string_view name, const boost::json::object& values);
[[nodiscard]] Response render(const Request& request, std::string_view name);

}  // namespace caropig::web
