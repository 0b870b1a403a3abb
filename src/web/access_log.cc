#include "web/access_log.h"

#include <caropig/loop/loop.h>
#include <caropig/server/service.h>

#include <fmt/format.h>

namespace caropig::web {

void write_access(const server::Exchange& exchange, int status, log::Level level) {
    std::int64_t nanoseconds = exchange.loop().clock().now().time_since_epoch().count() - exchange.started();
    log::write(level, "access",
               fmt::format("{} {} {} ({}) {:.2f}ms", status, exchange.method_text(), exchange.target(),
                           exchange.client().ip, static_cast<double>(nanoseconds) / 1e6));
}

}  // namespace caropig::web
