#include "client/tunnel.h"

#include <caropig/testkit/scripted_stream.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>
#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using testkit::ScriptedStream;
using namespace std::string_literals;

Proxy proxy_of(std::string_view url) { return *parse_proxy(url); }

const Target kTarget("example.com", 443);

/// What opening a tunnel through what `script` plays came to: "open", or the error.
std::string outcome(const Proxy& proxy, const Target& target, const std::function<void(ScriptedStream&)>& script) {
    testkit::TestLoop loop;
    ScriptedStream stream(loop);
    script(stream);
    auto opening = loop.start(proxy.speaks_http() ? open_http_tunnel(stream, proxy, target)
                                                  : open_socks_tunnel(stream, proxy, target));
    loop.run_ready();
    EXPECT_EQ(stream.mismatch(), "");
    if (!opening.done()) return "pending";
    try {
        opening.result();
    } catch (const IoError& error) {
        return error.what();
    }
    EXPECT_TRUE(stream.finished());
    return "open";
}

// HTTP

const std::string kAsked =
    "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nUser-Agent: CaroPig/0.1\r\n\r\n";

std::string answered(const std::string& reply) {
    const std::string result = outcome(proxy_of("http://p:3128"), kTarget, [&](ScriptedStream& stream) {
        stream.expect_write(kAsked);
        if (!reply.empty()) stream.give(reply);
        stream.end();
    });
    const std::string start = "proxy p:3128, asked for example.com:443: ";
    return result.starts_with(start) ? result.substr(start.size()) : result;
}

TEST(HttpTunnel, Opens) {
    const std::string reply = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
    const auto whole = [&](ScriptedStream& stream) { stream.expect_write(kAsked).give(reply); };
    EXPECT_EQ(outcome(proxy_of("http://p"), kTarget, whole), "open");
    const auto pieces = [&](ScriptedStream& stream) {
        stream.expect_write(kAsked);
        for (char c : reply) stream.give(std::string(1, c));
    };
    EXPECT_EQ(outcome(proxy_of("http://p"), kTarget, pieces), "open");
    const auto interim = [&](ScriptedStream& stream) {
        stream.expect_write(kAsked).give("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.0 204 X\r\nContent-Length: 5\r\n\r\n");
    };
    EXPECT_EQ(outcome(proxy_of("http://p"), kTarget, interim), "open");
}

TEST(HttpTunnel, NamesWhoAsks) {
    const auto script = [](ScriptedStream& stream) {
        stream
            .expect_write(
                "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\nUser-Agent: CaroPig/0.1\r\n"
                "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")
            .give("HTTP/1.1 200 OK\r\n\r\n");
    };
    EXPECT_EQ(outcome(proxy_of("http://Aladdin:open%20sesame@p"), Target("2001:db8::1", 8443), script), "open");
}

