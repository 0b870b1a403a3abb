#include "client/random.h"

#include <caropig/base/check.h>

#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <openssl/rand.h>

namespace caropig::client {

std::string random_hex(std::size_t bytes) {
    std::vector<unsigned char> random(bytes);
    CAROPIG_CHECK(::RAND_bytes(random.data(), static_cast<int>(bytes)) == 1, "OpenSSL has no random bytes");
    return fmt::format("{:02x}", fmt::join(random, ""));
}

}  // namespace caropig::client
