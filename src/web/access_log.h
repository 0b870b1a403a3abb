#pragma once

namespace caropig::server {
class Exchange;
}

namespace caropig::web {

/// One line a request, in Tornado's form: "200 GET /index (127.0.0.1) 0.12ms"; from 400 on a warning, from 500 an
/// error.
void log_access(const server::Exchange& exchange, int status);

}  // namespace caropig::web
