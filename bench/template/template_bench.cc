// Renders bench/template/pages/page.html with bench/template/data.json and prints the CPU time of a rendering in
// microseconds. `template_bench FOLDER [ROUNDS]`; with --page, prints the page instead. tornado_template.py does the
// same with Tornado.

#include <caropig/template/loader.h>
#include <caropig/template/template.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <time.h>

namespace {

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// The best of several batches: what disturbs a run only ever makes it longer.
double best_microseconds(int rounds, auto&& work) {
    constexpr int kBatch = 50;
    double best = std::numeric_limits<double>::infinity();
    for (int round = 0; round < rounds; ++round) {
        const double start = cpu_seconds();
        for (int i = 0; i < kBatch; ++i) work();
        best = std::min(best, (cpu_seconds() - start) / kBatch * 1e6);
    }
    return best;
}

int run(const std::filesystem::path& folder, std::string_view option) {
    std::ifstream file(folder / "data.json");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const boost::json::value data = boost::json::parse(text);
    const boost::json::object& values = data.as_object();
    caropig::templates::Loader loader(folder / "pages");
    const auto page = loader.load("page.html");
    if (option == "--page") {
        std::fputs(page->render(values).c_str(), stdout);
        return 0;
    }
    const int rounds = option.empty() ? 40 : std::stoi(std::string(option));
    std::size_t size = 0;
    const double whole = best_microseconds(rounds, [&] { size = page->render(values).size(); });
    const double pieces = best_microseconds(rounds, [&] {
        caropig::templates::Rendering rendering = page->start(values);
        for (size = 0; const auto piece = rendering.next();) size += piece->size();
    });
    std::printf("caropig: %zu bytes, %.1f us a page, %.1f us in pieces\n", size, whole, pieces);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: template_bench FOLDER [ROUNDS | --page]\n", stderr);
        return 2;
    }
    try {
        return run(argv[1], argc > 2 ? argv[2] : "");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "template_bench: %s\n", error.what());
        return 1;
    }
}
