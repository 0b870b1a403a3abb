// load_generator: asks a server for one path over keep-alive connections, checks every answer, and prints figures as
// JSON. One thread; see --help.

#include "load_run.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include <getopt.h>
#include <sys/resource.h>

namespace {

using caropig::bench::LoadErrors;
using caropig::bench::LoadOptions;
using caropig::bench::LoadResult;
using caropig::bench::LoadRun;

constexpr std::size_t kOwnDescriptors = 16;

constexpr const char* kUsage =
    "usage: load_generator --port P [option...]\n"
    "  --host H             where to connect (127.0.0.1)\n"
    "  --path /P            what to GET (/)\n"
    "  --connections N      keep-alive connections, all open before the first request (64)\n"
    "  --pipeline N         requests sent at once on a connection; the next batch follows the last answer (1)\n"
    "  --seconds S          how long to send (3); answers still due then are awaited and counted\n"
    "  --requests N         send exactly N requests instead\n"
    "  --rate R             send R requests a second, not as many as possible; latency counts from when one was due\n"
    "  --close              a connection for each request, which the server is asked to close\n"
    "  --expect-body TEXT   any other body is an error\n"
    "  --waiters N          N connections that send one request each and wait; the answers are tallied by status and "
    "body\n"
    "  --patience S         give up when answers are due and none has come for S seconds (30)\n"
    "Exit code 0 if every answer came and (but for --waiters) was a 200, 1 if not, 2 if the options make no sense.\n";

[[noreturn]] void refuse(std::string_view option, const char* value) {
    std::fprintf(stderr, "load_generator: --%.*s can't be %s\n%s", static_cast<int>(option.size()), option.data(),
                 value, kUsage);
    std::exit(2);
}

double positive(std::string_view option, const char* text) {
    double number = 0;
    const char* const end = text + std::strlen(text);
    const auto parsed = std::from_chars(text, end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || !(number > 0) || number > 1e15) refuse(option, text);
    return number;
}

std::uint64_t positive_integer(std::string_view option, const char* text) {
    const double number = positive(option, text);
    if (number < 1) refuse(option, text);
    return static_cast<std::uint64_t>(number);
}

std::chrono::nanoseconds seconds(std::string_view option, const char* text) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(positive(option, text) * 1e9));
}

LoadOptions parse_options(int argc, char** argv) {
    static const option kOptions[] = {{"host", required_argument, nullptr, 'h'},
                                      {"port", required_argument, nullptr, 'p'},
                                      {"path", required_argument, nullptr, 'u'},
                                      {"connections", required_argument, nullptr, 'c'},
                                      {"pipeline", required_argument, nullptr, 'd'},
                                      {"seconds", required_argument, nullptr, 's'},
                                      {"requests", required_argument, nullptr, 'n'},
                                      {"rate", required_argument, nullptr, 'r'},
                                      {"waiters", required_argument, nullptr, 'w'},
                                      {"close", no_argument, nullptr, 'l'},
                                      {"expect-body", required_argument, nullptr, 'b'},
                                      {"patience", required_argument, nullptr, 't'},
                                      {"help", no_argument, nullptr, '?'},
                                      {nullptr, 0, nullptr, 0}};
    LoadOptions options;
    int index = 0;
    for (int code = 0; (code = ::getopt_long(argc, argv, "", kOptions, &index)) != -1;) {
        const std::string_view name = kOptions[index].name;
        switch (code) {
            case 'h':
                options.host = optarg;
                break;
            case 'p':
                options.port = optarg;
                break;
            case 'u':
                options.path = optarg;
                break;
            case 'c':
                options.connections = positive_integer(name, optarg);
                break;
            case 'd':
                options.pipeline = positive_integer(name, optarg);
                break;
            case 's':
                options.duration = seconds(name, optarg);
                break;
            case 'n':
                options.requests = positive_integer(name, optarg);
                break;
            case 'r':
                options.rate = positive(name, optarg);
                break;
            case 'l':
                options.close = true;
                break;
            case 'b':
                options.expected_body = optarg;
                break;
            case 't':
                options.patience = seconds(name, optarg);
                break;
            case 'w':
                options.waiters = true;
                options.connections = positive_integer(name, optarg);
                break;
            default:
                std::fputs(kUsage, stderr);
                std::exit(2);
        }
    }
    if (options.port.empty() || optind != argc) {
        std::fputs(kUsage, stderr);
        std::exit(2);
    }
    if (options.waiters || options.close) options.pipeline = 1;
    if (options.expected_body && options.expected_body->size() > caropig::bench::ResponseParser::kKeptBody) {
        refuse("expect-body", "longer than what is kept of a body");
    }
    return options;
}

/// Connections need descriptors: as many as the kernel grants, and more than the hard limit where we may raise it.
bool allow_descriptors(std::size_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted) return true;
    limit.rlim_cur = wanted;
    limit.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            quoted += {'\\', character};
        } else if (const auto byte = static_cast<unsigned char>(character); byte < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            quoted += escaped;
        } else {
            quoted += character;
        }
    }
    return quoted + '"';
}

void print(const LoadResult& result, const LoadOptions& options) {
    const auto microseconds = [&](double fraction) {
        return static_cast<double>(result.latency.percentile(fraction)) / 1e3;
    };
    const LoadErrors& errors = result.errors;
    std::printf("{\"requests\": %ju, \"seconds\": %.6f, \"requests_per_second\": %.1f,\n",
                static_cast<std::uintmax_t>(result.answers), result.seconds,
                static_cast<double>(result.answers) / result.seconds);
    std::printf(" \"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f, \"max\": %.1f},\n", microseconds(0.5),
                microseconds(0.99), microseconds(0.999), microseconds(1));
    if (options.waiters) {
        std::uint64_t succeeded = 0;
        std::printf(" \"waiters\": %zu, \"answers\": [", options.connections);
        const char* separator = "";
        for (const auto& [answer, count] : result.tally) {
            if (answer.first == 200) succeeded += count;
            std::printf("%s{\"status\": %d, \"count\": %ju, \"body\": %s}", separator, answer.first,
                        static_cast<std::uintmax_t>(count), json_string(answer.second).c_str());
            separator = ", ";
        }
        std::printf("], \"succeeded\": %ju,\n", static_cast<std::uintmax_t>(succeeded));
    }
    std::printf(
        " \"reconnects\": %ju, \"errors\": %ju, \"errors_by_kind\": {\"connect\": %ju, \"lost\": %ju, "
        "\"malformed\": %ju, \"status\": %ju, \"body\": %ju, \"unanswered\": %ju}}\n",
        static_cast<std::uintmax_t>(result.reconnects), static_cast<std::uintmax_t>(errors.total()),
        static_cast<std::uintmax_t>(errors.connect), static_cast<std::uintmax_t>(errors.lost),
        static_cast<std::uintmax_t>(errors.malformed), static_cast<std::uintmax_t>(errors.status),
        static_cast<std::uintmax_t>(errors.body), static_cast<std::uintmax_t>(errors.unanswered));
}

}  // namespace

int main(int argc, char** argv) {
    const LoadOptions options = parse_options(argc, argv);
    if (!allow_descriptors(options.connections + kOwnDescriptors)) {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        std::fprintf(stderr,
                     "load_generator: only %ju descriptors are allowed here (ulimit -n), of which %zu are for us\n",
                     static_cast<std::uintmax_t>(limit.rlim_max), kOwnDescriptors);
        return 1;
    }
    try {
        LoadRun run(options);
        const LoadResult result = run.run();
        print(result, options);
        return result.errors.total() == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load_generator: %s\n", error.what());
        return 1;
    }
}
