// Preferences, entity tags and ranges: whatever a client sends, what is read of it keeps its bounds.

#include "fuzz_support.h"
#include <caropig/http/etag.h>
#include <caropig/http/negotiation.h>
#include <caropig/http/preconditions.h>
#include <caropig/http/range.h>

#include <array>
#include <cstddef>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace caropig::http;
    const caropig::fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    const std::string_view text = copy.view();

    const PreferenceList accepted(text);
    FUZZ_CHECK(accepted.size() <= PreferenceList::kMaxItems);
    for (const Preference& each : accepted) FUZZ_CHECK(!each.value.empty() && each.weight <= 1000);
    constexpr ContentCoding kAvailable[] = {ContentCoding::kBrotli, ContentCoding::kGzip};
    const ContentCoding chosen = choose_coding(accepted, kAvailable);
    FUZZ_CHECK(chosen != ContentCoding::kZstd);
    if (chosen == ContentCoding::kBrotli) FUZZ_CHECK(accepted.weight("br").value_or(0) > 0);

    if (const auto tag = parse_etag(text)) {
        FUZZ_CHECK(tag->opaque.size() >= 2 && tag->opaque.size() + (tag->weak ? 2 : 0) == text.size());
        const std::array<HeaderView, 1> list{{{"If-None-Match", text}}};
        FUZZ_CHECK(etag_list_matches(HeadersView(list), "If-None-Match", tag, ETagComparison::kWeak));
    }
    const std::array<HeaderView, 6> fields{{{"If-Match", text},
                                            {"If-None-Match", text},
                                            {"If-Modified-Since", text},
                                            {"If-Unmodified-Since", text},
                                            {"Range", text},
                                            {"If-Range", text}}};
    const Validators current{"\"a\"", 0};
    (void)check_preconditions(Method::kGet, HeadersView(fields), current);
    (void)range_is_wanted(Method::kGet, HeadersView(fields), current, 1);

    for (const std::uint64_t whole : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
        const RangeSelection selection = select_ranges(text, whole);
        FUZZ_CHECK((selection.kind == RangeSelection::Kind::kPartial) == !selection.ranges.empty());
        FUZZ_CHECK(selection.ranges.size() <= kMaxRanges);
        std::uint64_t left = whole;
        for (const ByteRange& range : selection.ranges) {
            FUZZ_CHECK(range.first <= range.last && range.last < whole && range.size() <= left);
            left -= range.size();
        }
    }
    return 0;
}
