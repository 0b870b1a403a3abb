#pragma once

/// \file
/// Entity tags of responses that a program makes, so that a client that has one already is not sent it again.
namespace caropig::web {

class Request;
class Response;

/// Names the content of a response of 200 to GET or HEAD by its SHA-1, unless it has an ETag already, and turns the
/// response into a 304 without a body when the request's preconditions say that the client has it (412 when they say
/// that it has another). The response was made all the same: what this saves is the way to the client. Streamed and
/// shared bodies are left alone. As Tornado's automatic ETag, to the byte.
void set_etag_and_check(const Request& request, Response& response);

}  // namespace caropig::web
