#pragma once

#include <caropig/template/functions.h>
#include <caropig/web/ui_module.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace caropig::web {

class Application;
class Request;
class Response;

/// The names that templates have in a handler: request, current_user, static_url, reverse_url, xsrf_form_html, _ …, the
/// application's UI modules, and what these add to the page. Lives while one page is rendered.
class PageEnvironment final : public templates::Environment {
public:
    /// `user` is what the page sees as current_user. `response` gets the XSRF cookie where the browser has none.
    PageEnvironment(const Request& request, Response& response, const boost::json::value& user);
    ~PageEnvironment() override;

    [[nodiscard]] templates::Value find(std::string_view name) const override;
    [[nodiscard]] templates::Value find_module(std::string_view name) const override;

    /// A template of the application, rendered with this.
    [[nodiscard]] std::string render(std::string_view name, const boost::json::object& values) const;
    /// The page with the scripts and styles of its modules.
    [[nodiscard]] std::string with_resources(std::string page) const;

    [[nodiscard]] const Request& request() const noexcept { return request_; }
    [[nodiscard]] const Application& application() const noexcept;

private:
    struct ActiveModule {
        std::string name;
        std::unique_ptr<UIModule> module;
    };

    [[nodiscard]] templates::Value function(std::string_view name) const;
    [[nodiscard]] templates::Value handler() const;
    [[nodiscard]] const std::string& xsrf_field() const;
    UIModule& active(std::string_view name, const UIModuleFactory& factory) const;

    const Request& request_;
    Response& response_;
    const boost::json::value& user_;
    // Filled while a page is rendered, which its template sees as constant.
    mutable boost::json::value described_request_;
    mutable std::vector<ActiveModule> modules_;
    mutable std::string xsrf_field_;
};

}  // namespace caropig::web
