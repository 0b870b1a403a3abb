#include "web/json_text.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

TEST(JsonText, IsWhatBoostMakesOfScalars) {
    const boost::json::value values[] = {nullptr,
                                         true,
                                         false,
                                         0,
                                         -1,
                                         std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max(),
                                         std::numeric_limits<std::uint64_t>::max(),
                                         0.0,
                                         -0.0,
                                         1.0,
                                         0.1,
                                         -1e300,
                                         5e-324,
                                         std::numeric_limits<double>::infinity(),
                                         std::numeric_limits<double>::quiet_NaN(),
                                         "",
                                         boost::json::array{},
                                         boost::json::object{}};
    for (const boost::json::value& value : values) EXPECT_EQ(json_text(value), boost::json::serialize(value));
}

TEST(JsonText, EscapesEachByteAtEachPlaceAsBoost) {
    for (std::size_t size = 1; size <= 20; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string text(size, 'x');
                text[at] = static_cast<char>(byte);
                const boost::json::value value{{text, text}};
                ASSERT_EQ(json_text(value), boost::json::serialize(value)) << size << " at " << at << ": " << byte;
            }
        }
    }
}

TEST(JsonText, GrowsWithWhatItWrites) {
    for (std::size_t size = 0; size <= 1100; ++size) {
        const std::string clean(size, 'x');
        const boost::json::value values[] = {boost::json::value(clean), boost::json::value(std::string(size, '\n')),
                                             boost::json::value(boost::json::array(size, -12345678)),
                                             boost::json::value{{clean, clean}, {"a", {clean, nullptr}}}};
        for (const boost::json::value& value : values) ASSERT_EQ(json_text(value), boost::json::serialize(value));
    }
}

/// Values of every kind within each other.
class RandomValues {
public:
    boost::json::value next(int depth = 0) {
        switch (below(depth < 5 ? 8 : 6)) {
            case 0:
                return nullptr;
            case 1:
                return below(2) == 0;
            case 2:
                return static_cast<std::int64_t>(random_()) >> below(63);
            case 3:
                return std::uint64_t{random_()} >> below(63);
            case 4:
                return std::normal_distribution<double>(0, 1000)(random_);
            case 5:
                return boost::json::value(text());
            case 6: {
                boost::json::array array;
                for (std::size_t left = below(6); left > 0; --left) array.push_back(next(depth + 1));
                return array;
            }
            default: {
                boost::json::object object;
                for (std::size_t left = below(6); left > 0; --left) object.insert_or_assign(text(), next(depth + 1));
                return object;
            }
        }
    }

private:
    std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

    std::string text() {
        std::string text(below(40), '\0');
        const bool plain = below(3) != 0;
        for (char& c : text) c = plain ? static_cast<char>('a' + below(26)) : static_cast<char>(below(256));
        return text;
    }

    std::mt19937_64 random_{20261124};
};

TEST(JsonText, IsWhatBoostMakesOfAnything) {
    RandomValues random;
    for (int round = 0; round < 3000; ++round) {
        const boost::json::value value = random.next();
        ASSERT_EQ(json_text(value), boost::json::serialize(value));
    }
}

}  // namespace
}  // namespace caropig::web
