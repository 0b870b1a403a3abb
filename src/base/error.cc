#include <caropig/base/error.h>

#include <utility>

namespace caropig {

IoError::IoError(std::error_code code, std::string operation)
    : std::system_error(code, operation), operation_(std::move(operation)) {}

TimeoutError::TimeoutError(std::string operation)
    : IoError(std::make_error_code(std::errc::timed_out), std::move(operation)) {}

std::error_code errno_code(int error) noexcept { return {error, std::generic_category()}; }

}  // namespace caropig
