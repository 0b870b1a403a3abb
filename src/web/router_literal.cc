#include "web/router_literal.h"

#include <utility>

namespace caropig::web::detail {

LiteralPaths::LiteralPaths() : slots_(16), mask_(slots_.size() - 1) {}

void LiteralPaths::insert(std::string_view path, std::uint32_t route) {
    if ((count_ + 1) * 2 > slots_.size()) {
        std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
        mask_ = slots_.size() - 1;
        for (Slot& slot : old) {
            if (slot.route != SegmentTrie::kNoRoute) place(std::move(slot));
        }
    }
    place({.hash = hash_of(0, path), .route = route, .path = std::string(path)});
    ++count_;
    sizes_ |= size_bit(path);
}

void LiteralPaths::place(Slot slot) noexcept {
    std::size_t at = slot.hash & mask_;
    while (slots_[at].route != SegmentTrie::kNoRoute) at = (at + 1) & mask_;
    slots_[at] = std::move(slot);
}

}  // namespace caropig::web::detail
