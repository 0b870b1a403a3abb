#pragma once

#include <caropig/client/resilience_options.h>
#include <caropig/loop/clock.h>

#include <cstdint>
#include <utility>

namespace caropig::client {

/// Leaves a server alone that has failed too often. No I/O, no clock of its own.
///
///     state      try() gives              becomes
///     closed     a permit                 open: after so many failures in a row
///     open       none                     half open: when its time has passed
///     half open  so many permits          closed: when all of those succeeded; open: when one failed
class CircuitBreaker {
public:
    enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

    explicit CircuitBreaker(const ResilienceOptions& options) noexcept
        : most_failures_(options.breaker_failures()),
          most_probes_(options.breaker_probes()),
          open_for_(options.breaker_open_for()) {}
    CircuitBreaker(const CircuitBreaker&) = delete;
    CircuitBreaker& operator=(const CircuitBreaker&) = delete;

    /// One try. Say how it ended; one that is destroyed without makes room for another. What was permitted in an
    /// earlier state no longer counts. The breaker must outlive it.
    class Permit {
    public:
        Permit() noexcept = default;
        Permit(Permit&& other) noexcept
            : breaker_(std::exchange(other.breaker_, nullptr)), generation_(other.generation_) {}
        Permit& operator=(Permit&&) = delete;
        ~Permit() {
            if (counts()) breaker_->dropped();
        }
        explicit operator bool() const noexcept { return breaker_ != nullptr; }
        /// True: that has closed the breaker.
        bool succeeded() noexcept { return counts() && std::exchange(breaker_, nullptr)->succeeded(); }
        /// True: that has opened the breaker.
        bool failed(TimePoint now) noexcept { return counts() && std::exchange(breaker_, nullptr)->failed(now); }

    private:
        friend class CircuitBreaker;
        Permit(CircuitBreaker& breaker, unsigned generation) noexcept : breaker_(&breaker), generation_(generation) {}
        [[nodiscard]] bool counts() const noexcept {
            return breaker_ != nullptr && breaker_->generation_ == generation_;
        }
        CircuitBreaker* breaker_ = nullptr;
        unsigned generation_ = 0;
    };

    /// An empty permit is a refusal.
    [[nodiscard]] Permit try_at(TimePoint now) noexcept;

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] int failures() const noexcept { return failures_; }
    /// Closed, and nothing has failed since the last success: as a new one.
    [[nodiscard]] bool at_rest() const noexcept { return state_ == State::kClosed && failures_ == 0; }

private:
    void become(State state) noexcept;
    void dropped() noexcept;
    bool succeeded() noexcept;
    bool failed(TimePoint now) noexcept;

    int most_failures_;
    int most_probes_;
    Duration open_for_;
    State state_ = State::kClosed;
    int failures_ = 0;  // in a row
    int probes_ = 0;    // running, or ended well
    int passed_ = 0;    // ended well
    TimePoint until_{};
    unsigned generation_ = 0;  // of the state
};

}  // namespace caropig::client
