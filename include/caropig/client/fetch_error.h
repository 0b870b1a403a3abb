#pragma once

#include <caropig/base/error.h>

#include <string>
#include <string_view>
#include <system_error>

/// \file
/// Why there is no answer. A gateway has to tell its own client which it was, and a person who reads the log where.
namespace caropig::client {

/// A fetch that failed on its way. what() is one line that says everything: "fetch http://10.0.0.7:8080: the
/// total_timeout of 20 s passed while waiting for the response". code() is the operating system's where it had one.
class FetchError : public IoError {
public:
    enum class Kind {
        kUnresolvable,  ///< the host's name has no address, or the name servers don't answer
        kUnreachable,   ///< no connection: refused, no route
        kProxy,         ///< the proxy would not or could not connect, or gave no answer that makes sense
        kTls,           ///< no handshake: the certificate was not accepted, or the two found nothing in common
        kBusy,          ///< too many wait for a connection already, or the origin's circuit breaker is open
        kTimeout,       ///< a deadline of the request passed, or the operating system gave up
        kTooLarge,      ///< the answer exceeds a limit
        kProtocol,      ///< the answer is no HTTP/1.x
        kRedirect,      ///< it leads nowhere, or where the request does not let it lead
        kBroken,        ///< the connection was closed or reset before the answer was whole
    };

    /// How far the fetch had come.
    enum class Phase {
        kQueue,  ///< standing in line for a connection
        kResolve,
        kConnect,  ///< to the server, or to the proxy
        kProxy,    ///< asking the proxy for a connection to the server
        kTls,      ///< the handshake
        kSend,
        kWait,     ///< the request is sent, no byte of the answer has come
        kReceive,  ///< the answer has begun
    };

    /// `origin` is Url::origin(); `detail` says what happened, in one line.
    FetchError(Kind kind, Phase phase, std::error_code code, std::string_view origin, std::string_view detail);

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    Kind kind_;
    Phase phase_;
    std::string line_;
};

}  // namespace caropig::client
