#pragma once

#include "client/pool.h"
#include "client/response_decoder.h"
#include "client/response_reader.h"
#include <caropig/client/fetch_error.h>
#include <caropig/client/fetch_request.h>
#include <caropig/client/response.h>
#include <caropig/client/response_stream.h>

#include <memory>
#include <string>
#include <utility>

namespace caropig::client {

struct Tries;

/// One request and its answer while they last. It lives in one place, and the steps refer to it: each of thousands of
/// waiting fetches holds it once.
struct Exchange {
    /// `its_tries` may be null.
    Exchange(FetchRequest asked, TimePoint started, Tries* its_tries = nullptr);
    /// Forgets the answer, for `request` to be sent again or another one in its place; the deadline stays.
    void start_again();

    void prepare_reader();

    FetchRequest request;  ///< its body moves to the connection when it is sent
    FetchError::Phase phase = FetchError::Phase::kResolve;
    TimePoint deadline = TimePoint::max();  ///< of everything, retries and redirects too
    ResponseReader reader;
    Pool::Lease lease;
    std::unique_ptr<ResponseDecoder> decoder;  ///< null: the body is given as it comes
    Tries* tries = nullptr;                    ///< null: each request is sent as it is
    bool sent = false;                         ///< some of the request may have been taken
    bool heard = false;                        ///< a byte of the answer has come
    bool produced = false;                     ///< the body's producer has begun
    bool unsent = false;                       ///< the answer came before all of the request was sent
};

/// When a fetch of it that began then must have ended; max: never.
[[nodiscard]] TimePoint deadline_of(const FetchRequest& request, TimePoint started) noexcept;

/// A whole fetch, and one up to the head. `tries` outlives the task; null: each request is sent as it is. Throw
/// FetchError, StatusError, Cancelled.
Task<Response> fetch_through(Pool& pool, FetchRequest request, Tries* tries = nullptr);
Task<ResponseStream> open_through(Pool& pool, FetchRequest request, Tries* tries = nullptr);

/// Takes a connection, sends the request, and takes the answer until its head is complete. A connection that was used
/// before and turns out to be dead is replaced by a new one, once, where the request was not sent or is idempotent and
/// no byte of an answer has come (RFC 9110 9.2.2). Throws FetchError, Cancelled.
Task<void> begin_exchange(Pool& pool, Exchange& exchange);

/// Decodes what has come of the body since the last call, and looks at its end whether it is whole. Throws FetchError.
void decode_body(Exchange& exchange, std::string& out);
/// Throws FetchError if the coded body is not whole.
void check_decoded(const Exchange& exchange);
/// Decodes a piece of `coded`, as ResponseDecoder::decode_some(). Throws FetchError.
bool decode_piece(Exchange& exchange, std::string_view& coded, std::string& out);

/// When waiting for the next bytes of the body is over.
[[nodiscard]] TimePoint next_deadline(const Pool& pool, const Exchange& exchange) noexcept;

/// Takes what such a wait ended with into the reader. Throws FetchError.
void take_event(const Pool& pool, Exchange& exchange, Connection::Event event);

/// The answer is complete: gives the connection back, if it is clean.
void end_exchange(Exchange& exchange) noexcept;

}  // namespace caropig::client