TEST(HttpTunnel, Refusals) {
    EXPECT_EQ(answered("HTTP/1.1 407 \x1b[31m\r\n\r\n"), "its answer is not valid HTTP: control character in the head");
    EXPECT_EQ(answered("HTTP/1.1 407 Whatever\r\n\r\n"), "it answered 407 Proxy Authentication Required");
    EXPECT_EQ(answered("HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nabc"), "it answered 502 Bad Gateway");
    EXPECT_EQ(answered("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), "it answered 302 Found");
    EXPECT_EQ(answered("HTTP/1.1 101 Switching\r\n\r\n"), "it answered 101 Switching Protocols");
    EXPECT_EQ(answered("HTTP/1.1 200 OK\r\n\r\nx"), "it sent more than its answer");
    EXPECT_EQ(answered(""), "it closed the connection before its answer was whole");
    EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nVia"), "it closed the connection before its answer was whole");
    EXPECT_TRUE(answered("SSH-2.0-OpenSSH\r\n\r\n").starts_with("its answer is not valid HTTP: "));
    EXPECT_TRUE(answered("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x')).starts_with("its answer is not valid"));
}

TEST(HttpTunnel, InterimAnswersHaveALimit) {
    std::string reply;
    for (int i = 0; i < 16; ++i) reply += "HTTP/1.1 103 X\r\n\r\n";
    EXPECT_EQ(answered(reply + "HTTP/1.1 403 X\r\n\r\n"), "it answered 403 Forbidden");
    EXPECT_EQ(answered(reply + "HTTP/1.1 103 X\r\n\r\n"), "too many interim answers");
}

// SOCKS5

const std::string kHello = "\x05\x01\x00"s;
const std::string kHelloWithUser = "\x05\x02\x00\x02"s;
const std::string kRequest = "\x05\x01\x00\x03\x0b"s + "example.com" + "\x01\xbb"s;

std::string socks_answered(const std::function<void(ScriptedStream&)>& script, std::string_view url = "socks5h://p") {
    const std::string result = outcome(proxy_of(url), kTarget, script);
    const std::string start = "proxy p:1080, asked for example.com:443: ";
    return result.starts_with(start) ? result.substr(start.size()) : result;
}

TEST(SocksTunnel, Opens) {
    for (const std::string& bound : {"\x01\x00\x00\x00\x00\x00\x00"s, "\x03\x02hi\x00\x01"s,
                                     "\x04"s + std::string(18, 'x'), "\x03\x00\x00\x00"s}) {
        const std::string reply = "\x05\x00\x00"s + bound;
        EXPECT_EQ(socks_answered([&](ScriptedStream& stream) {
                      stream.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest).give(reply);
                  }),
                  "open");
        EXPECT_EQ(socks_answered([&](ScriptedStream& stream) {
                      stream.expect_write(kHello).give("\x05"s).give("\x00"s).expect_write(kRequest);
                      for (char c : reply) stream.give(std::string(1, c));
                  }),
                  "open");
    }
}

TEST(SocksTunnel, LeavesWhatFollowsToTheTarget) {
    testkit::TestLoop loop;
    ScriptedStream stream(loop);
    stream.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest);
    stream.give("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello"s);
    const Proxy proxy = proxy_of("socks5h://p");
    auto opening = loop.start(open_socks_tunnel(stream, proxy, kTarget));
    loop.run_ready();
    ASSERT_TRUE(opening.done());
    std::array<std::byte, 10> buffer;
    auto reading = loop.start(stream.read_some(buffer));
    loop.run_ready();
    EXPECT_EQ(as_text(ConstBytes(buffer).first(reading.result())), "hello");
}

TEST(SocksTunnel, Addresses) {
    const auto four = [](ScriptedStream& stream) {
        stream.expect_write(kHello).give("\x05\x00"s).expect_write("\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"s);
        stream.give("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
    };
    EXPECT_EQ(outcome(proxy_of("socks5://p"), Target("192.0.2.1", 80), four), "open");
    const auto six = [](ScriptedStream& stream) {
        stream.expect_write(kHello).give("\x05\x00"s);
        stream.expect_write("\x05\x01\x00\x04"s + std::string(15, '\0') + "\x01\x00\x50"s);
        stream.give("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
    };
    EXPECT_EQ(outcome(proxy_of("socks5://p"), Target("::1", 80), six), "open");
}

TEST(SocksTunnel, UserAndPassword) {
    const auto script = [](char answer) {
        return [answer](ScriptedStream& stream) {
            stream.expect_write(kHelloWithUser).give("\x05\x02"s).expect_write("\x01\x02me\x03pw!"s);
            stream.give("\x01"s + answer);
            if (answer != 0) return;
            stream.expect_write(kRequest).give("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
        };
    };
    EXPECT_EQ(socks_answered(script(0), "socks5h://me:pw!@p"), "open");
    EXPECT_EQ(socks_answered(script(1), "socks5h://me:pw!@p"), "it did not accept user and password");
    const auto open_to_all = [](ScriptedStream& stream) {
        stream.expect_write(kHelloWithUser).give("\x05\x00"s).expect_write(kRequest);
        stream.give("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
    };
    EXPECT_EQ(socks_answered(open_to_all, "socks5h://me:pw!@p"), "open");
}

TEST(SocksTunnel, Refusals) {
    const auto hello = [](const std::string& choice) {
        return socks_answered([&](ScriptedStream& stream) { stream.expect_write(kHello).give(choice).end(); });
    };
    EXPECT_EQ(hello("HT"), "it speaks no SOCKS5");
    EXPECT_EQ(hello("\x05\xff"s), "it wants to know who asks");
    EXPECT_EQ(hello("\x05\x02"s), "it wants to know who asks") << "a method that was not offered";
    EXPECT_EQ(hello("\x05"s), "it closed the connection before its answer was whole");
    const auto reply = [](const std::string& text) {
        return socks_answered([&](ScriptedStream& stream) {
            stream.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest).give(text).end();
        });
    };
    EXPECT_EQ(reply("\x05\x01\x00\x01"s), "it failed");
    EXPECT_EQ(reply("\x05\x02\x00\x01"s), "it is not allowed");
    EXPECT_EQ(reply("\x05\x03\x00\x01"s), "the network is unreachable");
    EXPECT_EQ(reply("\x05\x04\x00\x01"s), "the host is unreachable");
    EXPECT_EQ(reply("\x05\x05\x00\x01"s), "the connection was refused");
    EXPECT_EQ(reply("\x05\x06\x00\x01"s), "the way is too long (TTL expired)");
    EXPECT_EQ(reply("\x05\x07\x00\x01"s), "it does not know the command");
    EXPECT_EQ(reply("\x05\x08\x00\x01"s), "it does not know the kind of address");
    EXPECT_EQ(reply("\x05\x09\x00\x01"s), "it refused for a reason without a name");
    EXPECT_EQ(reply("\x05\x00\x00\x02"s), "its answer has an address of no known kind");
    EXPECT_EQ(reply("\x04\x00\x00\x01"s), "it speaks no SOCKS5");
    EXPECT_EQ(reply("\x05\x00\x00\x01\x00"s), "it closed the connection before its answer was whole");
    EXPECT_EQ(outcome(proxy_of("socks5h://p"), Target(std::string(256, 'x'), 1),
                      [](ScriptedStream& stream) { stream.expect_write(kHello).give("\x05\x00"s); }),
              "proxy p:1080, asked for " + std::string(256, 'x') + ":1: the name is too long for it");
}

TEST(Tunnels, EachStepMayFail) {
    const auto fails = [](std::string_view url, const std::function<void(ScriptedStream&)>& script) {
        return outcome(proxy_of(url), kTarget, script);
    };
    EXPECT_EQ(fails("http://p", [](ScriptedStream& s) { s.fail_write(ECONNRESET); }),
              "write to script: Connection reset by peer");
    EXPECT_EQ(fails("http://p", [](ScriptedStream& s) { s.expect_write(kAsked).fail_read(ECONNRESET); }),
              "read from script: Connection reset by peer");
    EXPECT_EQ(fails("socks5://p", [](ScriptedStream& s) { s.fail_write(EPIPE); }), "write to script: Broken pipe");
    EXPECT_EQ(fails("socks5://p", [](ScriptedStream& s) { s.expect_write(kHello).fail_read(ECONNRESET); }),
              "read from script: Connection reset by peer");
    EXPECT_EQ(
        fails("socks5://p", [](ScriptedStream& s) { s.expect_write(kHello).give("\x05\x00"s).fail_write(ECONNRESET); }),
        "write to script: Connection reset by peer");
    EXPECT_EQ(fails("socks5://p",
                    [](ScriptedStream& s) {
                        s.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest).fail_read(ECONNRESET);
                    }),
              "read from script: Connection reset by peer");
}

TEST(Tunnels, AreCancelledAtEachStep) {
    const std::vector<std::function<void(ScriptedStream&)>> socks{
        [](ScriptedStream& s) { s.expect_write(kHello); },
        [](ScriptedStream& s) { s.expect_write(kHello).give("\x05"s); },
        [](ScriptedStream& s) { s.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest); },
        [](ScriptedStream& s) { s.expect_write(kHello).give("\x05\x00"s).expect_write(kRequest).give("\x05\x00"s); }};
    const std::vector<std::function<void(ScriptedStream&)>> http{
        [](ScriptedStream& s) { s.expect_write(kAsked); },
        [](ScriptedStream& s) { s.expect_write(kAsked).give("HTTP/1.1 200"); }};
    for (const bool speaks_http : {false, true}) {
        for (const auto& script : speaks_http ? http : socks) {
            testkit::TestLoop loop;
            ScriptedStream stream(loop);
            script(stream);
            const Proxy proxy = proxy_of(speaks_http ? "http://p" : "socks5h://p");
            auto opening = loop.start(speaks_http ? open_http_tunnel(stream, proxy, kTarget)
                                                  : open_socks_tunnel(stream, proxy, kTarget));
            loop.run_ready();
            EXPECT_FALSE(opening.done());
            opening.cancel();
            loop.run_ready();
            ASSERT_TRUE(opening.done());
            EXPECT_THROW(opening.result(), Cancelled);
        }
    }
}

}  // namespace
}  // namespace caropig::client
