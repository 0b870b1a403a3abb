#pragma once

#include <string>
#include <string_view>
#include <vector>

/// \file
/// What systemd tells a service by its environment (sd_listen_fds(3), sd_notify(3)), without its library. Both are read
/// once, before other threads run, and removed from the environment: a child process is not meant by them.
namespace caropig::server {

/// A socket that the service was started with.
struct PassedSocket {
    int descriptor = -1;
    std::string name;  ///< FileDescriptorName= of its unit; "unknown" where there is none
};

/// Those of LISTEN_FDS, closed on exec from now on; none where LISTEN_PID is another process. Throws IoError for what
/// is malformed: a count that is no number or beyond what is open, names that are not as many.
std::vector<PassedSocket> take_passed_sockets();

/// Tells systemd how the service is doing; nothing where it does not want to hear (NOTIFY_SOCKET). A service of
/// Type=notify counts as started once it is ready.
class ServiceManager {
public:
    ServiceManager();
    void ready() const { notify("READY=1"); }
    void stopping() const { notify("STOPPING=1"); }

private:
    /// A failure is logged: serving goes on.
    void notify(std::string_view state) const;
    std::string socket_;
};

}  // namespace caropig::server
