#pragma once

#include <caropig/template/loader.h>
#include <caropig/template/template.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

namespace caropig::templates::testing {

/// The page of one template, "t.html" if it has no other name. `values` is JSON text.
inline std::string render(std::string text, std::string_view values = "{}", LoaderOptions options = {},
                          const Environment* environment = nullptr, const std::string& name = "t.html") {
    DictLoader loader({{name, std::move(text)}}, std::move(options));
    return loader.load(name)->render(boost::json::parse(values).as_object(), environment);
}

/// what() of the error with which the template is refused or rendering ends; "" if all goes well.
inline std::string error_of(std::string text, std::string_view values = "{}", LoaderOptions options = {}) {
    try {
        static_cast<void>(render(std::move(text), values, std::move(options)));
        return {};
    } catch (const TemplateError& error) {
        return error.what();
    }
}

}  // namespace caropig::templates::testing
