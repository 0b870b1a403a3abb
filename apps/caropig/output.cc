#include "caropig/output.h"

#include "caropig/fetch_failure.h"
#include <caropig/base/error.h>

#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace fetch_command {
namespace {

constexpr int kMode = 0666;  // less the umask

[[noreturn]] void fail(const std::string& what) {
    throw Failure(kWrite, what + ": " + caropig::errno_code(errno).message());
}

std::optional<std::string> value_of(std::string_view name, const Summary& summary, double seconds) {
    if (name == "http_code" || name == "response_code") return fmt::format("{:03}", summary.status);
    if (name == "url_effective") return summary.url;
    if (name == "content_type") return summary.content_type;
    if (name == "size_download") return std::to_string(summary.size);
    if (name == "time_total") return fmt::format("{:.6f}", seconds);
    return std::nullopt;
}

}  // namespace

Output::Output(const std::string& path) : name_(path), fd_(STDOUT_FILENO), owns_(!path.empty() && path != "-") {
    if (!owns_) {
        name_ = "stdout";
        return;
    }
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
    if (fd_ < 0) fail("open " + path);
}

Output::~Output() {
    if (owns_ && fd_ >= 0) ::close(fd_);
}

void Output::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) fail("write " + name_);
        if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void Output::close() {
    if (owns_ && ::close(std::exchange(fd_, -1)) != 0) fail("close " + name_);
}

std::string write_out(std::string_view format, const Summary& summary, double seconds) {
    std::string out;
    while (!format.empty()) {
        const std::string_view start = format.substr(0, 2);
        if (start == "\\n" || start == "\\t" || start == "\\r" || start == "%%") {
            out += start == "\\n" ? '\n' : start == "\\t" ? '\t' : start == "\\r" ? '\r' : '%';
            format.remove_prefix(2);
            continue;
        }
        const std::size_t end = start == "%{" ? format.find('}') : std::string_view::npos;
        if (end != std::string_view::npos) {
            if (const auto value = value_of(format.substr(2, end - 2), summary, seconds)) {
                out += *value;
                format.remove_prefix(end + 1);
                continue;
            }
        }
        out += format.front();
        format.remove_prefix(1);
    }
    return out;
}

}  // namespace fetch_command
