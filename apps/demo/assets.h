#pragma once

#include <string_view>

/// \file
/// The files of the page, which the build turns into strings (embed.cmake), so that the program needs nothing beside
/// it.
namespace demo::assets {

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
extern const std::string_view kPigletSvg;

}  // namespace demo::assets
