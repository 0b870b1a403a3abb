#include "web/digest.h"
#include "web/error_page.h"
#include "web/response_coding.h"
#include "web/response_sender.h"
#include <caropig/http/preconditions.h>
#include <caropig/web/application.h>
#include <caropig/web/etag.h>
#include <caropig/web/request.h>
#include <caropig/web/response.h>

#include <optional>
#include <string>

namespace caropig::web {

void set_etag_and_check(const Request& request, Response& response) {
    const bool reads = request.method() == http::Method::kGet || request.method() == http::Method::kHead;
    if (!reads || response.status() != 200 || ResponseSender::is_special(response)) return;
    if (!response.headers().find("ETag")) response.header("ETag", "\"" + sha1_hex(response.body()) + "\"");
    const std::string etag(*response.headers().find("ETag"));
    const http::Validators current{etag, std::nullopt};
    switch (http::check_preconditions(request.method(), request.headers(), current)) {
        case http::Precondition::kPassed:
            return;
        case http::Precondition::kFailed:
            response = error_page(412);
            return;
        case http::Precondition::kNotModified:
            break;
    }
    if (const auto& compression = request.application().compression()) {
        ResponseCoding::announce(*compression, request.headers(), response);  // as the 200 would say (RFC 9110 15.4.5)
    }
    response.status(304).content_type({});
    for (const char* name : {"Content-Encoding", "Content-Language"}) response.remove_header(name);
    (void)ResponseSender::take_body(response);
}

}  // namespace caropig::web
