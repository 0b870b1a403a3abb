#include "client/circuit_breaker.h"

namespace caropig::client {

CircuitBreaker::Permit CircuitBreaker::try_at(TimePoint now) noexcept {
    if (state_ == State::kOpen && now >= until_) become(State::kHalfOpen);
    if (state_ == State::kOpen) return {};
    if (state_ == State::kHalfOpen) {
        if (probes_ == most_probes_) return {};
        ++probes_;
    }
    return {*this, generation_};
}

void CircuitBreaker::become(State state) noexcept {
    state_ = state;
    probes_ = passed_ = 0;
    ++generation_;
}

void CircuitBreaker::dropped() noexcept {
    if (state_ == State::kHalfOpen) --probes_;
}

bool CircuitBreaker::succeeded() noexcept {
    if (state_ == State::kHalfOpen && ++passed_ < most_probes_) return false;
    failures_ = 0;
    if (state_ == State::kClosed) return false;
    become(State::kClosed);
    return true;
}

bool CircuitBreaker::failed(TimePoint now) noexcept {
    if (most_failures_ == 0) return false;
    if (failures_ < most_failures_) ++failures_;
    if (state_ == State::kClosed && failures_ < most_failures_) return false;
    until_ = now + open_for_;
    become(State::kOpen);
    return true;
}

}  // namespace caropig::client
