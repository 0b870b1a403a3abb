#pragma once

#include <caropig/template/options.h>
#include <caropig/template/template.h>

#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// Where templates come from. A loader reads each file once and hands out the same template to all threads.
namespace caropig::templates {

struct LoadedFile;

/// Caches templates by name, and follows extends and include. May be used from several threads at once.
class BaseLoader {
public:
    BaseLoader(const BaseLoader&) = delete;
    BaseLoader& operator=(const BaseLoader&) = delete;
    virtual ~BaseLoader();

    /// The template of that name. Reads files when it is asked the first time (in debug mode it asks for their time of
    /// change each time): call it for all pages before serving, or off the loop, if the disk may be slow. Throws
    /// ParseError, also where there is no such file.
    [[nodiscard]] std::shared_ptr<const Template> load(std::string_view name);

    /// Forgets all templates; those that are in use live on.
    void reset();

    [[nodiscard]] const LoaderOptions& options() const noexcept { return options_; }

protected:
    explicit BaseLoader(LoaderOptions options);

    /// The text of a template and a mark that changes with it.
    struct Source {
        std::string text;
        std::string stamp;
    };

    /// Reads the file `name`, which is normal: it neither begins with "/" nor has "." or ".." in it.
    [[nodiscard]] virtual std::optional<Source> read(const std::string& name) const = 0;
    /// The stamp alone; empty if there is no such file.
    [[nodiscard]] virtual std::string stamp_of(const std::string& name) const = 0;

private:
    std::shared_ptr<const LoadedFile> file_of(const std::string& name, const std::string& parent);

    struct Entry;

    LoaderOptions options_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const LoadedFile>, std::less<>> files_;
    std::map<std::string, std::shared_ptr<const Entry>, std::less<>> templates_;
};

/// Templates of one folder. Names are relative to it; in extends and include, to the folder of the file that names
/// them, as in Tornado. No name and no symbolic link leads out of the folder.
class Loader final : public BaseLoader {
public:
    /// Throws IoError if there is no such folder.
    explicit Loader(const std::filesystem::path& folder, LoaderOptions options = {});

private:
    [[nodiscard]] std::optional<std::filesystem::path> path_of(const std::string& name) const;
    [[nodiscard]] std::optional<Source> read(const std::string& name) const override;
    [[nodiscard]] std::string stamp_of(const std::string& name) const override;

    std::filesystem::path folder_;
};

/// Templates that are in the program, by name.
class DictLoader final : public BaseLoader {
public:
    using Templates = std::map<std::string, std::string>;

    explicit DictLoader(Templates templates, LoaderOptions options = {});
    /// DictLoader({{"page.html", "..."}, {"base.html", "..."}}).
    explicit DictLoader(std::initializer_list<Templates::value_type> templates, LoaderOptions options = {});

private:
    [[nodiscard]] std::optional<Source> read(const std::string& name) const override;
    [[nodiscard]] std::string stamp_of(const std::string& name) const override;

    Templates templates_;
};

}  // namespace caropig::templates
