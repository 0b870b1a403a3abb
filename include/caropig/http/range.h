#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Parts of a representation (RFC 9110 section 14): what a client asks for with Range, cut to what there is.
namespace caropig::http {

/// Bytes `first` to `last`, both included: never empty.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a Range field selects.
struct RangeSelection {
    enum class Kind : unsigned char {
        kWhole,          ///< answer as if the field were not there: 200
        kPartial,        ///< `ranges` has one or more: 206
        kUnsatisfiable,  ///< all of them lie behind the end: 416
    };
    Kind kind = Kind::kWhole;
    std::vector<ByteRange> ranges;  ///< in the order in which they were asked for
};

/// Ranges that are looked at; a field with more is ignored. Players and resuming clients send one; documents that
/// load by pages a few.
inline constexpr std::size_t kMaxRanges = 16;

/// What `field`, the value of Range, selects of `size` bytes. A suffix longer than the whole, and an end behind the
/// end, are cut; ranges behind the end are dropped when there are others. The field is ignored when its unit is not
/// "bytes", when it is malformed (a last position before the first included), when it has more than kMaxRanges, when
/// it selects everything (as Tornado: some browsers don't play audio on a 206 for "bytes=0-"), and when it asks for
/// more bytes than there are: overlapping ranges must not multiply a response.
RangeSelection select_ranges(std::string_view field, std::uint64_t size);

/// "bytes 0-99/1000".
std::string content_range(const ByteRange& range, std::uint64_t size);
/// "bytes */1000", for 416.
std::string content_range_unsatisfied(std::uint64_t size);

}  // namespace caropig::http
