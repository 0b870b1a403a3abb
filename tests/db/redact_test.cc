#include "db/redact.h"

#include <gtest/gtest.h>

namespace caropig::db {
namespace {

TEST(RedactValues, TakesOutWhatIsQuoted) {
    EXPECT_EQ(redact_values("Incorrect integer value: 'x' for column `shop`.`t`.`n` at row 1"),
              "Incorrect integer value: '...' for column `shop`.`t`.`n` at row 1");
    EXPECT_EQ(redact_values("invalid input syntax for type integer: \"x\""),
              "invalid input syntax for type integer: \"...\"");
    EXPECT_EQ(redact_values("Duplicate entry '' for key 'a'"), "Duplicate entry '...'");
}

TEST(RedactValues, IsNotFooledByQuotesInValues) {
    EXPECT_EQ(redact_values("Duplicate entry 'it's a secret' for key 'name'"), "Duplicate entry '...'");
    EXPECT_EQ(redact_values("value 'a\" secret' is bad"), "value '...' is bad");
    EXPECT_EQ(redact_values("value \"a' secret\" is bad"), "value \"...\" is bad");
}

TEST(RedactValues, OfACutOffMessageNothingAfterTheQuoteIsLeft) {
    EXPECT_EQ(redact_values("Duplicate entry 'secret"), "Duplicate entry '...");
}

TEST(RedactValues, LeavesAloneWhatHasNoQuotes) {
    EXPECT_EQ(redact_values("Deadlock found; try again"), "Deadlock found; try again");
    EXPECT_EQ(redact_values("CONSTRAINT `positive` failed for `shop`.`t`"),
              "CONSTRAINT `positive` failed for `shop`.`t`");
    EXPECT_EQ(redact_values(""), "");
}

}  // namespace
}  // namespace caropig::db
