#pragma once

#include <caropig/template/error.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

/// \file
/// Pages out of data: Tornado's template language, compiled once and rendered from JSON values. See
/// docs/guide/templates.md for the language.
namespace caropig::templates {

class Environment;
class Rendering;
struct LoaderOptions;
struct Program;

/// A template with all that it extends and includes, ready to be rendered: immutable, and used by any number of threads
/// at once. Loaders make them (loader.h).
class Template {
public:
    explicit Template(std::shared_ptr<const Program> program);

    /// The name it was loaded by.
    [[nodiscard]] const std::string& name() const noexcept;

    /// Whether the template, or what it extends and includes, has `name` in an expression, as a name or an attribute:
    /// whoever renders can then get ready what has to be waited for.
    [[nodiscard]] bool mentions(std::string_view name) const noexcept;

    /// The whole page. `values` are the template's names; the environment answers for the others. Throws RenderError,
    /// and whatever a function throws.
    [[nodiscard]] std::string render(const boost::json::object& values, const Environment* environment = nullptr) const;

    /// The page piece by piece. `values` and `environment` must outlive the Rendering; the template need not.
    [[nodiscard]] Rendering start(const boost::json::object& values, const Environment* environment = nullptr) const;

private:
    std::shared_ptr<const Program> program_;
};

/// A page in the making. Whoever pulls the pieces decides the pace: a handler that waits for each to be sent holds one
/// piece of a long page in memory and no more.
///
///     Rendering page = loader.load("report.html")->start(values);
///     while (const auto piece = page.next()) co_await response.write(*piece);
class Rendering {
public:
    /// About how long a piece is, in bytes; a single value or a literal text that is longer comes as one piece.
    static constexpr std::size_t kPieceSize = 16 * 1024;

    Rendering(Rendering&& other) noexcept;
    Rendering& operator=(Rendering&& other) noexcept;
    ~Rendering();

    /// The next piece, never empty, valid until the next call; nothing at the end. Throws as Template::render(); after
    /// that, and after the end, there are no more pieces.
    [[nodiscard]] std::optional<std::string_view> next();

private:
    friend class Template;
    class State;
    explicit Rendering(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace caropig::templates
