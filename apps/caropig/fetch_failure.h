#pragma once

#include <caropig/client/fetch_error.h>

#include <stdexcept>
#include <string>

/// \file
/// How the command ends when it does not end well: with the number that scripts know from curl.
namespace fetch_command {

/// curl's numbers, as far as the command has a reason for them.
enum ExitCode : int {
    kOk = 0,
    kUsage = 2,
    kBadUrl = 3,
    kResolve = 6,
    kConnect = 7,
    kWeirdReply = 8,
    kPartial = 18,
    kStatus = 22,
    kWrite = 23,
    kRead = 26,
    kTimeout = 28,
    kTlsHandshake = 35,
    kRedirects = 47,
    kEmptyReply = 52,
    kSend = 55,
    kReceive = 56,
    kCertificate = 60,
    kTooLarge = 63,
    kRewind = 65,
};

/// The command ends with this number; what() is what it says.
class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, const std::string& text) : runtime_error(text), code_(code) {}
    [[nodiscard]] ExitCode code() const noexcept { return code_; }

private:
    ExitCode code_;
};

/// `has_head`: the head of the answer had come.
[[nodiscard]] ExitCode exit_code(const caropig::client::FetchError& error, bool has_head) noexcept;

}  // namespace fetch_command
