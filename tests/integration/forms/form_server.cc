// Takes forms in each of the three ways and says as JSON what it got.

#include <caropig/web/application.h>
#include <caropig/web/command_line.h>
#include <caropig/web/form.h>
#include <caropig/web/json.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

using namespace caropig;
using namespace caropig::web;

namespace {

namespace json = boost::json;

std::string hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

json::array shown(const std::vector<FormField>& fields) {
    json::array list;
    for (const FormField& field : fields) list.push_back(json::array{field.name, field.value});
    return list;
}

json::object shown(const FormFile& file) {
    return {{"name", file.name()},
            {"file_name", file.file_name()},
            {"as_sent", file.file_name_as_sent()},
            {"content_type", file.content_type()},
            {"size", file.size()},
            {"contents", file.contents() ? hex(*file.contents()) : "on disk"}};
}

json::array shown(const std::vector<FormFile>& files) {
    json::array list;
    for (const FormFile& file : files) list.push_back(shown(file));
    return list;
}

/// Read by a coroutine, large files to the disk; saved to the path "to" where the query has one.
Task<Response> read_form(std::string_view folder, Request& request) {
    request.set_max_body_bytes(std::uint64_t{1} << 40);
    FormOptions options;
    options.temporary_folder(folder).max_file_bytes(std::uint64_t{1} << 40).max_files_bytes(std::uint64_t{1} << 40);
    Form form = co_await request.read_form(options);
    const std::string target = request.get_query_argument("to", "");
    if (!target.empty()) {
        for (const FormFile& file : form.files()) co_await file.save_to(target);
    }
    co_return json_response({{"fields", shown(form.fields())}, {"files", shown(form.files())}});
}

/// In memory: the argument "a" and all files.
Response arguments(Request& request) {
    json::array values;
    for (const std::string& value : request.get_arguments("a")) values.emplace_back(value);
    return json_response({{"a", values}, {"files", shown(request.files())}});
}

/// Streamed: the bytes of each part, and their FNV-1a hash.
Task<Response> stream(Request& request) {
    request.set_max_body_bytes(std::uint64_t{1} << 40);
    FormOptions options;
    options.max_file_bytes(std::uint64_t{1} << 40).max_files_bytes(std::uint64_t{1} << 40);
    json::array parts;
    FormReader reader(request, options);
    while (FormPart* part = co_await reader.next()) {
        std::uint64_t size = 0;
        std::uint64_t hash = 0xcbf29ce484222325;
        while (auto piece = co_await part->read()) {
            size += piece->size();
            for (const char c : *piece) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        }
        parts.push_back(json::array{part->name(), size, std::to_string(hash)});
    }
    co_return json_response(parts);
}

}  // namespace

int main(int argc, char** argv) {
    std::string folder = "/tmp";
    CommandLine command_line("form_server", "Takes forms and says what it got.");
    command_line.option("--temporary-folder", folder, "where large files go");
    if (auto code = command_line.parse(argc, argv)) return *code;
    Application app;
    app.post("/form", [&folder](Request& request) { return read_form(folder, request); });
    app.post("/arguments", arguments);
    app.post("/stream", stream);
    return run(app, command_line);
}
