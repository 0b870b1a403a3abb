#pragma once

#include <caropig/async/executor.h>

namespace caropig::detail {

/// Has the cache fetch what the coroutines touch that `next` is going to resume.
///
/// Requests wait by the thousand, and by the time that one goes on nothing of it is in the cache any more: not its
/// frames, of which each is known by the one that it resumes only, nor what the last of them belongs to. Going through
/// such a chain is a wait for memory at every step. Here some chains are gone through side by side, which wait
/// together.
///
/// Only memory that is alive is read: a frame lives until what it awaits has ended, a TaskCompletion as long as its
/// task.
void look_ahead(ReadyQueue::Next next) noexcept;

}  // namespace caropig::detail
