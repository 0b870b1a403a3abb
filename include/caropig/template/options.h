#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

/// \file
/// How templates are read and how much they may take. The author of a template is trusted, the data it shows are not:
/// the limits catch a mistake of the former and an excess of the latter before the process feels it.
namespace caropig::templates {

class Environment;

enum class Whitespace {
    kAll,      ///< as it is written
    kSingle,   ///< runs of blanks become one, runs with a line feed become one line feed
    kOneline,  ///< every run becomes one blank
};

struct Limits {
    /// How deep tags may stand in each other, files include each other, and expressions be nested: each level takes
    /// stack. 100 is far beyond what a person reads.
    std::size_t nesting = 100;
    /// Instructions of a template with all that it extends and includes: files that include each other twice grow with
    /// the power of two.
    std::size_t instructions = 1'000'000;
    /// Turns of all loops in one rendering: a `while` that does not end stops after some tenths of a second.
    std::uint64_t iterations = 1'000'000;
    /// Bytes of one rendering. A page of 64 MiB is a mistake.
    std::size_t output = std::size_t{64} << 20;
    /// Bytes of a string, and a sixteenth of it the items of a list, that an expression makes: 'x' * n is limited by
    /// this.
    std::size_t value_size = std::size_t{16} << 20;
};

struct LoaderOptions {
    /// Whether `{{ }}` escapes; a file changes it for itself with {% autoescape %}.
    bool autoescape = true;
    /// How whitespace is treated; if empty, kSingle for names that end in .html or .js and kAll for others.
    std::optional<Whitespace> whitespace;
    /// Whether load() looks for changed files each time.
    bool debug = false;
    /// Functions and constants for all templates of the loader.
    std::shared_ptr<const Environment> functions;
    Limits limits;
};

}  // namespace caropig::templates
