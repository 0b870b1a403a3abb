#pragma once

#include <caropig/base/log.h>

#include <mutex>
#include <string>
#include <vector>

namespace caropig::support {

/// Catches log lines for its lifetime.
class CapturedLog {
public:
    CapturedLog()
        : before_(log::set_sink([this](log::Level, std::string_view channel, std::string_view message) {
              std::lock_guard lock(mutex_);
              lines_.push_back(std::string(channel) + ": " + std::string(message));
          })) {}
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;
    ~CapturedLog() { log::set_sink(std::move(before_)); }

    [[nodiscard]] std::vector<std::string> lines() const {
        std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    log::Sink before_;
};

}  // namespace caropig::support
