#include <caropig/base/check.h>
#include <caropig/web/handler.h>
#include <caropig/web/request_handler.h>

namespace caropig::web::detail {

Response Endpoint::call(Request&) { CAROPIG_CHECK(false, "this handler does not answer at once"); }
Task<Response> Endpoint::call_later(Request&) { CAROPIG_CHECK(false, "this handler is no coroutine"); }
std::unique_ptr<RequestHandler> Endpoint::make_handler() { CAROPIG_CHECK(false, "this handler is no class"); }
Task<int> Endpoint::answer(server::Exchange&) { CAROPIG_CHECK(false, "this handler does not answer by itself"); }

}  // namespace caropig::web::detail
