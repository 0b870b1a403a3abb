#include "web/password_hash.h"
#include <caropig/async/when_all.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/web/password.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

namespace caropig::web {
namespace {

using testing::StartsWith;

/// As cheap as it gets: what is tested is not how slow it is.
PasswordOptions cheap() { return PasswordOptions().operations(1).memory_bytes(8192).threads(1); }

class Passwords : public testing::Test {
protected:
    std::string hash(PasswordHasher& hasher, std::string password) {
        return loop_.run_until(hasher.hash(std::move(password)));
    }
    bool verify(PasswordHasher& hasher, std::optional<std::string> hash, std::string password) {
        return loop_.run_until(hasher.verify(std::move(hash), std::move(password)));
    }

    Loop loop_;
    PasswordHasher hasher_{cheap()};
};

TEST_F(Passwords, AreVerified) {
    std::string stored = hash(hasher_, "correct horse");
    EXPECT_THAT(stored, StartsWith("$argon2id$v=19$m=8,t=1,p=1$"));
    EXPECT_LT(stored.size(), 128u);
    EXPECT_TRUE(verify(hasher_, stored, "correct horse"));
    EXPECT_FALSE(verify(hasher_, stored, "correct horsf"));
    EXPECT_FALSE(verify(hasher_, stored, "correct hors"));
    EXPECT_FALSE(verify(hasher_, stored, ""));
    EXPECT_NE(hash(hasher_, "correct horse"), stored) << "each has a salt of its own";
}

TEST_F(Passwords, MayHaveAnyBytes) {
    std::string password("\0\xff ö\n", 6);
    std::string stored = hash(hasher_, password);
    EXPECT_TRUE(verify(hasher_, stored, password));
    EXPECT_FALSE(verify(hasher_, stored, std::string("\0\xff", 2)));
    EXPECT_TRUE(verify(hasher_, hash(hasher_, ""), ""));
}

TEST_F(Passwords, OfNobodyAndOfNoHashAreFalse) {
    EXPECT_FALSE(verify(hasher_, std::nullopt, "password"));
    for (const char* text : {"", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"}) {
        EXPECT_FALSE(verify(hasher_, text, "password")) << text;
    }
}

TEST_F(Passwords, OfNobodyTakeTheSameWork) {
    std::string nobody = hash_of_nobody(3, std::size_t{16} * 1024);
    EXPECT_EQ(crypto_pwhash_str_needs_rehash(nobody.c_str(), 3, std::size_t{16} * 1024), 0)
        << "it has the form and the costs of a real one";
    errno = 0;
    EXPECT_EQ(crypto_pwhash_str_verify(nobody.c_str(), "a", 1), -1);
    EXPECT_EQ(errno, EINVAL) << "which is libsodium's word for: computed, and not equal";
    EXPECT_NE(hash_of_nobody(1, 8192), hash_of_nobody(1, 8192));
}

TEST_F(Passwords, HaveALimit) {
    PasswordHasher hasher(cheap().max_password_bytes(8));
    std::string stored = hash(hasher, "12345678");
    EXPECT_TRUE(verify(hasher, stored, "12345678"));
    EXPECT_FALSE(verify(hasher, stored, "123456789"));
    EXPECT_THROW(hash(hasher, "123456789"), LimitError);
    EXPECT_NO_THROW(hash(hasher_, std::string(1024, 'a')));
    EXPECT_THROW(hash(hasher_, std::string(1025, 'a')), LimitError);
}

TEST_F(Passwords, OfOtherCostsAreVerifiedAndFoundOut) {
    PasswordHasher dearer(PasswordOptions().operations(2).memory_bytes(16384).threads(1));
    std::string stored = hash(hasher_, "password");
    EXPECT_TRUE(verify(dearer, stored, "password"));
    EXPECT_TRUE(dearer.needs_rehash(stored));
    EXPECT_FALSE(hasher_.needs_rehash(stored));
    EXPECT_FALSE(dearer.needs_rehash(hash(dearer, "password")));
    EXPECT_TRUE(hasher_.needs_rehash("no hash"));
}

TEST_F(Passwords, TooManyAtATimeAreRefused) {
    PasswordHasher hasher(cheap().queue_limit(1));
    auto many = [&hasher]() -> Task<int> {
        std::vector<Task<bool>> tasks;
        for (int i = 0; i < 50; ++i) {
            auto attempt = [](PasswordHasher& shared) -> Task<bool> {
                try {
                    co_await shared.hash("password");
                } catch (const ThreadPoolFull&) {
                    co_return false;
                }
                co_return true;
            };
            tasks.push_back(attempt(hasher));
        }
        std::vector<bool> results = co_await when_all(std::move(tasks));
        int done = 0;
        for (bool each : results) done += each ? 1 : 0;
        co_return done;
    };
    int done = loop_.run_until(many());
    EXPECT_GE(done, 1);
    EXPECT_LT(done, 50) << "one is hashed and one may wait; the rest is refused at once";
}

TEST_F(Passwords, OptionsAreLibsodiums) {
    EXPECT_THROW(PasswordHasher(cheap().operations(0)), std::invalid_argument);
    EXPECT_THROW(PasswordHasher(cheap().memory_bytes(8191)), std::invalid_argument);
    EXPECT_THROW(PasswordHasher(cheap().threads(0)), std::invalid_argument);
    PasswordOptions defaults;
    EXPECT_EQ(defaults.operations(), crypto_pwhash_OPSLIMIT_INTERACTIVE);
    EXPECT_EQ(defaults.memory_bytes(), crypto_pwhash_MEMLIMIT_INTERACTIVE);
}

}  // namespace
}  // namespace caropig::web
