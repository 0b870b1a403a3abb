// Templates: any text is refused with a ParseError, or renders to the same bytes whole and in pieces, or ends with a
// RenderError; within its limits in any case. The values are fixed.

#include "fuzz_support.h"
#include <caropig/template/loader.h>
#include <caropig/template/template.h>

#include <cstddef>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace {

using namespace caropig::templates;

const boost::json::object& values() {
    static const boost::json::value data = boost::json::parse(
        R"json({"name": "<Ann>", "n": 7, "x": 2.5, "yes": true, "nothing": null, "list": [3, "a", [1, 2], {"k": "v"}],
            "user": {"name": "Zo\u00eb", "items": [1]}, "url": "javascript:alert(1)", "text": " a  b\n"})json");
    return data.as_object();
}

LoaderOptions options() {
    LoaderOptions options;
    options.limits.nesting = 30;
    options.limits.instructions = 2'000;
    options.limits.iterations = 200;
    options.limits.output = 16 * 1024;
    options.limits.value_size = 2'000;
    return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const caropig::fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data), size));
    const DictLoader::Templates templates = {
        {"t.html", std::string(copy.view())},
        {"base.html", "<p{% block a %} title=\"{{ name }}\"{% end %}>{% block b %}{% end %}"},
        {"row.html", "<li>{{ name }}"}};
    DictLoader loader(templates, options());
    try {
        const auto page = loader.load("t.html");
        const std::string whole = page->render(values());
        FUZZ_CHECK(whole.size() <= options().limits.output);
        std::string pieces;
        Rendering rendering = page->start(values());
        while (const auto piece = rendering.next()) pieces += *piece;
        FUZZ_CHECK(pieces == whole);
    } catch (const TemplateError& error) {
        FUZZ_CHECK(!error.file().empty() && !error.message().empty());
    }
    return 0;
}
