#include "template/html_context.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool is_letter(char c) noexcept { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

constexpr std::array<std::string_view, 20> kUrlAttributes = {
    "action", "archive",  "background", "cite",     "classid", "codebase", "data",    "dynsrc", "formaction", "href",
    "icon",   "longdesc", "lowsrc",     "manifest", "ping",    "poster",   "profile", "src",    "usemap",     "xmlns"};

constexpr std::array<std::string_view, 14> kScriptTypes = {"",
                                                           "module",
                                                           "text/javascript",
                                                           "application/javascript",
                                                           "application/x-javascript",
                                                           "text/ecmascript",
                                                           "application/ecmascript",
                                                           "text/x-javascript",
                                                           "text/jscript",
                                                           "text/babel",
                                                           "application/json",
                                                           "application/ld+json",
                                                           "importmap",
                                                           "speculationrules"};

// "</script" and so on, what ends the content of an element.
std::string_view closer_of(std::size_t element) noexcept {
    static constexpr std::array<std::string_view, 5> kClosers = {"", "</script", "</style", "</title", "</textarea"};
    return kClosers[element];
}

}  // namespace

void HtmlContext::give_up(std::string reason) {
    state_ = State::kAmbiguous;
    reason_ = std::move(reason);
}

void HtmlContext::feed(std::string_view text) {
    for (const char c : text) feed(c);
}

void HtmlContext::feed(char c) {
    switch (state_) {
        case State::kText:
            if (c == '<') state_ = State::kTagOpen;
            break;
        case State::kTagOpen:
        case State::kEndTagOpen:
        case State::kDeclaration:
            text(c);
            break;
        case State::kTagName:
            tag_name(c);
            break;
        case State::kTagJoined:
            if (!is_space(c) && c != '/' && c != '>') {
                give_up("a name that depends on a branch goes on behind it");
                break;
            }
            state_ = State::kTag;
            [[fallthrough]];
        case State::kTag:
        case State::kAttributeName:
        case State::kAfterName:
            tag(c);
            break;
        case State::kBeforeValue:
            before_value(c);
            break;
        case State::kValue:
            value(c);
            break;
        case State::kComment:
            comment(c);
            break;
        case State::kBogusComment:
            if (c == '>') state_ = State::kText;
            break;
        case State::kContent:
            content(c);
            break;
        case State::kAmbiguous:
            break;
    }
}

void HtmlContext::text(char c) {
    if (state_ == State::kTagOpen) {
        if (is_letter(c)) {
            begin_tag(c, false);
        } else if (c == '/') {
            state_ = State::kEndTagOpen;
        } else if (c == '!') {
            state_ = State::kDeclaration;
            recent_.clear();
        } else if (c == '?') {
            state_ = State::kBogusComment;
        } else if (c != '<') {
            state_ = State::kText;
        }
        return;
    }
    if (state_ == State::kEndTagOpen) {
        if (is_letter(c)) {
            begin_tag(c, true);
        } else {
            state_ = c == '>' ? State::kText : State::kBogusComment;
        }
        return;
    }
    recent_ += c;
    if (recent_ == "--") {
        state_ = State::kComment;
    } else if (recent_ != "-") {
        recent_.clear();
        state_ = c == '>' ? State::kText : State::kBogusComment;
    }
}

void HtmlContext::begin_tag(char c, bool end_tag) {
    state_ = State::kTagName;
    closing_ = end_tag;
    name_.assign(1, to_lower(c));
    script_kind_ = ScriptKind::kScript;
}

void HtmlContext::tag_name(char c) {
    if (!is_space(c) && c != '/' && c != '>') {
        name_ += to_lower(c);
        return;
    }
    tag_ = std::exchange(name_, {});
    state_ = State::kTag;
    if (c == '>') end_tag();
}

// Between attributes, in the name of one, and behind it.
void HtmlContext::tag(char c) {
    const bool has_name = state_ != State::kTag;
    if (c == '>') {
        name_.clear();
        end_tag();
    } else if (c == '/') {
        name_.clear();
        state_ = State::kTag;
    } else if (is_space(c)) {
        if (state_ == State::kAttributeName) state_ = State::kAfterName;
    } else if (c == '=' && has_name) {
        state_ = State::kBeforeValue;
    } else if (state_ == State::kAttributeName) {
        name_ += to_lower(c);
    } else {
        begin_attribute(c);
    }
}

void HtmlContext::begin_attribute(char c) {
    state_ = State::kAttributeName;
    name_.assign(1, to_lower(c));
}

