#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

/// \file
/// The command line of `caropig fetch`: curl's names, as far as the client has what they stand for.
namespace fetch_command {

/// What was asked for, as it was written. Empty or false: not given.
struct Arguments {
    std::string url;

    std::string method;
    std::vector<std::string> headers;
    std::vector<std::string> data;         ///< of -d: "@file" without its line ends
    std::vector<std::string> data_binary;  ///< "@file" as it is
    std::vector<std::string> json;
    std::vector<std::string> form;
    std::string upload_file;
    std::string user_agent;
    std::vector<std::string> cookies;
    bool head = false;
    bool compressed = false;

    bool follow = false;
    int max_redirects = 50;  ///< curl's default; below zero: as many as the client allows

    std::string user;
    std::string bearer_token;
    bool digest = false;

    bool insecure = false;
    std::string roots_file;
    std::string certificate_file;
    std::string key_file;

    std::string proxy;
    std::string no_proxy;
    std::vector<std::string> resolve;
    std::string unix_socket;
    double connect_timeout = 0;  ///< seconds, zero: the client's own limits
    double max_time = 0;         ///< seconds, zero: none
    std::uint64_t max_file_size = 0;

    std::string output;
    bool include = false;
    bool fail = false;
    bool silent = false;
    bool show_error = false;
    bool verbose = false;
    std::string write_out;
};

/// Teaches `command` its options. What it parses goes to `arguments`, but for lists, which read_lists() takes.
void define(CLI::App& command, Arguments& arguments);

/// Takes the options that may be given several times. CLI11's own lists would take "[1,2]" and "{}" apart, which are
/// common bodies.
void read_lists(const CLI::App& command, Arguments& arguments);

}  // namespace fetch_command
