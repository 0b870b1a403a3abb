#include "template/compiler.h"
#include <caropig/base/error.h>
#include <caropig/template/functions.h>
#include <caropig/template/loader.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

namespace fs = std::filesystem;

// The name that a file means by `name`: relative to its own folder, without "." and "..". Nothing if it leads out.
std::optional<std::string> resolve(std::string_view name, std::string_view parent) {
    if (name.starts_with('/') || name.find('\0') != std::string_view::npos) return std::nullopt;
    const std::size_t slash = parent.rfind('/');
    const fs::path folder = slash == std::string_view::npos ? std::string_view() : parent.substr(0, slash);
    std::string normal = (folder / name).lexically_normal().generic_string();
    const bool outside = normal == ".." || normal.starts_with("../") || normal.starts_with('/');
    if (outside || normal.empty() || normal == "." || normal.ends_with('/')) return std::nullopt;
    return normal;
}

}  // namespace

struct BaseLoader::Entry {
    std::shared_ptr<const Template> page;
    std::vector<std::shared_ptr<const LoadedFile>> files;  // all that it was made of
};

BaseLoader::BaseLoader(LoaderOptions options) : options_(std::move(options)) {}

BaseLoader::~BaseLoader() = default;

std::shared_ptr<const Template> BaseLoader::load(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (const auto it = templates_.find(name); it != templates_.end()) {
        if (!options_.debug) return it->second->page;
        bool fresh = true;
        for (const auto& file : it->second->files) {
            if (stamp_of(file->name) == file->stamp) continue;
            fresh = false;
            files_.erase(file->name);
        }
        if (fresh) return it->second->page;
    }
    if (options_.debug) {
        // What this template shares with others may have changed since they were loaded.
        std::erase_if(files_, [&](const auto& file) { return stamp_of(file.first) != file.second->stamp; });
    }
    const std::optional<std::string> normal = resolve(name, "");
    if (!normal) throw ParseError(name, 0, "the name leads out of the folder of templates");
    const std::shared_ptr<const Program> program = compile(
        *normal, [this](const std::string& file, const std::string& parent) { return file_of(file, parent); },
        options_);
    auto entry = std::make_shared<Entry>();
    entry->page = std::make_shared<const Template>(program);
    entry->files = program->files;
    templates_.insert_or_assign(std::string(name), entry);
    return entry->page;
}

void BaseLoader::reset() {
    const std::lock_guard lock(mutex_);
    files_.clear();
    templates_.clear();
}

std::shared_ptr<const LoadedFile> BaseLoader::file_of(const std::string& name, const std::string& parent) {
    const std::optional<std::string> normal = resolve(name, parent);
    if (!normal) throw ParseError(name, 0, fmt::format("'{}' leads out of the folder of templates", name));
    if (const auto it = files_.find(*normal); it != files_.end()) return it->second;
    std::optional<Source> source = read(*normal);
    if (!source) throw ParseError(*normal, 0, fmt::format("there is no template '{}'", *normal));
    LoadedFile file = parse_file(*normal, source->text, options_);
    file.stamp = std::move(source->stamp);
    return files_.insert_or_assign(*normal, std::make_shared<const LoadedFile>(std::move(file))).first->second;
}

Loader::Loader(const std::filesystem::path& folder, LoaderOptions options) : BaseLoader(std::move(options)) {
    std::error_code error;
    folder_ = fs::canonical(folder, error);
    if (!error && !fs::is_directory(folder_, error)) error = std::make_error_code(std::errc::not_a_directory);
    if (error) throw IoError(error, fmt::format("open the folder of templates {}", folder.string()));
}

std::optional<std::filesystem::path> Loader::path_of(const std::string& name) const {
    std::error_code error;
    fs::path path = fs::canonical(folder_ / name, error);
    if (error || !fs::is_regular_file(path, error)) return std::nullopt;
    // A symbolic link may have led out of the folder.
    const fs::path relative = path.lexically_relative(folder_);
    if (relative.empty() || *relative.begin() == "..") return std::nullopt;
    return path;
}

std::string Loader::stamp_of(const std::string& name) const {
    const std::optional<fs::path> path = path_of(name);
    if (!path) return {};
    std::error_code error;
    const auto changed = fs::last_write_time(*path, error);
    const std::uintmax_t size = error ? 0 : fs::file_size(*path, error);
    return error ? std::string() : fmt::format("{} {}", changed.time_since_epoch().count(), size);
}

std::optional<BaseLoader::Source> Loader::read(const std::string& name) const {
    const std::optional<fs::path> path = path_of(name);
    if (!path) return std::nullopt;
    // The stamp first: a change in between is seen at the next look.
    Source source;
    source.stamp = stamp_of(name);
    std::ifstream stream(*path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream) throw IoError(errno_code(errno), fmt::format("read the template {}", path->string()));
    source.text = std::move(text).str();
    return source;
}

DictLoader::DictLoader(Templates templates, LoaderOptions options)
    : BaseLoader(std::move(options)), templates_(std::move(templates)) {}

DictLoader::DictLoader(std::initializer_list<Templates::value_type> templates, LoaderOptions options)
    : DictLoader(Templates(templates), std::move(options)) {}

std::optional<BaseLoader::Source> DictLoader::read(const std::string& name) const {
    const auto it = templates_.find(name);
    if (it == templates_.end()) return std::nullopt;
    return Source{it->second, "dict"};
}

std::string DictLoader::stamp_of(const std::string& /*name*/) const { return "dict"; }

}  // namespace caropig::templates
