#pragma once

#include <caropig/web/response.h>

#include <exception>
#include <string>

namespace caropig::web {

/// The status that an exception stands for: HttpError's own, 503 for a database that is down or too slow
/// and for a thread pool that is full, else 500.
int status_of(const std::exception_ptr& error) noexcept;

/// What an exception says; for the log, and for clients in debug mode.
std::string text_of(const std::exception_ptr& error);

/// Tornado's short page for a status, with `detail` below it where it is not empty; 503 asks to come back in a second.
Response error_page(int status, const std::string& detail = {});

}  // namespace caropig::web
