#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/value.h>

#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Text made harmless for the place where it stands. The functions that Tornado has too give the same bytes.
namespace caropig::templates {

/// Tornado's xhtml_escape: & < > " '.
void append_html(std::string& out, std::string_view text);

/// Tornado's url_escape.
std::string url_escape(std::string_view text, bool plus);

/// Tornado's json_encode: json.dumps(), with "</" as "<\/".
std::string json_encode(const Value& value);

/// Tornado's squeeze: runs of control characters and blanks as one blank, none at the ends.
std::string squeeze(std::string_view text);

/// Tornado's linkify, in linear time. The result is HTML, but a plain string as in Tornado: write it with {% raw %}.
std::string linkify(const Arguments& arguments);

/// A value as an expression of JavaScript or as JSON, for the inside of a <script>: nothing in it ends the element or
/// the line.
void append_script_value(std::string& out, const Value& value);

/// A value inside of quotes of JavaScript or JSON: "..." '...' or `...`.
void append_script_text(std::string& out, std::string_view text);

/// How much of a URL stands before a value in an attribute.
enum class UrlPart : std::uint8_t {
    kScheme,  ///< nothing, or what could be the first letters of a scheme
    kRest,    ///< a scheme, a slash, a question mark: the value cannot choose a scheme any more
};

/// What is written for a URL that would run a script: it leads nowhere.
inline constexpr std::string_view kBlockedUrl = "about:invalid#blocked";

/// A value in a URL attribute: kBlockedUrl unless `text` is relative or has the scheme http, https or mailto; escaped
/// as HTML. `prefix` is what stands before it in the attribute.
void append_url(std::string& out, std::string_view prefix, std::string_view text);

/// What is written for a value that could leave its place in a style sheet: an identifier that means nothing.
inline constexpr std::string_view kBlockedStyle = "blocked";

/// A value in a <style> or a style attribute: kBlockedStyle unless it is made of letters, digits, blanks and #.%,+-_.
void append_style(std::string& out, std::string_view text);

}  // namespace caropig::templates
