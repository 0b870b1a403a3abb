#include <caropig/template/error.h>

#include <fmt/format.h>

namespace caropig::templates {

std::string_view name_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::kName:
            return "NameError";
        case ErrorKind::kType:
            return "TypeError";
        case ErrorKind::kValue:
            return "ValueError";
        case ErrorKind::kKey:
            return "KeyError";
        case ErrorKind::kIndex:
            return "IndexError";
        case ErrorKind::kAttribute:
            return "AttributeError";
        case ErrorKind::kZeroDivision:
            return "ZeroDivisionError";
        case ErrorKind::kOverflow:
            return "OverflowError";
        case ErrorKind::kLimit:
            return "LimitError";
    }
    return "";
}

namespace {

std::string line_of(std::string_view file, int line, std::string_view message, std::string_view via) {
    std::string text = line == 0 ? fmt::format("{}: {}", file, message) : fmt::format("{}:{}: {}", file, line, message);
    if (!via.empty()) text += fmt::format(" (via {})", via);
    return text;
}

}  // namespace

TemplateError::TemplateError(std::string_view file, int line, std::string_view message, std::string_view via)
    : std::runtime_error(line_of(file, line, message, via)), file_(file), message_(message), line_(line) {}

}  // namespace caropig::templates
