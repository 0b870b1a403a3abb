#include <caropig/base/bytes.h>
#include <caropig/base/check.h>
#include <caropig/base/error.h>

#include <array>
#include <cerrno>
#include <string>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig {
namespace {

TEST(IoError, NamesTheOperationAndThePeer) {
    IoError error(errno_code(ECONNREFUSED), "connect to 127.0.0.1:80");
    EXPECT_STREQ(error.what(), "connect to 127.0.0.1:80: Connection refused");
    EXPECT_EQ(error.operation(), "connect to 127.0.0.1:80");
    EXPECT_EQ(error.code(), std::errc::connection_refused);
    EXPECT_EQ(error.code().value(), ECONNREFUSED);
}

TEST(IoError, IsCaughtAsWhatItDerivesFrom) {
    EXPECT_THROW(throw IoError(errno_code(EPIPE), "write"), std::system_error);
    EXPECT_THROW(throw TimeoutError("wait of 5 s"), IoError);
    EXPECT_THROW(throw LimitError("max_waiting"), std::runtime_error);
}

TEST(IoError, SurvivesACopy) {
    std::exception_ptr kept;
    {
        IoError error(errno_code(EPIPE), std::string(100, 'o'));
        IoError copy = error;
        kept = std::make_exception_ptr(copy);
    }
    try {
        std::rethrow_exception(kept);
    } catch (const IoError& error) {
        EXPECT_EQ(error.operation(), std::string(100, 'o'));
        EXPECT_THAT(error.what(), testing::HasSubstr("Broken pipe"));
    }
}

TEST(TimeoutError, IsTimedOutAndNamesTheWait) {
    TimeoutError error("read from 127.0.0.1:80 (5000 ms)");
    EXPECT_EQ(error.code(), std::errc::timed_out);
    EXPECT_THAT(error.what(), testing::StartsWith("read from 127.0.0.1:80 (5000 ms)"));
}

TEST(ErrnoCode, OfZeroIsNoError) {
    EXPECT_FALSE(errno_code(0));
    EXPECT_TRUE(errno_code(EAGAIN));
    EXPECT_EQ(errno_code(EAGAIN), std::errc::resource_unavailable_try_again);
}

TEST(Cancelled, IsNotCaughtAsAStandardException) {
    static_assert(!std::is_base_of_v<std::exception, Cancelled>);
    bool passed = false;
    try {
        try {
            throw Cancelled();
        } catch (const std::exception&) {
            ADD_FAILURE() << "a handler would swallow it";
        }
    } catch (const Cancelled&) {
        passed = true;
    }
    EXPECT_TRUE(passed);
}

TEST(Check, EvaluatesItsConditionOnceAndGoesOn) {
    int count = 0;
    CAROPIG_CHECK(++count == 1, "once");
    EXPECT_EQ(count, 1);
}

TEST(CheckDeathTest, SaysWhereAndWhat) {
    int one = 1;
    EXPECT_DEATH(CAROPIG_CHECK(one == 2, std::string("the message %s")),
                 "error_test\\.cc:[0-9]+: check failed: one == 2: the message %s");
}

TEST(Bytes, ViewTheSameMemory) {
    std::string text("a\0b", 3);
    ConstBytes bytes = as_bytes(text);
    EXPECT_EQ(bytes.size(), 3u);
    EXPECT_EQ(static_cast<const void*>(bytes.data()), text.data());
    EXPECT_EQ(as_text(bytes), text);
    EXPECT_TRUE(as_bytes("").empty());
    EXPECT_EQ(as_text({}), "");
}

}  // namespace
}  // namespace caropig
