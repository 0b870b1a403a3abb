#pragma once

#include <functional>
#include <optional>
#include <string_view>

/// \file
/// Log lines with a level and a channel. The channels are Tornado's: "access" (one line a request), "application"
/// (what handlers say or throw) and "general" (the framework itself). Lines go through spdlog to standard error.
/// All functions may be called from any thread.
namespace caropig::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// "debug", "info", "warning" (or "warn"), "error", "off"; anything else is nothing.
std::optional<Level> parse_level(std::string_view name) noexcept;

/// Lines below `level` are dropped. The default is kInfo.
void set_level(Level level) noexcept;

/// Whether a line of `level` would be written: ask before composing one that costs something.
[[nodiscard]] bool enabled(Level level) noexcept;

/// Writes one line. Control characters of `message` are escaped: no peer can forge a line.
void write(Level level, std::string_view channel, std::string_view message);

inline void debug(std::string_view message) { write(Level::kDebug, "general", message); }
inline void info(std::string_view message) { write(Level::kInfo, "general", message); }
inline void warning(std::string_view message) { write(Level::kWarning, "general", message); }
inline void error(std::string_view message) { write(Level::kError, "general", message); }

/// Called with every line that is written, on the writing thread, under a lock.
using Sink = std::function<void(Level level, std::string_view channel, std::string_view message)>;

/// Replaces standard error as the place where lines go; an empty sink brings it back. Returns the one before.
Sink set_sink(Sink sink);

}  // namespace caropig::log
