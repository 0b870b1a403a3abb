#include "web/spare_body.h"

#include <cstddef>
#include <utility>

namespace caropig::web {
namespace {

constexpr std::size_t kLeast = 256;                   // smaller ones are not worth keeping
constexpr std::size_t kMost = std::size_t{4} * 1024;  // larger ones are not kept

thread_local std::string spare;

}  // namespace

std::string SpareBody::take() {
    std::string body = std::exchange(spare, {});
    if (body.capacity() < kLeast) body.reserve(kLeast);
    return body;
}

void SpareBody::keep(std::string& body) noexcept {
    if (body.capacity() >= kLeast && body.capacity() <= kMost) spare.swap(body);
}

}  // namespace caropig::web
