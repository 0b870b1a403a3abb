#include "support/captured_log.h"
#include <caropig/base/log.h>

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::log {
namespace {

using namespace std::string_literals;
using support::CapturedLog;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::MatchesRegex;

/// Puts the level back.
class Log : public testing::Test {
protected:
    ~Log() override { set_level(Level::kInfo); }
};

TEST_F(Log, LevelsHaveNames) {
    EXPECT_EQ(parse_level("debug"), Level::kDebug);
    EXPECT_EQ(parse_level("info"), Level::kInfo);
    EXPECT_EQ(parse_level("warning"), Level::kWarning);
    EXPECT_EQ(parse_level("warn"), Level::kWarning);
    EXPECT_EQ(parse_level("error"), Level::kError);
    EXPECT_EQ(parse_level("off"), Level::kOff);
    for (std::string_view name : {"", "INFO", "info ", "trace", "0"})
        EXPECT_EQ(parse_level(name), std::nullopt) << name;
}

TEST_F(Log, LinesBelowTheLevelAreDropped) {
    for (Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError, Level::kOff}) {
        set_level(level);
        CapturedLog log;
        for (Level each : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
            EXPECT_EQ(enabled(each), each >= level);
            std::size_t before = log.lines().size();
            write(each, "application", "line");
            EXPECT_EQ(log.lines().size() - before, each >= level ? 1u : 0u);
        }
    }
}

TEST_F(Log, ShortFormsWriteToTheGeneralChannel) {
    set_level(Level::kDebug);
    std::vector<Level> levels;
    Sink before = set_sink([&](Level level, std::string_view channel, std::string_view message) {
        EXPECT_EQ(channel, "general");
        EXPECT_EQ(message, "line");
        levels.push_back(level);
    });
    debug("line");
    info("line");
    warning("line");
    error("line");
    set_sink(std::move(before));
    EXPECT_THAT(levels, ElementsAre(Level::kDebug, Level::kInfo, Level::kWarning, Level::kError));
}

TEST_F(Log, ControlCharactersAreEscaped) {
    CapturedLog log;
    write(Level::kInfo, "access", "a\nb\r\n[E] forged\t\x1b[31m\x7f"s + '\0' + "end");
    write(Level::kInfo, "access", "成功 é ~ \\");
    write(Level::kInfo, "access",
          "\xc2\x9b"
          "31m \xc2\x85 \xc2\xa0 \xc2");
    EXPECT_THAT(log.lines(), ElementsAre("access: a\\x0ab\\x0d\\x0a[E] forged\\x09\\x1b[31m\\x7f\\x00end",
                                         "access: 成功 é ~ \\", "access: \\xc2\\x9b31m \\xc2\\x85 \xc2\xa0 \xc2"));
}

TEST_F(Log, SinksAreSwapped) {
    CapturedLog outer;
    info("1");
    {
        CapturedLog inner;
        info("2");
        EXPECT_THAT(inner.lines(), ElementsAre("general: 2"));
    }
    info("3");
    EXPECT_THAT(outer.lines(), ElementsAre("general: 1", "general: 3"));
}

TEST_F(Log, WithoutASinkLinesGoToStandardErrorInTornadosForm) {
    Sink before = set_sink({});
    testing::internal::CaptureStderr();
    write(Level::kWarning, "access", "404 GET /{} %s");
    write(Level::kDebug, "access", "dropped");
    std::string text = testing::internal::GetCapturedStderr();
    set_sink(std::move(before));
    EXPECT_THAT(text, MatchesRegex("\\[W [0-9]{6} [0-9]{2}:[0-9]{2}:[0-9]{2} access\\] 404 GET /\\{\\} %s\n"));
}

TEST_F(Log, ThreadsWriteWholeLines) {
    CapturedLog log;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([i] {
            for (int line = 0; line < 200; ++line) info(std::string(50, static_cast<char>('a' + i)));
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<std::string> lines = log.lines();
    EXPECT_EQ(lines.size(), 800u);
    for (const std::string& line : lines) EXPECT_THAT(line, MatchesRegex("general: (a+|b+|c+|d+)"));
}

}  // namespace
}  // namespace caropig::log
