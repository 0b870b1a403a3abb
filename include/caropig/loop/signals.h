#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

/// \file
/// Signals as events of a loop, where handlers may do anything, unlike in a signal handler.
namespace caropig {

class Loop;

/// Calls back on the loop's thread for each arrival of a signal (SIGTERM, SIGINT, SIGHUP …), through a signalfd. The
/// signals are blocked for this thread, and for the threads that it starts afterwards, from the construction on: make
/// it before other threads, or block the signals there. When it is destroyed they are unblocked again on its thread.
class SignalWatcher {
public:
    /// `callback` gets the signal's number. Throws IoError when no descriptor is left.
    SignalWatcher(Loop& loop, std::initializer_list<int> signals, std::move_only_function<void(int)> callback);
    SignalWatcher(const SignalWatcher&) = delete;
    SignalWatcher& operator=(const SignalWatcher&) = delete;
    ~SignalWatcher();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace caropig
