#include "server/activity.h"

#include "server/connection.h"
#include "server/memory.h"

namespace caropig::server {
namespace {

http::h1::HeadLimits head_limits(const ServerOptions& options) {
    http::h1::HeadLimits limits;
    limits.max_bytes = options.max_head_bytes();
    limits.max_fields = options.max_fields();
    limits.max_target = options.max_target_bytes();
    return limits;
}

}  // namespace

Activity::Hangup::Hangup(Activity& activity) noexcept
    : HangupOperation([](Operation& self) noexcept { static_cast<Hangup&>(self).owner.connection->on_hangup(); }),
      owner(activity) {}

Activity::Turn::Turn(Activity& activity) noexcept
    : ReadyNode([](ReadyNode& self) noexcept { static_cast<Turn&>(self).owner.connection->on_turn(); }),
      owner(activity) {}

Activity::Activity(Loop& loop, const ServerOptions& options, const http::h1::RequestHead& at_once,
                   std::string& cork) noexcept
    : head(&at_once), output(loop, options, cork), parser(head_limits(options)) {}

void Activity::reset() noexcept {
    turn.unlink();
    parser.reset();
    release(input);
    input_start = 0;
    unparsed = head_text = {};
    output.reset();
    lingered = 0;
    keep_alive = true;
    processing = in_input = rest_taken = linger = false;
}

}  // namespace caropig::server
