#pragma once

#include "template/script_context.h"

#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Where in an HTML page a value would stand. The literal text of a template is read as a browser reads it (HTML
/// standard, 13.2.5), as far as it decides about the place of values. The pieces of text come in the order in which
/// they are written; at a branch the context is copied, and joined behind it.
namespace caropig::templates {

/// How a value is made safe.
enum class Escape : std::uint8_t {
    kNone,
    kHtml,         ///< text, quoted attributes, comments
    kUrl,          ///< an attribute with a URL whose scheme the value may choose
    kScriptValue,  ///< an expression of a script
    kScriptText,   ///< inside of quotes of a script
    kStyle,        ///< a style sheet or a style attribute
    kFunction,     ///< {% autoescape name %}
};

/// What to do with a value at some place.
struct Placement {
    Escape escape = Escape::kHtml;
    std::string prefix;   ///< kUrl: what stands before it in the attribute
    std::string refusal;  ///< why a value cannot stand here; empty if it can
    bool text = false;    ///< between tags, where HTML can stand as it is
};

class HtmlContext {
public:
    /// Literal text that is written here.
    void feed(std::string_view text);

    /// How a value would have to be escaped here.
    [[nodiscard]] Placement placement() const;

    /// A value was written here, escaped as placement() says.
    void value_written();

    /// What is behind a branch: `this` at the end of one way and `other` at the end of another. Where they differ in
    /// what matters, values are refused from here on.
    void join(const HtmlContext& other, int line);

    friend bool operator==(const HtmlContext&, const HtmlContext&) = default;

private:
    enum class State : std::uint8_t {
        kText,
        kTagOpen,      // "<"
        kEndTagOpen,   // "</"
        kDeclaration,  // "<!", up to two characters to tell a comment
        kTagName,
        kTag,        // between attributes
        kTagJoined,  // a name or the space behind it, depending on a branch: a space, "/" or ">" has to follow
        kAttributeName,
        kAfterName,    // the space behind the name of an attribute
        kBeforeValue,  // "="
        kValue,
        kComment,
        kBogusComment,  // up to ">"
        kContent,       // of an element whose content is no markup
        kAmbiguous,
    };

    enum class Element : std::uint8_t { kOther, kScript, kStyle, kTitle, kTextarea };

    enum class Attribute : std::uint8_t { kPlain, kUrl, kStyle, kEvent, kDocument, kScriptType };

    enum class ScriptKind : std::uint8_t { kScript, kOther };

    void feed(char c);
    void text(char c);
    void tag_name(char c);
    void tag(char c);
    void before_value(char c);
    void value(char c);
    void url_char(char c);
    void comment(char c);
    void content(char c);
    void begin_tag(char c, bool end_tag);
    void begin_attribute(char c);
    void begin_value(char quote);
    void end_value();
    void end_tag();
    void give_up(std::string reason);
    [[nodiscard]] Attribute attribute_kind() const;
    [[nodiscard]] bool between_attributes() const noexcept;
    [[nodiscard]] Placement value_placement() const;

    State state_ = State::kText;
    Element element_ = Element::kOther;  // of the tag that is being read, or of the content
    Attribute attribute_ = Attribute::kPlain;
    ScriptKind script_kind_ = ScriptKind::kScript;
    char quote_ = '\0';
    bool closing_ = false;       // the tag is an end tag
    bool html_comment_ = false;  // "<!--" was seen in this script
    bool url_open_ = false;      // the URL's scheme is not decided yet
    bool url_dynamic_ = false;   // a value stands in the part before
    bool url_unsafe_ = false;    // the URL runs a script, or could
    std::string name_;           // of the tag or attribute that is being read
    std::string tag_;            // of the tag whose attributes are being read
    std::string recent_;         // the last characters, where several make one mark
    std::string literal_;        // of a URL up to its scheme, or the type of a script
    ScriptContext script_;
    std::string reason_;  // why the context is ambiguous
};

}  // namespace caropig::templates
