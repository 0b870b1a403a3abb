// What the pieces of a request cost, each alone: `./dev bench micro`. Timings of warm code in a loop, so a lower bound
// of what they cost within a server; for comparing two versions of a piece, not for adding up.

#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include <caropig/async/future.h>
#include <caropig/async/task.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/template/loader.h>
#include <caropig/template/template.h>
#include <caropig/web/json.h>
#include <caropig/web/router.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <boost/json.hpp>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace {

using namespace caropig;
using namespace std::chrono_literals;

constexpr std::string_view kShortRequest = "GET /index HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
constexpr std::string_view kBrowserRequest =
    "GET /users/caro/orders/42?page=3 HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "\r\n";

std::uint64_t cycles() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

void parse_request(benchmark::State& state, std::string_view text) {
    http::h1::HeadParser parser;
    http::h1::RequestHead head;
    std::array<http::HeaderView, 100> storage;
    const std::uint64_t start = cycles();
    for ([[maybe_unused]] auto _ : state) {
        const auto result = parser.parse_request(text, head, storage);
        if (result.consumed != text.size()) return state.SkipWithError("the request was not understood");
        benchmark::DoNotOptimize(head);
    }
    const double bytes = static_cast<double>(text.size()) * static_cast<double>(state.iterations());
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
    const std::uint64_t spent = cycles() - start;  // of the time stamp counter, which has one speed
    if (spent != 0) state.counters["bytes/cycle"] = bytes / static_cast<double>(spent);
}
BENCHMARK_CAPTURE(parse_request, short, kShortRequest);
BENCHMARK_CAPTURE(parse_request, browser, kBrowserRequest);

/// The table that caropig-reference has.
web::RouteTable routes() {
    web::RouteTable table;
    table.add("/index");
    constexpr int kOthers = 109;
    for (int i = 0; i < kOthers; ++i) {
        if (i == kOthers / 2) table.add("/users/{user}/orders/{order}");
        table.add("/resource" + std::to_string(i) + "/{user}/items/{item}");
    }
    return table;
}

void match_route(benchmark::State& state, std::string_view path, bool found) {
    const web::RouteTable table = routes();
    web::RouteMatch match;
    for ([[maybe_unused]] auto _ : state) {
        if (table.match(path, match).has_value() != found) return state.SkipWithError("the wrong answer");
        benchmark::DoNotOptimize(match);
    }
}
BENCHMARK_CAPTURE(match_route, literal, "/index", true);
BENCHMARK_CAPTURE(match_route, two_parameters_of_110, "/users/caro/orders/42", true);
BENCHMARK_CAPTURE(match_route, none, "/users/caro/orders", false);

Task<int> one() { co_return 1; }

Task<void> await_tasks(benchmark::State& state) {
    int sum = 0;
    for ([[maybe_unused]] auto _ : state) sum += co_await one();
    benchmark::DoNotOptimize(sum);
}

void task_create_and_await(benchmark::State& state) {
    Loop loop;
    loop.run_until(await_tasks(state));
}
BENCHMARK(task_create_and_await);

/// Includes posting the callback that sets it, and a round of the loop.
Task<void> await_futures(benchmark::State& state, Loop& loop) {
    for ([[maybe_unused]] auto _ : state) {
        Promise<int> promise;
        const Future<int> future = promise.future();
        loop.post([&promise] { promise.set_result(1); });
        const int value = co_await future;
        benchmark::DoNotOptimize(value);
    }
}

void future_post_set_and_resume(benchmark::State& state) {
    Loop loop;
    loop.run_until(await_futures(state, loop));
}
BENCHMARK(future_post_set_and_resume);

Task<void> set_and_await(benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
        Promise<int> promise;
        const Future<int> future = promise.future();
        promise.set_result(1);
        const int value = co_await future;
        benchmark::DoNotOptimize(value);
    }
}

void future_set_then_await(benchmark::State& state) {
    Loop loop;
    loop.run_until(set_and_await(state));
}
BENCHMARK(future_set_then_await);

void timer_arm_and_disarm(benchmark::State& state) {
    Loop loop;
    Timer timer([](Timer&) noexcept {});
    const TimePoint deadline = loop.clock().now() + 60s;
    for ([[maybe_unused]] auto _ : state) {
        timer.arm(loop, deadline);
        timer.disarm();
        benchmark::DoNotOptimize(timer);
    }
}
BENCHMARK(timer_arm_and_disarm);

void serialize_response(benchmark::State& state) {
    std::string out;
    http::h1::DateCache date;
    http::h1::ResponseStart start;
    start.content_length = 2;
    start.content_type = "text/html; charset=UTF-8";
    for ([[maybe_unused]] auto _ : state) {
        out.clear();
        http::h1::append_response(out, start, {}, date.line(784111777));
        out += "ok";
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(serialize_response);

void json_serialize(benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) {
        const web::Response response = web::json_response({{"message", "Hello, World!"}});
        benchmark::DoNotOptimize(response.body().data());
    }
}
BENCHMARK(json_serialize);

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void json_parse(benchmark::State& state) {
    const std::string text = read(std::filesystem::path(CAROPIG_BENCH_FOLDER) / "template" / "data.json");
    for ([[maybe_unused]] auto _ : state) {
        const boost::json::value value = boost::json::parse(text);
        benchmark::DoNotOptimize(&value);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(json_parse);

void render_template(benchmark::State& state) {
    const std::filesystem::path folder = std::filesystem::path(CAROPIG_BENCH_FOLDER) / "template";
    const boost::json::value data = boost::json::parse(read(folder / "data.json"));
    templates::Loader loader(folder / "pages");
    const auto page = loader.load("page.html");
    std::size_t size = 0;
    for ([[maybe_unused]] auto _ : state) {
        size = page->render(data.as_object()).size();
        benchmark::DoNotOptimize(size);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(size) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(render_template);

}  // namespace

BENCHMARK_MAIN();
