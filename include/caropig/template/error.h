#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

/// \file
/// What is wrong with a template, or with rendering it, for the person who has to find the place: every error names
/// the file and the line.
namespace caropig::templates {

/// Python's classes of errors, which `{% except NAME %}` tells apart. kLimit is caught by none: a template that takes
/// too much must not go on.
enum class ErrorKind {
    kName,
    kType,
    kValue,
    kKey,
    kIndex,
    kAttribute,
    kZeroDivision,
    kOverflow,
    kLimit,
};

/// "NameError", as a template writes it.
[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;

/// A step of an expression failed. Functions registered from C++ throw it to say what is wrong with their arguments:
/// rendering catches it, adds file and line, and makes a RenderError of it.
class Failure : public std::runtime_error {
public:
    Failure(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

/// What both errors have. what() is one line: "page.html:3: name 'usr' is not defined (via base.html:12)".
class TemplateError : public std::runtime_error {
public:
    /// `via` are the places that led here through include and extends, the nearest first: "base.html:12, index.html:1".
    TemplateError(std::string_view file, int line, std::string_view message, std::string_view via = {});

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    /// The line on which the tag begins, counted from 1; 0 if it is about the file as a whole.
    [[nodiscard]] int line() const noexcept { return line_; }
    /// The error without its place.
    [[nodiscard]] const std::string& message() const noexcept { return message_; }

private:
    std::string file_;
    std::string message_;
    int line_;
};

/// A template cannot be used: a mistake in its text, a file that is missing, a value in a place where it could not be
/// made safe. Thrown when the template is loaded.
class ParseError : public TemplateError {
public:
    using TemplateError::TemplateError;
};

/// Rendering cannot go on: a missing name, a wrong type, a limit.
class RenderError : public TemplateError {
public:
    RenderError(ErrorKind kind, std::string_view file, int line, std::string_view message, std::string_view via = {})
        : TemplateError(file, line, message, via), kind_(kind) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

}  // namespace caropig::templates
