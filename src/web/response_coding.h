#pragma once

#include "http/content_coding.h"
#include <caropig/async/task.h>
#include <caropig/http/headers.h>
#include <caropig/web/compression.h>
#include <caropig/web/response.h>

#include <memory>
#include <span>
#include <string>

namespace caropig::web {

/// Compresses responses of an application that asked for it.
class ResponseCoding {
public:
    /// Codes the body, or has the producer's pieces coded as they come, where the options and the client want it; in
    /// any case says what the response depends on. A large body becomes a stream, so that no loop is held up.
    static void apply(const CompressionOptions& options, http::HeadersView request, Response& response);

    /// The same for a response whose pieces the caller sends: what codes them, or null.
    static std::unique_ptr<http::ContentEncoder> begin(const CompressionOptions& options, http::HeadersView request,
                                                       Response& response);

    /// As apply(), for a response that will be sent without its body (304): the fields that depend on the coding.
    static void announce(const CompressionOptions& options, http::HeadersView request, Response& response);

private:
    static bool may_be_coded(const Response& response);
    static http::ContentCoding choose(http::HeadersView request, Response& response,
                                      std::span<const http::ContentCoding> available);
    static void mark(Response& response, http::ContentCoding coding);
    static Task<void> produce(Response::Producer& producer, http::ContentEncoder& encoder, BodyWriter& writer);
    static Task<void> write_pieces(const std::string& body, http::ContentEncoder& encoder, BodyWriter& writer);
};

}  // namespace caropig::web
