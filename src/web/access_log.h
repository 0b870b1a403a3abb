#pragma once

#include <caropig/base/log.h>

namespace caropig::server {
class Exchange;
}

namespace caropig::web {

/// Writes a line in Tornado's form, "200 GET /index (127.0.0.1) 0.12ms".
void write_access(const server::Exchange& exchange, int status, log::Level level);

/// One such line a request, where it is wanted; from 400 on a warning, from 500 an error.
inline void log_access(const server::Exchange& exchange, int status) {
    const log::Level level = status < 400   ? log::Level::kInfo
                             : status < 500 ? log::Level::kWarning
                                            : log::Level::kError;
    if (log::enabled(level)) write_access(exchange, status, level);
}

}  // namespace caropig::web
