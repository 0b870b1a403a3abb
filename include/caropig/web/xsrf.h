#pragma once

#include <caropig/web/handler.h>

#include <string>
#include <utility>

/// \file
/// A page of another site can make its visitors' browsers post a form here, with their cookies. It can't read what this
/// site sends, though: so a form must bring back a token that its page was given, and that a cookie holds too.
/// Compatible with Tornado: its cookies and tokens are taken here, and the other way round.
///
/// Once Application::security() was called, each request with another method than GET, HEAD and OPTIONS is checked:
/// - a RequestHandler by check_xsrf_cookie(), after the body was read and before prepare(). Override it for an API
/// whose
///   clients prove who they are otherwise than by a cookie;
/// - a function before it is called, unless it is xsrf_exempt(). For a coroutine, which reads its body itself, an
///   urlencoded body is read beforehand (reading it again gives the same); with any other body the token comes in a
///   header or in the query.
/// What has no route, or not that method, stays 404 or 405.
namespace caropig::web {

/// A token for this browser, to be sent back as the argument "_xsrf" or in the header X-Xsrftoken. The token is masked
/// anew in each call, so that compression betrays nothing about it (BREACH). Where the request brought no cookie, or
/// one that is none of ours, `response` sets it. As Tornado's xsrf_token, in its format 2.
[[nodiscard]] std::string xsrf_token(const Request& request, Response& response);

/// A hidden input field with the token, for each form of a page: `<input type="hidden" name="_xsrf" value="…"/>`.
[[nodiscard]] std::string xsrf_form_html(const Request& request, Response& response);
/// The same field with a token that is there already.
[[nodiscard]] std::string xsrf_field(std::string_view token);

/// Throws HttpError 403 unless the request brings a token that fits its cookie: as the argument "_xsrf" of query or
/// body, or in the header X-Xsrftoken or X-Csrftoken. For handlers that are exempt and check later, say when they have
/// read a streamed body. As Tornado's check_xsrf_cookie.
void check_xsrf(const Request& request);
/// The same with a token that was found elsewhere.
void check_xsrf(const Request& request, std::string_view token);

/// A handler whose requests are not checked: `app.post("/hook", xsrf_exempt(hook))`.
template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, Handler>)
[[nodiscard]] Handler xsrf_exempt(Callable&& callable) {
    Handler handler(std::forward<Callable>(callable));
    handler.endpoint()->exempt_from_xsrf();
    return handler;
}

}  // namespace caropig::web
