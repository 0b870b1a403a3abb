// Headers of the PROXY protocol: any split gives the same outcome, nothing beyond the header is consumed, and lists of
// networks never accept what they could not contain.

#include "fuzz_support.h"
#include "net/proxy_header.h"
#include <caropig/net/networks.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace {

using namespace caropig::net;

struct Outcome {
    int state = ProxyHeaderResult::kNeedMore;
    std::size_t consumed = 0;
    std::string reason;
    std::string peer;

    bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view text) {
    const caropig::fuzz::ExactCopy copy(text);
    const ProxyHeaderResult result = parse_proxy_header(copy.view());
    Outcome outcome;
    outcome.state = result.state;
    outcome.consumed = result.consumed;
    outcome.reason = result.reason;
    FUZZ_CHECK(result.consumed <= std::min(text.size(), kMaxProxyHeaderBytes));
    FUZZ_CHECK((result.state == ProxyHeaderResult::kDone) == (result.consumed != 0));
    FUZZ_CHECK((result.state == ProxyHeaderResult::kError) == !result.reason.empty());
    FUZZ_CHECK((result.peer.kind == ProxiedPeer::Kind::kAddress) == result.peer.source.has_value());
    if (result.state == ProxyHeaderResult::kNeedMore) FUZZ_CHECK(text.size() < kMaxProxyHeaderBytes);
    if (result.peer.source) outcome.peer = result.peer.source->to_string();
    return outcome;
}

Outcome parse_in_steps(std::string_view text, std::size_t step) {
    for (std::size_t size = 0; size < text.size(); size += step) {
        Outcome outcome = parse(text.substr(0, size));
        if (outcome.state != ProxyHeaderResult::kNeedMore) return outcome;
    }
    return parse(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = parse(text);
    FUZZ_CHECK(parse_in_steps(text, data[0] % 32U + 1) == whole);
    if (size < 256) FUZZ_CHECK(parse_in_steps(text, 1) == whole);
    if (!whole.peer.empty()) {
        const auto alone = Networks::parse(ip_of_peer(whole.peer));
        if (alone) FUZZ_CHECK(alone->contains_peer(whole.peer));
    }
    if (const auto networks = Networks::parse(text)) FUZZ_CHECK(networks->empty() || !networks->contains_peer("pipe"));
    return 0;
}
