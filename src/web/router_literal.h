#pragma once

#include "base/short_text.h"
#include "web/router_hash.h"
#include "web/router_trie.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Most paths that a service is asked for have no parameter in them. Each is found here by one look-up, without
/// going through its segments.
namespace caropig::web::detail {

class LiteralPaths {
public:
    LiteralPaths();

    /// Adds a path that is not there yet.
    void insert(std::string_view path, std::uint32_t route);

    /// The route of `path`, or SegmentTrie::kNoRoute.
    [[nodiscard]] std::uint32_t find(std::string_view path) const noexcept {
        if ((sizes_ & size_bit(path)) == 0) return SegmentTrie::kNoRoute;
        const std::uint32_t hash = hash_of(0, path);
        for (std::size_t at = hash & mask_; slots_[at].route != SegmentTrie::kNoRoute; at = (at + 1) & mask_) {
            if (slots_[at].hash == hash && same_text(slots_[at].path, path)) return slots_[at].route;
        }
        return SegmentTrie::kNoRoute;
    }

private:
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t route = SegmentTrie::kNoRoute;  // of a free one
        std::string path;
    };

    static std::uint64_t size_bit(std::string_view path) noexcept {
        constexpr std::size_t kLast = 63;  // for all that are longer
        return std::uint64_t{1} << std::min(path.size(), kLast);
    }
    void place(Slot slot) noexcept;

    std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
    std::size_t mask_;         // slots_.size() - 1
    std::size_t count_ = 0;
    std::uint64_t sizes_ = 0;  // a bit for each size that a path has: most others cost no look-up
};

}  // namespace caropig::web::detail
