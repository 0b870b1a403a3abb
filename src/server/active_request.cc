#include "server/active_request.h"

#include "server/connection.h"
#include "server/memory.h"
#include <caropig/base/prefetch.h>

#include <cstddef>
#include <utility>

namespace caropig::server {
namespace {
// How much of an ActiveRequest is used where it comes into use, and at the end, in bytes from its start.
constexpr std::size_t kUsedAtTheStart = 448;
constexpr std::size_t kUsedAtTheEnd = 384;
}  // namespace

ActiveRequest::HandlerTimer::HandlerTimer(ActiveRequest& owner_) noexcept
    : Timer([](Timer& self) noexcept { static_cast<HandlerTimer&>(self).owner.connection->on_handler_timeout(); }),
      owner(owner_) {}

ActiveRequest::ActiveRequest(Connection& owner) noexcept
    : TaskCompletion(
          [](TaskCompletion& self) noexcept { static_cast<ActiveRequest&>(self).connection->on_handler_done(); },
          [](const TaskCompletion& self, int step) noexcept {
              static_cast<const ActiveRequest&>(self).prefetch(step);
          }),
      connection(&owner),
      handler_timer(*this) {}

void ActiveRequest::prefetch(int step) const noexcept {
    if (step == 0) {
        detail::prefetch<sizeof(Connection)>(connection);
    } else {
        detail::prefetch<kUsedAtTheEnd>(this);
        connection->prefetch_parts();
    }
}

void ActiveRequest::prefetch_spare(const ActiveRequest& spare) noexcept { detail::prefetch<kUsedAtTheStart>(&spare); }

void ActiveRequest::prefetch_kept() const noexcept {
    constexpr std::size_t kUsualHead = 128;  // bytes, of the text of a head and of its fields' views
    detail::prefetch<kUsualHead>(head_text.data());
    detail::prefetch<kUsualHead>(fields.data());
}

void ActiveRequest::reset(std::size_t most_kept) {
    task.reset();
    cancellation.reset();
    handler_timer.disarm();
    if (cut != Cut::kNot) gone_peer.clear();
    cut = Cut::kNot;
    owned = false;  // own() writes the rest of the head anew
    head_origin = {};
    if (std::exchange(large_head, false)) release(head_text, most_kept);
    if (!current.empty() || current.capacity() > most_kept) release(current, most_kept);
    if (!incoming.empty() || incoming.capacity() > most_kept) release(incoming, most_kept);
    position = 0;
    if (body_used) reset_body();
    if (inflater_chosen) inflater.reset();
    body_done = true;
    inflater_chosen = body_timed_out = continue_sent = false;
    if (streaming != Streaming::kNo) {
        response_left = 0;
        release(pending_head, most_kept);
        written_in_a_row = 0;
    }
    streaming = Streaming::kNo;
    upgraded.reset();
}

void ActiveRequest::reset_body() noexcept {
    decoder.reset();
    body_received = 0;
    drained = 0;
    body_deadline.reset();
    body_waited = {};
    body_used = false;
}

void ActiveRequest::own(const http::h1::RequestHead& from, std::string_view text) {
    head_origin = text;
    head_text.assign(text);
    large_head = head_text.capacity() > kLargeHead;
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
