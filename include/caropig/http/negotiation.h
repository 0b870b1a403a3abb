#pragma once

#include <caropig/http/headers.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// \file
/// What a client would rather have (RFC 9110 12.4 and 12.5): lists whose elements carry a weight, and the choice of a
/// content coding by one.
namespace caropig::http {

/// An element of Accept, Accept-Encoding or Accept-Language.
struct Preference {
    std::string_view value;    ///< what stands before the parameters: "gzip", "text/html", "*"
    std::uint16_t weight = 0;  ///< thousandths: "q=0.5" is 500, without q it is 1000; 0 means "not acceptable"

    friend bool operator==(const Preference&, const Preference&) = default;
};

/// A list of preferences in the order in which they were sent. Views into the field. Reading takes linear time and no
/// memory: elements beyond kMaxItems are not looked at, and those that are not well formed are left out, so that a
/// mistake in one costs the client that one.
class PreferenceList {
public:
    /// Browsers send up to five; a list that is longer than this was written to keep a server busy.
    static constexpr std::size_t kMaxItems = 32;

    PreferenceList() noexcept = default;
    explicit PreferenceList(std::string_view field) noexcept { read(field); }
    /// Of all fields of that name together (RFC 9110 5.3).
    PreferenceList(HeadersView fields, std::string_view name) noexcept;

    [[nodiscard]] const Preference* begin() const noexcept { return items_.data(); }
    [[nodiscard]] const Preference* end() const noexcept { return items_.data() + size_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The weight of `value`, compared without case: its own, else that of "*", else nothing.
    [[nodiscard]] std::optional<unsigned> weight(std::string_view value) const noexcept;

private:
    void read(std::string_view field) noexcept;

    std::array<Preference, kMaxItems> items_;
    std::size_t size_ = 0;
    std::size_t seen_ = 0;  // with those left out
};

/// How a body may be coded (RFC 9110 8.4.1, RFC 7932, RFC 8878).
enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kBrotli, kZstd };

/// "identity", "gzip", "br", "zstd".
std::string_view to_string(ContentCoding coding) noexcept;

/// The coding of that name, without case; "x-gzip" is gzip. Nothing for one that is not known here.
std::optional<ContentCoding> parse_content_coding(std::string_view name) noexcept;

/// The best of `available` for a client with this Accept-Encoding: the one of the greatest weight, and among equals the
/// first. kIdentity when none is acceptable, also where the client refuses that too: a body that it can read after all
/// is worth more than an error (RFC 9110 12.5.3 leaves the choice). Without the field nothing is coded.
ContentCoding choose_coding(const PreferenceList& accepted, std::span<const ContentCoding> available) noexcept;

}  // namespace caropig::http
