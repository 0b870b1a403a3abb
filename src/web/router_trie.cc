#include "web/router_trie.h"

#include "web/router_hash.h"

#include <algorithm>
#include <utility>

namespace caropig::web::detail {
/// A parameter on the way to a node, and those before it: the walk's stack holds them.
struct SegmentTrie::Capture {
    std::string_view value;
    const Capture* previous = nullptr;
    std::size_t count = 1;  // with those before it
};

/// One walk through the tree. A subtree without a route below the best one found so far is left out.
class SegmentTrie::Search {
public:
    Search(const SegmentTrie& trie, std::string_view path, std::span<std::string_view> best_values) noexcept
        : trie_(trie), path_(path), best_values_(best_values) {}

    /// `start` is where the next segment begins; past the end of the path once all of it is used up. The depth of
    /// this recursion is that of the deepest pattern, however deep the path.
    void visit(std::uint32_t index, std::size_t start, const Capture* last) noexcept {
        const Node& node = trie_.nodes_[index];
        if (start > path_.size()) {
            if (node.route < best_) found(node.route, last);
            return;
        }
        const std::size_t end = std::min(path_.find('/', start), path_.size());
        const std::string_view segment = path_.substr(start, end - start);
        if (node.has_literal_children) {
            const std::uint32_t child = trie_.find_literal(index, segment);
            if (child != 0 && trie_.nodes_[child].lowest < best_) visit(child, end + 1, last);
        }
        for (const ParameterEdge& edge : node.parameters) {
            if (trie_.nodes_[edge.child].lowest >= best_) continue;
            std::string_view value = segment;
            if (edge.has_text) {
                if (value.size() < edge.prefix.size() + edge.suffix.size()) continue;
                if (!value.starts_with(edge.prefix) || !value.ends_with(edge.suffix)) continue;
                value.remove_prefix(edge.prefix.size());
                value.remove_suffix(edge.suffix.size());
            }
            if (edge.type == ParameterType::kString ? value.empty() : !fits(edge.type, value)) continue;
            const Capture capture = after(last, value);
            visit(edge.child, end + 1, &capture);
        }
        for (const TailEdge& edge : node.tails) {
            const std::string_view rest = path_.substr(start);
            if (edge.route >= best_ || !rest.starts_with(edge.prefix)) continue;
            const Capture capture = after(last, rest.substr(edge.prefix.size()));
            found(edge.route, &capture);
        }
    }

    [[nodiscard]] std::uint32_t best() const noexcept { return best_; }

private:
    static Capture after(const Capture* last, std::string_view value) noexcept {
        return {.value = value, .previous = last, .count = last == nullptr ? 1 : last->count + 1};
    }

    void found(std::uint32_t route, const Capture* last) noexcept {
        best_ = route;
        for (const Capture* at = last; at != nullptr; at = at->previous) best_values_[at->count - 1] = at->value;
    }

    const SegmentTrie& trie_;
    std::string_view path_;
    std::span<std::string_view> best_values_;
    std::uint32_t best_ = kNoRoute;
};

SegmentTrie::SegmentTrie() : nodes_(1), slots_(16) {}

void SegmentTrie::insert(std::span<const Segment> segments, std::uint32_t route) {
    std::uint32_t node = 0;
    nodes_[node].lowest = std::min(nodes_[node].lowest, route);
    for (const Segment& segment : segments) {
        if (segment.type == ParameterType::kPath) {
            nodes_[node].tails.push_back({.prefix = segment.prefix, .route = route});
            return;
        }
        node =
            segment.type == ParameterType::kNone ? literal_child(node, segment.prefix) : parameter_child(node, segment);
        nodes_[node].lowest = std::min(nodes_[node].lowest, route);
    }
    nodes_[node].route = std::min(nodes_[node].route, route);
}

std::uint32_t SegmentTrie::find(std::string_view path, std::span<std::string_view> values) const noexcept {
    if (!path.starts_with('/')) return kNoRoute;
    Search search(*this, path, values);
    search.visit(0, 1, nullptr);
    return search.best();
}

std::uint32_t SegmentTrie::find_literal(std::uint32_t parent, std::string_view text) const noexcept {
    const std::uint32_t hash = hash_of(parent, text);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].node != 0; at = (at + 1) & mask) {
        if (slots_[at].hash != hash) continue;
        const Node& node = nodes_[slots_[at].node];
        if (node.parent == parent && node.text == text) return slots_[at].node;
    }
    return 0;
}

std::uint32_t SegmentTrie::literal_child(std::uint32_t parent, std::string_view text) {
    if (const std::uint32_t known = find_literal(parent, text); known != 0) return known;
    const std::uint32_t child = new_node(parent, text);
    nodes_[parent].has_literal_children = true;
    ++literal_edges_;
    if (literal_edges_ * 2 > slots_.size()) {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
        for (const Slot slot : old) {
            if (slot.node != 0) place(slot);
        }
    }
    place({.hash = hash_of(parent, text), .node = child});
    return child;
}

std::uint32_t SegmentTrie::parameter_child(std::uint32_t parent, const Segment& segment) {
    for (const ParameterEdge& edge : nodes_[parent].parameters) {
        if (edge.type == segment.type && edge.prefix == segment.prefix && edge.suffix == segment.suffix) {
            return edge.child;
        }
    }
    const std::uint32_t child = new_node(parent, {});
    nodes_[parent].parameters.push_back({.type = segment.type,
                                         .prefix = segment.prefix,
                                         .suffix = segment.suffix,
                                         .has_text = !segment.prefix.empty() || !segment.suffix.empty(),
                                         .child = child});
    return child;
}

std::uint32_t SegmentTrie::new_node(std::uint32_t parent, std::string_view text) {
    nodes_.emplace_back();
    nodes_.back().parent = parent;
    nodes_.back().text = text;
    return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void SegmentTrie::place(Slot slot) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = slot.hash & mask;
    while (slots_[at].node != 0) at = (at + 1) & mask;
    slots_[at] = slot;
}

}  // namespace caropig::web::detail
