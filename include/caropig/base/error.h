#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

/// \file
/// What can go wrong outside of the program, as exceptions that name the operation and the peer.
/// Expected outcomes (end of stream, no such header) are values instead; mistakes are CAROPIG_CHECKs.
namespace caropig {

/// An operation failed at the operating system or at the other end. what() reads "connect to 127.0.0.1:80: refused".
class IoError : public std::system_error {
public:
    /// `operation` says what was tried and with whom: "connect to 127.0.0.1:80".
    IoError(std::error_code code, std::string operation);

    /// What was tried and with whom.
    [[nodiscard]] const std::string& operation() const noexcept { return operation_; }

private:
    std::string operation_;
};

/// A deadline passed. Its code is std::errc::timed_out; operation() names the wait and its length.
class TimeoutError : public IoError {
public:
    explicit TimeoutError(std::string operation);
};

/// A limit of an options type was exceeded: a queue that is full, a body that is too large. what() names the limit.
class LimitError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a cancelled wait ends with. It does not derive from std::exception, so that `catch (const std::exception&)`
/// in a handler does not swallow it: cancellation passes through to whoever asked for it.
class Cancelled {};

/// Makes an error code of an errno value.
std::error_code errno_code(int error) noexcept;

}  // namespace caropig
