// Renders cases for template_test.py: a JSON array of {"templates": {name: text}, "name": ..., "data": {...},
// "options": {...}} on standard input, an array of {"output": ...} or {"error": ...} on standard output.

#include <caropig/template/functions.h>
#include <caropig/template/loader.h>
#include <caropig/template/template.h>

#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include <boost/json.hpp>

namespace {

using namespace caropig::templates;
namespace json = boost::json;

// What template_test.py offers to Tornado's templates under the same names.
Value double_it(const Arguments& arguments) { return arguments.require(0, "n").as_int() * 2; }

Value shout(const Arguments& arguments) {
    std::string text(arguments.require(0, "text").as_string());
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text + "!";
}

Value box(const Arguments& arguments) {
    return "<div>" + arguments.require(0, "content").str() + arguments.get(1, "more", "").str() + "</div>";
}

std::shared_ptr<const Functions> functions() {
    auto table = std::make_shared<Functions>();
    table->add("double_it", double_it).add("shout", shout).add_module("Box", box);
    return table;
}

json::object render(const json::object& input) {
    std::map<std::string, std::string> templates;
    for (const auto& [name, text] : input.at("templates").as_object()) {
        templates.emplace(name, std::string(text.as_string()));
    }
    LoaderOptions options;
    options.functions = functions();
    if (const json::value* given = input.if_contains("options")) {
        const json::object& object = given->as_object();
        if (object.contains("autoescape")) options.autoescape = object.at("autoescape").as_bool();
        if (object.contains("whitespace")) {
            const std::string_view mode = object.at("whitespace").as_string();
            options.whitespace = mode == "all"      ? Whitespace::kAll
                                 : mode == "single" ? Whitespace::kSingle
                                                    : Whitespace::kOneline;
        }
    }
    try {
        DictLoader loader(std::move(templates), options);
        const auto page = loader.load(std::string_view(input.at("name").as_string()));
        const std::string whole = page->render(input.at("data").as_object());
        std::string pieces;
        Rendering rendering = page->start(input.at("data").as_object());
        while (const auto piece = rendering.next()) pieces += *piece;
        if (pieces != whole) return {{"error", "the pieces are not the whole"}};
        return {{"output", whole}};
    } catch (const ParseError& error) {
        return {{"error", error.what()}, {"kind", "ParseError"}};
    } catch (const RenderError& error) {
        return {{"error", error.what()}, {"kind", name_of(error.kind())}};
    }
}

}  // namespace

int main() {
    try {
        const std::string input(std::istreambuf_iterator<char>(std::cin), {});
        json::array answers;
        const json::value cases = json::parse(input);
        for (const json::value& item : cases.as_array()) answers.push_back(render(item.as_object()));
        std::cout << answers << '\n';
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
