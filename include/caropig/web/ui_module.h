#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

/// \file
/// A piece of page that many pages have, with the scripts and styles that it needs: an entry of a list, a pager, a box.
namespace caropig::templates {
struct Arguments;
}

namespace caropig::web {

class PageEnvironment;
class Request;

/// Derive from it, register it with Application::ui_module<Entry>("Entry"), and a template shows it by
/// `{% module Entry(entry, show_date=True) %}`. As Tornado's UIModule: one object for a name and a page, whose render()
/// is called for each place; what the modules of a page ask for in scripts and styles is put into it once, whoever asks
/// how often, before `</head>` and `</body>`. On one worker's thread.
class UIModule {
public:
    UIModule() = default;
    UIModule(const UIModule&) = delete;
    UIModule& operator=(const UIModule&) = delete;
    virtual ~UIModule() = default;

    /// The HTML of one place. It is not escaped again.
    virtual std::string render(const templates::Arguments& arguments) = 0;

    // Asked once the page is rendered, of each module that it has.

    /// JavaScript for the page itself. A policy that forbids inline scripts (CSP) forbids this too.
    [[nodiscard]] virtual std::string embedded_javascript() const { return {}; }
    /// Scripts to load: paths below the static folder, or URLs.
    [[nodiscard]] virtual std::vector<std::string> javascript_files() const { return {}; }
    [[nodiscard]] virtual std::string embedded_css() const { return {}; }
    [[nodiscard]] virtual std::vector<std::string> css_files() const { return {}; }
    /// HTML for the end of the head, and of the body.
    [[nodiscard]] virtual std::string html_head() const { return {}; }
    [[nodiscard]] virtual std::string html_body() const { return {}; }

protected:
    [[nodiscard]] const Request& request() const noexcept;
    /// A template of the application with these values, and with the names that the page's own has.
    [[nodiscard]] std::string render_string(std::string_view name, const boost::json::object& values) const;

private:
    friend class PageEnvironment;
    const PageEnvironment* page_ = nullptr;
};

/// What makes a module for a page.
using UIModuleFactory = std::function<std::unique_ptr<UIModule>()>;
using UIModules = std::map<std::string, UIModuleFactory, std::less<>>;

}  // namespace caropig::web
