#pragma once

#include <span>
#include <string>
#include <vector>

/// \file
/// The rows of the conformance suite: bytes that a client sends, and what RFC 9110 and 9112 have a server answer.
namespace caropig::conformance {

/// How a connection is left after the answers of a row.
enum class End {
    kOpen,   ///< usable: another request on it is answered
    kClose,  ///< closed, and nothing after the row's bytes is answered
    kWait,   ///< the server waits for more of the request
};

struct Case {
    std::string name;     ///< unique over all tables
    std::string section;  ///< "9112 6.3": where the RFC says so
    std::string input;
    /// "200 GET /a, 400": status and, for a 200 with one, the body of each answer. See service.h for what is answered.
    /// Interim responses are compared where a row lists one.
    std::string answers;
    End end = End::kOpen;
    /// Of the answers that answer HEAD, in order; most rows have none.
    std::vector<bool> heads = {};
    /// The client finishes sending after its bytes, and listens.
    bool half_closed = false;
};

struct Table {
    const char* name;
    std::span<const Case> cases;
};

/// All tables, in the order of README.md.
std::span<const Table> tables();

// Texts that many rows share.

inline std::string request(const std::string& start, const std::string& fields = {}, const std::string& body = {}) {
    return start + "\r\nHost: a\r\n" + fields + "\r\n" + body;
}
inline std::string get(const std::string& target, const std::string& fields = {}) {
    return request("GET " + target + " HTTP/1.1", fields);
}
inline std::string post(const std::string& fields, const std::string& body = {}) {
    return request("POST /echo HTTP/1.1", fields, body);
}
inline std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }

std::span<const Case> request_line_cases();
std::span<const Case> field_cases();
std::span<const Case> host_cases();
std::span<const Case> framing_cases();
std::span<const Case> chunked_cases();
std::span<const Case> connection_cases();
std::span<const Case> semantics_cases();

}  // namespace caropig::conformance
