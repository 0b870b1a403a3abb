#include "http/h1/connection_state.h"

#include <gtest/gtest.h>

namespace caropig::http::h1 {
namespace {

using enum SideEvent;

TEST(ConnectionState, ExchangesFollowEachOther) {
    ConnectionState state;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(state.may_start_request());
        EXPECT_TRUE(state.client_event(kHeadWithBody));
        EXPECT_FALSE(state.may_start_request());
        EXPECT_TRUE(state.client_event(kBodyEnd));
        EXPECT_TRUE(state.server_event(kHeadWithBody));
        EXPECT_FALSE(state.reusable());
        EXPECT_FALSE(state.start_next_exchange());
        EXPECT_TRUE(state.server_event(kBodyEnd));
        EXPECT_TRUE(state.reusable());
        EXPECT_TRUE(state.start_next_exchange());
    }
}

TEST(ConnectionState, EarlyResponseIsNotReusableBeforeTheBodyEnds) {
    ConnectionState state;
    state.client_event(kHeadWithBody);
    EXPECT_TRUE(state.server_event(kHeadAlone));
    EXPECT_FALSE(state.reusable());
    EXPECT_TRUE(state.client_event(kBodyEnd));
    EXPECT_TRUE(state.reusable());
}

TEST(ConnectionState, Rfc9112_9_6_CloseEndsBothSides) {
    ConnectionState state;
    state.client_event(kHeadAlone);
    state.disable_keep_alive();
    EXPECT_EQ(state.client(), SideState::kMustClose);
    state.server_event(kHeadAlone);
    EXPECT_EQ(state.server(), SideState::kMustClose);
    EXPECT_FALSE(state.reusable());
    EXPECT_TRUE(state.server_event(kEof));
    EXPECT_EQ(state.server(), SideState::kClosed);
}

TEST(ConnectionState, ClientMayFinishSendingAndStillBeAnswered) {
    ConnectionState state;
    state.client_event(kHeadAlone);
    EXPECT_TRUE(state.client_event(kEof));
    EXPECT_TRUE(state.server_event(kHeadWithBody));
    EXPECT_TRUE(state.server_event(kBodyEnd));
    EXPECT_EQ(state.server(), SideState::kMustClose);
    EXPECT_FALSE(state.start_next_exchange());
}

TEST(ConnectionState, EndInABodyIsAnError) {
    ConnectionState state;
    state.client_event(kHeadWithBody);
    EXPECT_FALSE(state.client_event(kEof));
    EXPECT_EQ(state.client(), SideState::kError);
    EXPECT_TRUE(state.server_event(kHeadAlone));  // it may still say what was wrong
    EXPECT_EQ(state.server(), SideState::kMustClose);
}

TEST(ConnectionState, FaultIsAnsweredAndThenCloses) {
    ConnectionState state;
    EXPECT_TRUE(state.client_event(kFault));
    EXPECT_TRUE(state.server_event(kHeadAlone));
    EXPECT_EQ(state.server(), SideState::kMustClose);
    EXPECT_FALSE(state.may_start_request());
}

TEST(ConnectionState, IdleServerThatClosesEndsTheClient) {
    ConnectionState state;
    EXPECT_TRUE(state.server_event(kEof));
    EXPECT_EQ(state.client(), SideState::kMustClose);
    EXPECT_FALSE(state.may_start_request());
}

TEST(ConnectionState, EverythingElseIsRefused) {
    for (const SideEvent event : {kBodyEnd}) {
        ConnectionState state;
        EXPECT_FALSE(state.client_event(event));
        EXPECT_EQ(state.client(), SideState::kError);
    }
    for (const SideEvent event : {kHeadWithBody, kHeadAlone, kBodyEnd}) {
        ConnectionState done;
        done.client_event(kHeadAlone);
        EXPECT_FALSE(done.client_event(event));
        ConnectionState unasked;
        EXPECT_FALSE(unasked.server_event(event));
        EXPECT_EQ(unasked.server(), SideState::kError);
        ConnectionState closed;
        closed.client_event(kEof);
        EXPECT_FALSE(closed.client_event(event));
    }
    for (const SideEvent event : {kHeadWithBody, kHeadAlone}) {
        ConnectionState sending;
        sending.client_event(kHeadWithBody);
        EXPECT_FALSE(sending.client_event(event));
    }
}

}  // namespace
}  // namespace caropig::http::h1
