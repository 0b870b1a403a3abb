#pragma once

#include "template/program.h"

#include <functional>
#include <memory>
#include <string>

/// \file
/// From files to a program: extends and include are resolved, expressions parsed, and the place of every value found.
namespace caropig::templates {

/// Gives the file that `name` means where `parent` names it ("" for a template's own). Throws ParseError.
using FileSource = std::function<std::shared_ptr<const LoadedFile>(const std::string& name, const std::string& parent)>;

/// Compiles the template `name`. Throws ParseError.
std::shared_ptr<const Program> compile(const std::string& name, const FileSource& files, const LoaderOptions& options);

}  // namespace caropig::templates
