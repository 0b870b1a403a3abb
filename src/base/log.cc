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

// Beside the rest, since every request asks for it: a constant needs no look whether it has been made.
constinit std::atomic<Level> least{Level::kInfo};

struct State {
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

/// U+0080 to U+009F, which terminals obey like escape sequences, are C2 80 to C2 9F in UTF-8.
bool is_c1_control(char first, char second) {
    return first == '\xc2' && static_cast<unsigned char>(second) >= 0x80 && static_cast<unsigned char>(second) <= 0x9f;
}

bool has_controls(std::string_view message) {
    return std::any_of(message.begin(), message.end(), is_control) ||
           std::adjacent_find(message.begin(), message.end(), is_c1_control) != message.end();
}

std::string escape_controls(std::string_view message) {
    std::string escaped;
    escaped.reserve(message.size() + 16);
    auto escape = [&escaped](char c) {
        fmt::format_to(std::back_inserter(escaped), "\\x{:02x}", static_cast<unsigned char>(c));
    };
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (is_control(message[i])) {
            escape(message[i]);
        } else if (i + 1 < message.size() && is_c1_control(message[i], message[i + 1])) {
            escape(message[i]);
            escape(message[++i]);
        } else {
            escaped.push_back(message[i]);
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

void set_level(Level level) noexcept { least.store(level, std::memory_order_relaxed); }

bool enabled(Level level) noexcept { return level >= least.load(std::memory_order_relaxed); }

void write(Level level, std::string_view channel, std::string_view message) {
    if (!enabled(level)) return;
    std::string escaped;
    if (has_controls(message)) {
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
