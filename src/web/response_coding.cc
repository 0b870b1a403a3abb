#include "web/response_coding.h"

#include "web/content_types.h"
#include <caropig/async/waiter.h>
#include <caropig/http/chars.h>
#include <caropig/http/etag.h>

#include <array>
#include <span>
#include <utility>

namespace caropig::web {
namespace {

using http::ContentCoding;

// What is coded at a time: about a millisecond.
constexpr std::size_t kPiece = std::size_t{64} * 1024;

constexpr std::array kSmallest{ContentCoding::kBrotli, ContentCoding::kZstd, ContentCoding::kGzip};
constexpr std::array kLeastMemory{ContentCoding::kGzip, ContentCoding::kZstd, ContentCoding::kBrotli};

http::CodingLevels levels_of(const CompressionOptions& options) {
    return {options.gzip_level(), options.brotli_level(), options.zstd_level()};
}

bool list_holds(const std::optional<std::string_view>& list, std::string_view token) {
    if (!list) return false;
    std::array<http::HeaderView, 1> field{{{"", *list}}};
    return http::HeadersView(field).has_token("", token);
}

}  // namespace

bool ResponseCoding::may_be_coded(const Response& response) {
    int status = response.status_;
    if (status == 204 || status == 206 || status == 304) return false;
    const http::Headers& headers = response.headers_;
    std::string_view type = response.content_type_;
    if (type.empty()) type = headers.find("Content-Type").value_or("");
    if (!is_compressible(type) || headers.find("Content-Encoding")) return false;
    const Response::Special* special = response.special_.get();
    if (special != nullptr && (special->length || special->owner || special->session)) return false;
    return !list_holds(headers.find("Cache-Control"), "no-transform");
}

ContentCoding ResponseCoding::choose(http::HeadersView request, Response& response,
                                     std::span<const ContentCoding> available) {
    auto vary = response.headers_.find("Vary");
    if (!list_holds(vary, "Accept-Encoding") && !list_holds(vary, "*")) {
        std::string both = vary ? std::string(*vary) + ", Accept-Encoding" : "Accept-Encoding";
        response.headers_.set("Vary", both);
    }
    return http::choose_coding(http::PreferenceList(request, "Accept-Encoding"), available);
}

void ResponseCoding::mark(Response& response, ContentCoding coding) {
    response.headers_.set("Content-Encoding", to_string(coding));
    response.headers_.remove("Accept-Ranges");
    auto etag = response.headers_.find("ETag");
    auto parsed = etag ? http::parse_etag(*etag) : std::nullopt;
    if (parsed && !parsed->weak) {
        std::string weak = "W/" + std::string(*etag);
        response.headers_.set("ETag", weak);
    }
}

std::unique_ptr<http::ContentEncoder> ResponseCoding::begin(const CompressionOptions& options,
                                                            http::HeadersView request, Response& response) {
    if (!may_be_coded(response)) return nullptr;
    ContentCoding coding = choose(request, response, kLeastMemory);
    if (coding == ContentCoding::kIdentity) return nullptr;
    mark(response, coding);
    return http::make_encoder(coding, levels_of(options).of(coding));
}

void ResponseCoding::announce(const CompressionOptions& options, http::HeadersView request, Response& response) {
    if (!may_be_coded(response)) return;
    ContentCoding coding = choose(request, response, kSmallest);
    if (coding != ContentCoding::kIdentity && response.body_.size() >= options.min_bytes()) mark(response, coding);
}

void ResponseCoding::apply(const CompressionOptions& options, http::HeadersView request, Response& response) {
    if (response.special_ != nullptr) {
        auto encoder = begin(options, request, response);
        if (encoder == nullptr) return;
        Response::Producer& place = response.special_->producer;
        place = [producer = std::move(place), encoder = std::move(encoder)](BodyWriter& writer) mutable {
            return produce(producer, *encoder, writer);
        };
        return;
    }
    if (!may_be_coded(response)) return;
    ContentCoding coding = choose(request, response, kSmallest);
    if (coding == ContentCoding::kIdentity || response.body_.size() < options.min_bytes()) return;
    const int level = levels_of(options).of(coding);
    if (response.body_.size() <= kPiece) {
        std::string coded = http::encode_content(coding, level, response.body_);
        if (coded.size() >= response.body_.size()) return;
        response.body_ = std::move(coded);
    } else {
        response.special_ = std::make_unique<Response::Special>();
        response.special_->producer = [body = std::move(response.body_), encoder = http::make_encoder(coding, level)](
                                          BodyWriter& writer) mutable { return write_pieces(body, *encoder, writer); };
        response.body_ = {};
    }
    mark(response, coding);
}

/// Each piece can be decoded when it arrives: who streams wants it to be seen.
Task<void> ResponseCoding::produce(Response::Producer& producer, http::ContentEncoder& encoder, BodyWriter& writer) {
    BodyWriter coded(writer, encoder);
    co_await producer(coded);
    std::string last;
    encoder.write({}, http::ContentEncoder::Flush::kFinish, last);
    co_await writer.write(last);
}

Task<void> ResponseCoding::write_pieces(const std::string& body, http::ContentEncoder& encoder, BodyWriter& writer) {
    std::string_view left = body;
    std::string coded;
    while (!left.empty()) {
        std::string_view piece = left.substr(0, kPiece);
        left.remove_prefix(piece.size());
        encoder.write(piece, left.empty() ? http::ContentEncoder::Flush::kFinish : http::ContentEncoder::Flush::kNo,
                      coded);
        if (!coded.empty()) co_await writer.write(coded);
        coded.clear();
        co_await yield();  // others have their turn
    }
}

}  // namespace caropig::web
