#pragma once

#include <caropig/web/response.h>

#include <exception>
#include <string>

namespace caropig::web {

/// The status that an exception stands for: HttpError's own, 500 for any other.
int status_of(const std::exception_ptr& error) noexcept;

/// What an exception says; for the log, and for clients in debug mode.
std::string text_of(const std::exception_ptr& error);

/// Tornado's short page for a status, with `detail` below it where it is not empty.
Response error_page(int status, const std::string& detail = {});

}  // namespace caropig::web
