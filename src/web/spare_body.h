#pragma once

#include <cstddef>
#include <string>

namespace caropig::web {

/// The string that a response of this thread was sent from, for the next one that is written piece by piece: so that
/// neither an allocation nor growing is part of a small answer.
class SpareBody {
public:
    /// One with room, which has been given back where there is such; what is in it does not matter.
    [[nodiscard]] static std::string take();

    /// After the response was sent, or moved from. The shortest ones, which most often have no memory of their own, are
    /// told by their size alone.
    static void give_back(std::string& body) noexcept {
        if (body.size() > kInPlace) keep(body);
    }

private:
    static constexpr std::size_t kInPlace = 15;

    static void keep(std::string& body) noexcept;
};

}  // namespace caropig::web
