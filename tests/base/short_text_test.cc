#include "base/short_text.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

constexpr std::size_t kMost = 200;  // beyond the size from which memcpy() does it

std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('A' + i % 57);
    return text;
}

TEST(ShortText, IsCopiedAndNothingBesides) {
    for (std::size_t size = 0; size <= kMost; ++size) {
        const std::string text = text_of(size);
        std::string room(size + 2, '#');
        char* const end = copy_text(room.data() + 1, text);
        EXPECT_EQ(end, room.data() + 1 + size);
        EXPECT_EQ(room, "#" + text + "#") << size;
    }
}

TEST(ShortText, IsTheSameOnlyWhereEachByteIs) {
    for (std::size_t size = 0; size <= kMost; ++size) {
        // On the heap and of just this size, so that AddressSanitizer sees a byte too many being read.
        const std::string text = text_of(size);
        const std::vector<char> exact(text.begin(), text.end());
        const std::string_view other(exact.data(), exact.size());
        EXPECT_TRUE(same_text(text, other)) << size;
        EXPECT_FALSE(same_text(text, text_of(size + 1))) << size;
        for (std::size_t at = 0; at < size; ++at) {
            std::string changed = text;
            changed[at] = static_cast<char>(changed[at] ^ 0x40);
            EXPECT_FALSE(same_text(changed, other)) << size << " at " << at;
        }
    }
    EXPECT_TRUE(same_text({}, ""));
}

}  // namespace
}  // namespace caropig
