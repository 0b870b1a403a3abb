#pragma once

#include <string_view>

/// \file
/// The pages of the login and their style, which the build puts into the program.
namespace tutorial::assets {

extern const std::string_view kBaseHtml;
extern const std::string_view kLoginHtml;
extern const std::string_view kWelcomeHtml;
extern const std::string_view kUnavailableHtml;
extern const std::string_view kLoginCss;

}  // namespace tutorial::assets