HtmlContext::Attribute HtmlContext::attribute_kind() const {
    std::string_view name = name_;
    if (name.starts_with("on")) return Attribute::kEvent;
    if (name == "style") return Attribute::kStyle;
    if (name == "srcdoc") return Attribute::kDocument;
    if (name == "type" && tag_ == "script") return Attribute::kScriptType;
    // xlink:href
    if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
    if (std::ranges::find(kUrlAttributes, name) != kUrlAttributes.end()) return Attribute::kUrl;
    // SVG animations write into other attributes.
    const bool animation = tag_ == "set" || tag_.starts_with("animate");
    const bool target = name == "to" || name == "from" || name == "by" || name == "values";
    return animation && target ? Attribute::kUrl : Attribute::kPlain;
}

void HtmlContext::begin_value(char quote) {
    state_ = State::kValue;
    quote_ = quote;
    attribute_ = attribute_kind();
    name_.clear();
    literal_.clear();
    url_open_ = attribute_ == Attribute::kUrl;
    url_dynamic_ = false;
    url_unsafe_ = false;
}

void HtmlContext::before_value(char c) {
    if (is_space(c)) return;
    if (c == '>') {
        name_.clear();
        end_tag();
    } else if (c == '"' || c == '\'') {
        begin_value(c);
    } else {
        begin_value('\0');
        value(c);
    }
}

void HtmlContext::value(char c) {
    const bool ends = quote_ != '\0' ? c == quote_ : is_space(c) || c == '>';
    if (!ends) {
        if (attribute_ == Attribute::kUrl) url_char(c);
        if (attribute_ == Attribute::kScriptType) literal_ += to_lower(c);
        return;
    }
    end_value();
    if (c == '>') end_tag();
}

void HtmlContext::end_value() {
    if (attribute_ == Attribute::kScriptType) {
        const std::string_view type = std::string_view(literal_).substr(0, literal_.find(';'));
        const bool known = std::ranges::find(kScriptTypes, type) != kScriptTypes.end() || type.ends_with("+json");
        script_kind_ = known && !url_dynamic_ ? ScriptKind::kScript : ScriptKind::kOther;
    }
    state_ = State::kTag;
    quote_ = '\0';
    attribute_ = Attribute::kPlain;
    url_open_ = url_dynamic_ = url_unsafe_ = false;
    literal_.clear();
}

// Follows a URL up to what decides about its scheme.
void HtmlContext::url_char(char c) {
    if (url_unsafe_) {
        literal_ += to_lower(c);
        return;
    }
    if (!url_open_) return;
    if (c == '/' || c == '?' || c == '#' || c == '\\') {
        url_open_ = false;
        literal_.clear();
        return;
    }
    if (c == ':') {
        std::string scheme;
        std::ranges::copy_if(literal_, std::back_inserter(scheme), [](char letter) { return !is_space(letter); });
        url_open_ = false;
        url_unsafe_ = url_dynamic_ || scheme == "javascript" || scheme == "vbscript" || scheme == "data";
        literal_ = url_unsafe_ && !url_dynamic_ ? scheme + ':' : "";
        return;
    }
    literal_ += to_lower(c);
}

void HtmlContext::end_tag() {
    name_.clear();
    state_ = State::kText;
    element_ = Element::kOther;
    if (!closing_) {
        if (tag_ == "script") element_ = Element::kScript;
        if (tag_ == "style") element_ = Element::kStyle;
        if (tag_ == "title") element_ = Element::kTitle;
        if (tag_ == "textarea") element_ = Element::kTextarea;
    }
    tag_.clear();
    closing_ = false;
    recent_.clear();
    if (element_ == Element::kOther) return;
    state_ = State::kContent;
    script_ = {};
    html_comment_ = false;
}

void HtmlContext::comment(char c) {
    if (c == '>' && recent_.starts_with('?')) {
        give_up("a comment that a value may have ended");
    } else if (c == '>' && (recent_.ends_with("--") || recent_.ends_with("--!"))) {
        recent_.clear();
        state_ = State::kText;
    } else if (c == '-' || c == '!') {
        recent_ += c;
        if (recent_.size() > 4) recent_.erase(0, 1);
    } else {
        recent_.clear();
    }
}

void HtmlContext::content(char c) {
    const std::string_view closer = closer_of(static_cast<std::size_t>(element_));
    if (recent_ == closer && (is_space(c) || c == '/' || c == '>')) {
        recent_.clear();
        tag_ = closer.substr(2);
        closing_ = true;
        state_ = State::kTag;
        script_ = {};
        script_kind_ = ScriptKind::kScript;
        html_comment_ = false;
        if (c == '>') end_tag();
        return;
    }
    // `recent_` is the beginning of a mark: what ends the element, or what changes how a script ends.
    if (c == '<') {
        recent_ = "<";
    } else if (!recent_.empty()) {
        recent_ += to_lower(c);
        const bool script = element_ == Element::kScript;
        const auto begins = [&](std::string_view mark) { return mark.starts_with(recent_); };
        if (!begins(closer) && !(script && (begins("<!--") || begins("<script")))) recent_.clear();
    }
    if (element_ != Element::kScript) return;
    script_.feed(c);
    if (recent_ == "<!--") {
        html_comment_ = true;
        recent_.clear();
        script_.begin_line_comment();
    } else if (recent_ == "<script") {
        if (html_comment_) give_up("'<!--' and '<script' inside of a script change where it ends");
        recent_.clear();
    }
}

