#pragma once

#include <caropig/base/result.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// multipart/form-data (RFC 7578, RFC 2046 5.1): how browsers send files. Such a body may be larger than any memory and
/// comes in pieces that end anywhere, also in the middle of a boundary; and its sender may be hostile. So this parser
/// takes the pieces as they come, keeps no byte of a part's body, and takes time linear in what it is given.
namespace caropig::http {

/// What a sender may use up. Set what differs: `MultipartLimits().max_parts(10)`.
class MultipartLimits {
public:
    /// Parts of a body; more is 413. As Tornado's.
    MultipartLimits& max_parts(std::size_t count) {
        max_parts_ = count;
        return *this;
    }
    /// Bytes of a part's header with the empty line that ends it; more is 413. As Tornado's 10 KB.
    MultipartLimits& max_header_bytes(std::size_t bytes) {
        max_header_bytes_ = bytes;
        return *this;
    }
    /// Fields of a part's header; more is 413. Browsers send two.
    MultipartLimits& max_header_fields(std::size_t count) {
        max_header_fields_ = count;
        return *this;
    }
    /// Bytes of a part's name; more is 413. No form that people write has names of a kilobyte.
    MultipartLimits& max_name_bytes(std::size_t bytes) {
        max_name_bytes_ = bytes;
        return *this;
    }

    [[nodiscard]] std::size_t max_parts() const noexcept { return max_parts_; }
    [[nodiscard]] std::size_t max_header_bytes() const noexcept { return max_header_bytes_; }
    [[nodiscard]] std::size_t max_header_fields() const noexcept { return max_header_fields_; }
    [[nodiscard]] std::size_t max_name_bytes() const noexcept { return max_name_bytes_; }

private:
    std::size_t max_parts_ = 100;
    std::size_t max_header_bytes_ = std::size_t{10} * 1024;
    std::size_t max_header_fields_ = 16;
    std::size_t max_name_bytes_ = 1024;
};

/// Why a body was refused: 400 for what breaks the rules, 413 for what is beyond a limit. The reason is one line.
struct MultipartError {
    int status = 400;
    const char* reason = "";
};

/// The header of a part.
struct MultipartPart {
    std::string name;                      ///< never empty, UTF-8
    std::optional<std::string> file_name;  ///< UTF-8, as sent: see safe_file_name(). "" where no file was chosen
    std::string content_type;              ///< as sent; empty where there is none
};

/// Takes a multipart/form-data body apart, piece by piece. It allocates for its boundary and the header of the part at
/// hand, within the limits. Used on one thread at a time.
///
/// Strict where readers could differ: lines end with CRLF; a boundary is followed by white space and CRLF or by "--",
/// nothing else; no folded field lines; a part has one Content-Disposition, which is form-data and has a name; no part
/// is encoded (Content-Transfer-Encoding, RFC 7578 4.7), and none but a file holds parts of its own (RFC 7578 4.3).
/// What stands before the first boundary and behind the last is ignored (RFC 2046 5.1.1). No part at all is allowed:
/// browsers send that for an empty form.
class MultipartParser {
public:
    enum class Event : std::uint8_t {
        kNeedMore,  ///< everything was consumed; give the next bytes
        kPart,      ///< a part begins: part()
        kData,      ///< bytes of its body: data, not empty
        kPartEnd,   ///< it has ended
        kEnd,       ///< so has the form: done(). What may still come is ignored
        kError,     ///< error(); nothing more is parsed
    };
    struct Step {
        Event event = Event::kNeedMore;
        std::size_t consumed = 0;
        /// Views the input, or the parser itself where the beginning of a boundary turned out to be none. Valid until
        /// the next call. Of a part whose body lies in one input, all of it comes in one step.
        std::string_view data;
    };

    /// A parser for bodies with that boundary, unquoted (see parse_content_type()). An error 400 where it is no
    /// boundary: 1 to 70 characters of RFC 2046's grammar.
    static Result<MultipartParser, MultipartError> create(std::string_view boundary,
                                                          const MultipartLimits& limits = {});

    /// Goes on until the next event. Call it again with what the step did not consume, until it needs more. Never
    /// kNeedMore with bytes left.
    Step next(std::string_view input);

    /// The part at hand, from its kPart on until the next one's.
    [[nodiscard]] const MultipartPart& part() const noexcept { return part_; }
    /// Whether the last boundary has been seen. A body that ends before is cut off.
    [[nodiscard]] bool done() const noexcept { return state_ == State::kEpilogue; }
    [[nodiscard]] const MultipartError& error() const noexcept { return error_; }

private:
    enum class State : std::uint8_t {
        kPreamble,       // before the first boundary
        kBody,           // in a part's body
        kAfterBoundary,  // the boundary was read: "-" or the end of its line follows
        kLastDash,       // the first of the last boundary's two dashes was read
        kPadding,        // white space behind a boundary
        kLineFeed,       // its CR was read
        kHeader,         // in a part's header
        kEpilogue,
        kFailed,
    };

    MultipartParser(std::string_view boundary, const MultipartLimits& limits);
    Step scan(std::string_view input);
    Step after_boundary(std::string_view input);
    Step read_header(std::string_view input);
    [[nodiscard]] std::optional<MultipartError> parse_header();
    Step fail(int status, const char* reason) noexcept;

    std::string delimiter_;  // CRLF "--" boundary
    MultipartLimits limits_;
    State state_ = State::kPreamble;
    // How much of the delimiter has been matched, and how much of that are bytes that were consumed. The start of the
    // body, and of each part's, counts as the start of a line: its CRLF is matched but was never there.
    std::size_t matched_ = 2;
    std::size_t held_ = 0;
    std::size_t parts_ = 0;
    std::string header_;  // of the part that begins
    MultipartPart part_;
    MultipartError error_;
};

}  // namespace caropig::http
