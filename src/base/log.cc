#include <caropig/base/log.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace caropig::log {
namespace {

struct State {
    std::atomic<Level> level{Level::kInfo};
    std::atomic<bool> has_sink{false};
    std::mutex mutex;
    Sink sink;
    std::shared_ptr<spdlog::logger> logger;

    State()
        : logger(std::make_shared<spdlog::logger>("caropig", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
        logger->set_level(spdlog::level::trace);
        // Tornado's form: [I 261123 21:13:00 access] 200 GET /index (127.0.0.1) 0.12ms
        logger->set_pattern("%^[%L %C%m%d %H:%M:%S%$ %v");
    }
};

State& state() {
    static State instance;
    return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::kDebug:
            return spdlog::level::debug;
        case Level::kInfo:
            return spdlog::level::info;
        case Level::kWarning:
            return spdlog::level::warn;
        case Level::kError:
            return spdlog::level::err;
        case Level::kOff:
            break;
    }
    return spdlog::level::off;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string escape_controls(std::string_view message) {
    std::string escaped;
    escaped.reserve(message.size() + 16);
    for (char c : message) {
        if (is_control(c)) {
            fmt::format_to(std::back_inserter(escaped), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            escaped.push_back(c);
        }
    }
    return escaped;
}

}  // namespace

std::optional<Level> parse_level(std::string_view name) noexcept {
    if (name == "debug") return Level::kDebug;
    if (name == "info") return Level::kInfo;
    if (name == "warning" || name == "warn") return Level::kWarning;
    if (name == "error") return Level::kError;
    if (name == "off") return Level::kOff;
    return std::nullopt;
}

void set_level(Level level) noexcept { state().level.store(level, std::memory_order_relaxed); }

bool enabled(Level level) noexcept { return level >= state().level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view channel, std::string_view message) {
    if (!enabled(level)) return;
    std::string escaped;
    if (std::any_of(message.begin(), message.end(), is_control)) {
        escaped = escape_controls(message);
        message = escaped;
    }
    State& log = state();
    if (log.has_sink.load(std::memory_order_acquire)) {
        std::lock_guard lock(log.mutex);
        if (log.sink) {
            log.sink(level, channel, message);
            return;
        }
    }
    log.logger->log(to_spdlog(level), "{}] {}", channel, message);
}

Sink set_sink(Sink sink) {
    State& log = state();
    std::lock_guard lock(log.mutex);
    log.has_sink.store(static_cast<bool>(sink), std::memory_order_release);
    return std::exchange(log.sink, std::move(sink));
}

}  // namespace caropig::log
