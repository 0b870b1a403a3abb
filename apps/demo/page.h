#pragma once

#include <caropig/web/application.h>

#include <functional>
#include <string>

/// \file
/// The start page, from which one tries the three systems.
namespace demo {

/// What the page says about how the program was started.
struct Settings {
    double seconds = 0;
    std::string upstream;
    std::string database;
};

/// Adds `/` and what it loads. `settings` is called for each /demo.json, on any worker.
void add_page(caropig::web::Application& application, std::function<Settings()> settings);

}  // namespace demo
