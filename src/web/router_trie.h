#pragma once

#include "web/router_pattern.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// All patterns made of segments as one tree, so that a path is compared with hundreds of them at once and still the
/// one that was added first is found. A node of the tree is visited at most once for a path, whatever the path is.
namespace caropig::web::detail {

class SegmentTrie {
public:
    static constexpr std::uint32_t kNoRoute = std::numeric_limits<std::uint32_t>::max();

    SegmentTrie();

    /// Adds a route; of routes that match the same path, the one added first is found.
    void insert(std::span<const Segment> segments, std::uint32_t route);

    /// Finds the lowest route that matches `path`, or kNoRoute, and writes its parameters, still encoded, to
    /// `values`, which has room for those of any route.
    std::uint32_t find(std::string_view path, std::span<std::string_view> values) const noexcept;

private:
    struct Capture;
    class Search;

    struct ParameterEdge {
        ParameterType type;
        std::string prefix;
        std::string suffix;
        bool has_text;  // there is a prefix or a suffix
        std::uint32_t child;
    };
    struct TailEdge {
        std::string prefix;
        std::uint32_t route;
    };
    struct Node {
        std::uint32_t parent = 0;
        std::string text;                 // the literal segment that leads here from the parent
        std::uint32_t route = kNoRoute;   // the first route that ends here
        std::uint32_t lowest = kNoRoute;  // the first route that ends here or below
        bool has_literal_children = false;
        std::vector<ParameterEdge> parameters;
        std::vector<TailEdge> tails;
    };
    /// One place of the hash table of literal edges; node 0 is the root, to which no edge leads: it marks free ones.
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t node = 0;
    };

    std::uint32_t find_literal(std::uint32_t parent, std::string_view text) const noexcept;
    std::uint32_t literal_child(std::uint32_t parent, std::string_view text);
    std::uint32_t parameter_child(std::uint32_t parent, const Segment& segment);
    std::uint32_t new_node(std::uint32_t parent, std::string_view text);
    void place(Slot slot) noexcept;

    std::vector<Node> nodes_;
    std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
    std::size_t literal_edges_ = 0;
};

}  // namespace caropig::web::detail