Placement HtmlContext::value_placement() const {
    const auto refuse = [](std::string reason) { return Placement{Escape::kHtml, {}, std::move(reason)}; };
    if (quote_ == '\0') return refuse("the attribute's value has no quotes around it");
    switch (attribute_) {
        case Attribute::kEvent:
            return refuse("the attribute is an event handler, which is a script; put it into a data- attribute");
        case Attribute::kDocument:
            return refuse("srcdoc is a page of its own");
        case Attribute::kStyle:
            return {Escape::kStyle, {}, {}};
        case Attribute::kUrl:
            if (url_unsafe_) {
                // A picture is data and runs nothing; SVG is no picture but a document.
                const bool picture = literal_.starts_with("data:image/") && !literal_.starts_with("data:image/svg") &&
                                     literal_.find(',') != std::string::npos;
                if (picture) return {Escape::kHtml, {}, {}};
                return refuse("the URL's scheme may run a script");
            }
            return url_open_ ? Placement{Escape::kUrl, literal_, {}} : Placement{Escape::kHtml, {}, {}};
        default:
            return {Escape::kHtml, {}, {}};
    }
}

Placement HtmlContext::placement() const {
    const auto refuse = [](std::string reason) { return Placement{Escape::kHtml, {}, std::move(reason)}; };
    switch (state_) {
        case State::kText:
            return {Escape::kHtml, {}, {}, true};
        case State::kBogusComment:
        case State::kComment:
            return {Escape::kHtml, {}, {}};
        case State::kTagOpen:
        case State::kEndTagOpen:
        case State::kDeclaration:
        case State::kTagName:
            return refuse("it would be the name of a tag");
        case State::kTag:
        case State::kTagJoined:
        case State::kAttributeName:
        case State::kAfterName:
            return refuse("it would be the name of an attribute; use {% if %} around the attribute");
        case State::kBeforeValue:
            return refuse("the attribute's value has no quotes around it");
        case State::kValue:
            return value_placement();
        case State::kAmbiguous:
            return refuse(reason_);
        case State::kContent:
            break;
    }
    if (!recent_.empty()) return refuse("it would complete a tag");
    switch (element_) {
        case Element::kStyle:
            return {Escape::kStyle, {}, {}};
        case Element::kScript:
            break;
        default:
            return {Escape::kHtml, {}, {}};
    }
    if (script_kind_ == ScriptKind::kOther) return refuse("the script is neither JavaScript nor JSON");
    switch (script_.place()) {
        case ScriptContext::Place::kCode:
            return {Escape::kScriptValue, {}, {}};
        case ScriptContext::Place::kText:
            return {Escape::kScriptText, {}, {}};
        default:
            return refuse(
                "the place in the script is a regular expression, a name, a ${...}, or behind what could not be read");
    }
}

void HtmlContext::value_written() {
    if (state_ == State::kComment) recent_ = "?";
    if (state_ == State::kContent) {
        recent_.clear();
        script_.value_written();
    }
    if (state_ == State::kBeforeValue) begin_value('\0');
    if (state_ == State::kValue) url_dynamic_ = true;
}

bool HtmlContext::between_attributes() const noexcept {
    return state_ == State::kTag || state_ == State::kTagJoined || state_ == State::kAttributeName ||
           state_ == State::kAfterName || state_ == State::kTagName;
}

void HtmlContext::join(const HtmlContext& other, int line) {
    if (*this == other || state_ == State::kAmbiguous) return;
    if (other.state_ == State::kAmbiguous) {
        *this = other;
        return;
    }
    const auto tag_of = [](const HtmlContext& context) -> const std::string& {
        return context.state_ == State::kTagName ? context.name_ : context.tag_;
    };
    // <input{% if on %} checked{% end %}>
    if (between_attributes() && other.between_attributes() && tag_of(*this) == tag_of(other) &&
        closing_ == other.closing_ && script_kind_ == other.script_kind_) {
        tag_ = std::string(tag_of(*this));
        name_.clear();
        state_ = State::kTagJoined;
        return;
    }
    // Whether the scheme of a URL is decided may depend on a branch; then it is not, and data stands before.
    HtmlContext open = other;
    open.url_open_ = url_open_;
    open.url_dynamic_ = url_dynamic_;
    open.literal_ = literal_;
    if (state_ == State::kValue && attribute_ == Attribute::kUrl && *this == open && !url_unsafe_) {
        url_open_ = true;
        url_dynamic_ = true;
        literal_.clear();
        return;
    }
    give_up(fmt::format("the branches of line {} end at different places of the page", line));
}

}  // namespace caropig::templates
