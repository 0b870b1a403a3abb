#include <caropig/web/application.h>
#include <caropig/web/json.h>

#include <iostream>

using namespace caropig;

Task<web::Response> user(web::Request& request) { co_return web::json_response({{"id", request.param("id")}}); }

int main() {
    web::Application app;
    app.get("/users/{id:int}", user, "user");
    std::cout << app.reverse_url("user", 7) << "\n";
}
