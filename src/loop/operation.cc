#include "loop/backend.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

namespace caropig {

void Operation::run(ReadyNode& node) noexcept {
    auto& operation = static_cast<Operation&>(node);
    if (operation.state_ == State::kRetrying) {
        operation.state_ = State::kWaiting;
        Loop::current().backend().retry(operation);
    } else {
        operation.complete(operation.result);
    }
}

}  // namespace caropig
