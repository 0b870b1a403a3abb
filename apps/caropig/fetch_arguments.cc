#include "caropig/fetch_arguments.h"

#include <CLI/CLI.hpp>

namespace fetch_command {
namespace {

/// An option that may be given several times, each with one value.
void add_list(CLI::App& command, const std::string& flags, const std::string& help) {
    const CLI::callback_t accept = [](const CLI::results_t&) { return true; };
    command.add_option(flags, accept, help)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("TEXT");
}

template <class T>
CLI::Option* add(CLI::App& command, const std::string& flags, T& target, const std::string& help) {
    return command.add_option(flags, target, help)->take_last();
}

void define_request(CLI::App& command, Arguments& arguments) {
    add(command, "-X,--request", arguments.method, "Method");
    add_list(command, "-H,--header", "Field to send, 'Name: value'; 'Name:' sends none, 'Name;' an empty one");
    add_list(command, "-d,--data", "Form fields to POST; @FILE: from a file without its line ends; @-: from stdin");
    add_list(command, "--data-binary", "Bytes to POST; @FILE: a file as it is; @-: stdin");
    add_list(command, "--json", "JSON to POST; @FILE: from a file; @-: from stdin");
    add_list(command, "-F,--form", "Part of a form to POST: NAME=VALUE, NAME=@FILE, NAME=@FILE;type=TYPE, NAME=<FILE");
    add(command, "-T,--upload-file", arguments.upload_file, "File to PUT, read while it is sent; -: stdin");
    add(command, "-A,--user-agent", arguments.user_agent, "User-Agent");
    add_list(command, "-b,--cookie", "Cookies to send, 'NAME=VALUE; …'; empty: keep those that redirects set");
    command.add_flag("-I,--head", arguments.head, "Ask for the head only, and show it");
    command.add_flag("--compressed", arguments.compressed, "Ask for zstd, br or gzip, and decode it");
}

void define_way(CLI::App& command, Arguments& arguments) {
    command.add_flag("-L,--location", arguments.follow, "Follow redirects");
    add(command, "--max-redirs", arguments.max_redirects, "How many, at most 100; 50 unless set");
    add(command, "-u,--user", arguments.user, "USER:PASSWORD, for Basic unless --digest");
    add(command, "--oauth2-bearer", arguments.bearer_token, "Bearer token");
    command.add_flag("--digest", arguments.digest, "Answer a challenge of digest authentication");
    command.add_flag("-k,--insecure", arguments.insecure, "Accept any certificate: whoever is in between can read all");
    add(command, "--cacert", arguments.roots_file, "PEM file of the roots to trust, instead of the system's");
    add(command, "-E,--cert", arguments.certificate_file, "PEM file of the client's own certificate");
    add(command, "--key", arguments.key_file, "PEM file of its key, where that is another file");
    add(command, "-x,--proxy", arguments.proxy, "Proxy, also socks5:// or socks5h://; else as the environment says");
    add(command, "--noproxy", arguments.no_proxy, "Hosts to reach without it, separated by commas; * for all");
    add_list(command, "--resolve", "HOST:PORT:ADDRESS[,ADDRESS]: the addresses of a host, for all its ports");
    add(command, "--unix-socket", arguments.unix_socket, "Unix socket to connect to, whatever the URL's host says");
    add(command, "--connect-timeout", arguments.connect_timeout, "Seconds until there is a connection")
        ->check(CLI::Range(0.0, 1e6));
    add(command, "-m,--max-time", arguments.max_time, "Seconds for everything")->check(CLI::Range(0.0, 1e6));
    add(command, "--max-filesize", arguments.max_file_size, "Bytes of the body, also once it is decoded");
}

void define_output(CLI::App& command, Arguments& arguments) {
    add(command, "-o,--output", arguments.output, "File to write instead of stdout");
    command.add_flag("-i,--include", arguments.include, "Show the head before the body");
    command.add_flag("-f,--fail", arguments.fail, "End with 22, without the body, for a status of 400 and above");
    command.add_flag("-s,--silent", arguments.silent, "Say nothing of errors");
    command.add_flag("-S,--show-error", arguments.show_error, "With -s: say it all the same");
    command.add_flag("-v,--verbose", arguments.verbose, "Show both heads on stderr");
    add(command, "-w,--write-out", arguments.write_out,
        "Text to print afterwards, with %{http_code}, %{url_effective}, %{content_type}, %{size_download}, "
        "%{time_total}, \\n and \\t");
}

}  // namespace

void define(CLI::App& command, Arguments& arguments) {
    command.add_option("URL", arguments.url, "What to fetch; http:// unless it says otherwise")->required();
    define_request(command, arguments);
    define_way(command, arguments);
    define_output(command, arguments);
}

void read_lists(const CLI::App& command, Arguments& arguments) {
    arguments.headers = command.get_option("--header")->results();
    arguments.data = command.get_option("--data")->results();
    arguments.data_binary = command.get_option("--data-binary")->results();
    arguments.json = command.get_option("--json")->results();
    arguments.form = command.get_option("--form")->results();
    arguments.cookies = command.get_option("--cookie")->results();
    arguments.resolve = command.get_option("--resolve")->results();
}

}  // namespace fetch_command
