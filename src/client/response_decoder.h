#pragma once

#include "client/response_reader.h"
#include <caropig/base/result.h>
#include <caropig/http/headers.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace caropig::http {
class ContentDecoder;
}

namespace caropig::client {

/// Undoes the Content-Encoding of a body, piece by piece, within a limit on what comes out of it. No I/O.
class ResponseDecoder {
public:
    /// Null where there is nothing to undo: no coding, one that is not gzip, br or zstd, or several in a row.
    static std::unique_ptr<ResponseDecoder> create(const http::Headers& fields, std::uint64_t limit);
    ~ResponseDecoder();

    /// Appends to `out` what comes of the beginning of `coded`, which is taken off its front: no more than 16 KiB. True
    /// when more may come, also of no more input; false once `coded` is used up.
    Result<bool, Failure> decode_some(std::string_view& coded, std::string& out);
    /// Nothing if the body may end here, else what is missing. A body of no bytes at all is one.
    Result<void, Failure> finish() const;

    /// Takes out of the head what was true of the coded body: Content-Encoding and Content-Length.
    static void clean(http::Headers& fields);

private:
    ResponseDecoder(std::string_view coding, std::unique_ptr<http::ContentDecoder> decoder, std::uint64_t limit);

    std::string coding_;
    std::unique_ptr<http::ContentDecoder> decoder_;
    std::uint64_t limit_;
    bool begun_ = false;
};

}  // namespace caropig::client
