#include "web/page_environment.h"
#include "web/response_sender.h"
#include <caropig/server/service.h>
#include <caropig/template/loader.h>
#include <caropig/template/template.h>
#include <caropig/web/application.h>
#include <caropig/web/page.h>
#include <caropig/web/request_handler.h>

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {
namespace {

const boost::json::value kNobody;

}  // namespace

Response render(const Request& request, std::string_view name, const boost::json::object& values) {
    Response response;
    PageEnvironment page(request, response, kNobody);
    response.append(page.with_resources(page.render(name, values)));
    return response;
}

Response render(const Request& request, std::string_view name) { return render(request, name, boost::json::object()); }

void RequestHandler::get_template_namespace(boost::json::object&) {}

const boost::json::value& RequestHandler::known_user() const noexcept {
    return current_user_ == nullptr ? kNobody : *current_user_;
}

std::string RequestHandler::render_string(std::string_view name, const boost::json::object& values) {
    boost::json::object names = values;
    get_template_namespace(names);
    const PageEnvironment page(*request_, response_, known_user());
    return page.render(name, names);
}

Task<void> RequestHandler::render(std::string_view name) {
    return render_page(std::string(name), boost::json::object(), false);
}

Task<void> RequestHandler::render(std::string_view name, const boost::json::object& values) {
    return render_page(std::string(name), values, false);
}

Task<void> RequestHandler::render_stream(std::string_view name, const boost::json::object& values) {
    return render_page(std::string(name), values, true);
}

Task<void> RequestHandler::render_page(std::string name, boost::json::object values, bool streamed) {
    const std::shared_ptr<const templates::Template> page_template =
        request_->application().template_loader().load(name);
    const bool shows_user = page_template->mentions("current_user");
    if (shows_user) co_await current_user();
    get_template_namespace(values);
    const PageEnvironment page(*request_, response_, known_user());
    if (!streamed) {
        finish(page.with_resources(page_template->render(values, &page)));
        co_return;
    }
    // The cookie of its forms has to go with the head.
    if (page_template->mentions("xsrf_form_html")) static_cast<void>(xsrf_token());
    templates::Rendering rendering = page_template->start(values, &page);
    while (const std::optional<std::string_view> piece = rendering.next()) {
        write(*piece);
        co_await flush();
    }
    finish();
}

}  // namespace caropig::web
