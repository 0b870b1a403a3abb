#include "server/active_request.h"

#include "server/connection.h"
#include "server/memory.h"

namespace caropig::server {
namespace {
constexpr std::size_t kKeptBytes = std::size_t{16} * 1024;
}  // namespace

ActiveRequest::HandlerTimer::HandlerTimer(ActiveRequest& owner_) noexcept
    : Timer([](Timer& self) noexcept { static_cast<HandlerTimer&>(self).owner.connection->on_handler_timeout(); }),
      owner(owner_) {}

ActiveRequest::ActiveRequest(Connection& owner) noexcept
    : TaskCompletion(
          [](TaskCompletion& self) noexcept { static_cast<ActiveRequest&>(self).connection->on_handler_done(); }),
      connection(&owner),
      handler_timer(*this) {}

void ActiveRequest::reset() {
    task.reset();
    cancellation.reset();
    handler_timer.disarm();
    cut = Cut::kNot;
    gone_peer.clear();
    fields.clear();
    release(head_text, kKeptBytes);
    head_origin = {};
    owned = false;
    decoder.reset();
    release(current, kKeptBytes);
    position = 0;
    release(incoming, kKeptBytes);
    body_limit = 0;
    inflater.reset();
    inflater_chosen = false;
    inflated_limit = 0;
    body_received = 0;
    drained = 0;
    body_done = true;
    body_deadline.reset();
    body_waited = {};
    body_timed_out = false;
    continue_sent = false;
    body_arrived.clear();
    sent.clear();
    streaming = Streaming::kNo;
    response_left = 0;
    release(pending_head, kKeptBytes);
    written_in_a_row = 0;
    upgraded.reset();
}

void ActiveRequest::own(const http::h1::RequestHead& from, std::string_view text) {
    head_origin = text;
    head_text.assign(text);
    owned = true;
    head = from;
    head.method_text = moved(from.method_text);
    head.target = moved(from.target);
    head.host = moved(from.host);
    fields.clear();
    fields.reserve(from.fields.size());
    for (const http::HeaderView& field : from.fields) fields.push_back({moved(field.name), moved(field.value)});
    head.fields = http::HeadersView(fields);
}

std::string_view ActiveRequest::moved(std::string_view view) const noexcept {
    if (view.data() < head_origin.data() || view.data() > head_origin.data() + head_origin.size()) return view;
    return {head_text.data() + (view.data() - head_origin.data()), view.size()};
}

}  // namespace caropig::server
