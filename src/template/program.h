#pragma once

#include "template/expression.h"
#include "template/html_context.h"
#include "template/statement.h"
#include <caropig/template/options.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// A template as it is run: one flat list of instructions, with everything that it extends and includes in its place.
namespace caropig::templates {

inline constexpr std::uint32_t kNowhere = 0xffffffff;

/// In `b` of an HTML-escaped kEmit: where a value that is HTML already is escaped like any other.
inline constexpr std::uint32_t kEscapeMarkup = 1;

/// Where an instruction comes from, and through which include or block.
struct Place {
    const LoadedFile* file = nullptr;
    int line = 0;
    std::uint32_t via = kNowhere;
};

struct Instruction {
    enum class Code : std::uint8_t {
        kText,        // writes `text`
        kEmit,        // writes the expression a, escaped; b: the function, or the text of the URL before it
        kModule,      // calls the module that the call a names; writes its result
        kSet,         // assigns the expression a to the targets b
        kJump,        // to a
        kJumpUnless,  // to b unless the expression a is true
        kLoopBegin,   // iterates over the expression a
        kLoopNext,    // assigns the next item to the target b, or goes to a
        kLoopEnd,     // forgets the innermost iteration
        kTick,        // counts a turn of a while
        kTryBegin,    // from here to kTryEnd, errors go to a
        kTryEnd,
        kCatch,         // goes to b if the error is none of the kinds a, a bit for each ErrorKind
        kCaught,        // the error is done with; a: the name it was given to, or kNowhere
        kErrorName,     // assigns the error's message to the name a
        kRaise,         // raises the error again
        kCallFinally,   // runs the finally at a, then goes on behind
        kRaiseFinally,  // runs what follows, then raises the error again
        kFinallyEnd,
        kFinallyLeft,  // a break or continue leaves a finally: what it would have gone on with is forgotten
        kApplyBegin,   // collects output; saves the names in the list b
        kApplyEnd,     // writes what the function a makes of it; restores the names in the list b
        kStop,
    };

    Code code = Code::kStop;
    Escape escape = Escape::kNone;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::uint32_t place = 0;
    std::string_view text;
};

/// What `for` and `set` assign to, flat: a name, or `count` targets from `first` on.
struct FlatTarget {
    std::uint32_t name = kNowhere;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

struct Program {
    std::string name;
    Limits limits;
    std::shared_ptr<const Environment> functions;
    std::vector<std::shared_ptr<const LoadedFile>> files;  // keeps all texts
    std::vector<Instruction> code;
    std::vector<Place> places;
    Expressions expressions;
    std::vector<FlatTarget> targets;
    std::vector<std::vector<std::uint32_t>> target_lists;  // of a set: targets from the left
    std::vector<std::vector<std::uint32_t>> name_lists;    // of an apply
    std::vector<std::string> prefixes;                     // of URLs
};

}  // namespace caropig::templates
