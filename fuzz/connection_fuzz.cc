// A whole connection: what a client is answered does not depend on how its bytes were cut, and whatever it sends, the
// connection comes to its end and leaves nothing behind.

#include "conformance/pipe_client.h"
#include "conformance/service.h"
#include "fuzz_support.h"
#include <caropig/base/log.h>

#include <algorithm>
#include <string>

namespace {

using namespace caropig;
using namespace caropig::conformance;

// Whether the client is asked to go on depends on what has come by then (RFC 9110 10.1.1).
std::string without_continue(std::string text) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    for (std::size_t at; (at = text.find(kContinue)) != std::string::npos;) text.erase(at, kContinue.size());
    return text;
}

std::string converse(std::string_view input, std::size_t step, std::size_t requests_per_turn) {
    TestLoop loop;
    EchoService service;
    server::Server server(loop, service, conformance_options().requests_per_turn(requests_per_turn));
    PipeClient client(loop, server);
    for (std::size_t at = 0; at < input.size(); at += step) client.send(input.substr(at, step));
    client.finish_sending();
    FUZZ_CHECK(client.ended());
    client.leave();
    FUZZ_CHECK(client.served());
    FUZZ_CHECK(server.connections() == 0);
    return without_continue(client.received());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    log::set_level(log::Level::kOff);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::string whole = converse(text, text.size(), 64);
    FUZZ_CHECK(converse(text, data[0] % 64 + 1, data[1] % 8 + 1) == whole);
    return 0;
}
