#include "web/error_page.h"

#include "template/escape.h"
#include <caropig/db/error.h>
#include <caropig/http/status.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/web/http_error.h>

#include <string_view>

namespace caropig::web {

int status_of(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const HttpError& http_error) {
        return http_error.status();
    } catch (const ThreadPoolFull&) {
        return 503;
    } catch (const db::Error& error) {
        using Kind = db::Error::Kind;
        return error.kind() == Kind::kUnavailable || error.kind() == Kind::kTimeout || error.kind() == Kind::kBroken
                   ? 503
                   : 500;
    } catch (...) {
        return 500;
    }
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

Response error_page(int status, const std::string& detail) {
    std::string title = std::to_string(status) + ": " + std::string(http::reason_phrase(status));
    std::string page = "<html><title>" + title + "</title><body>" + title;
    if (!detail.empty()) {
        page += "<pre>";
        templates::append_html(page, detail);
        page += "</pre>";
    }
    page += "</body></html>";
    Response response(status, std::move(page));
    if (status == 503) response.header("Retry-After", "1");
    return response;
}

}  // namespace caropig::web
