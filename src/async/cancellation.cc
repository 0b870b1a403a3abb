#include <caropig/async/cancellation.h>

namespace caropig {

void CancellationCallback::register_with(CancellationSource* source) noexcept {
    if (source == nullptr || source->requested_) return;
    CancellationCallback& end = source->callbacks_;
    previous_ = end.previous_;
    next_ = &end;
    end.previous_->next_ = this;
    end.previous_ = this;
}

CancellationSource::ParentLink::ParentLink(CancellationSource& owner_) noexcept
    : CancellationCallback([](CancellationCallback& self) noexcept { static_cast<ParentLink&>(self).owner.request(); }),
      owner(owner_) {}

CancellationSource::CancellationSource(CancellationSource* parent) noexcept : parent_link_(*this) {
    callbacks_.next_ = callbacks_.previous_ = &callbacks_;
    if (parent == nullptr) return;
    requested_ = parent->requested();
    parent_link_.register_with(parent);
}

CancellationSource::~CancellationSource() {
    while (callbacks_.next_ != &callbacks_) callbacks_.next_->unregister();
    callbacks_.next_ = callbacks_.previous_ = nullptr;
}

void CancellationSource::request() noexcept {
    if (requested_) return;
    requested_ = true;
    while (callbacks_.next_ != &callbacks_) {
        CancellationCallback& callback = *callbacks_.next_;
        callback.unregister();
        callback.invoke_(callback);
    }
}

}  // namespace caropig
