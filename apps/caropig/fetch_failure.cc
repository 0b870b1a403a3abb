#include "caropig/fetch_failure.h"

#include <string_view>
#include <system_error>

namespace fetch_command {
namespace {

using caropig::client::FetchError;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

ExitCode code_of_break(const FetchError& error, bool has_head) noexcept {
    if (error.phase() == Phase::kSend) return kSend;
    if (error.code() != std::errc::connection_aborted) return kReceive;  // it was reset, not ended
    return has_head ? kPartial : error.phase() == Phase::kWait ? kEmptyReply : kReceive;
}

}  // namespace

ExitCode exit_code(const FetchError& error, bool has_head) noexcept {
    switch (error.kind()) {
        case Kind::kUnresolvable:
            return kResolve;
        case Kind::kUnreachable:
        case Kind::kBusy:
            return kConnect;
        case Kind::kProxy:
            return kReceive;
        case Kind::kTls: {
            // The two kinds of TlsError are one here; its line begins so for the first of them.
            const bool refused = std::string_view(error.what()).contains("the certificate is not accepted");
            return refused ? kCertificate : kTlsHandshake;
        }
        case Kind::kTimeout:
            return kTimeout;
        case Kind::kTooLarge:
            return kTooLarge;
        case Kind::kProtocol:
            return kWeirdReply;
        case Kind::kRedirect:
            return kRedirects;
        case Kind::kBroken:
            break;
    }
    return code_of_break(error, has_head);
}

}  // namespace fetch_command
