#pragma once

#include <string>
#include <string_view>

namespace caropig::web {

/// SHA-512 in lower-case hexadecimal digits: what Tornado makes versions of static files of.
std::string sha512_hex(std::string_view data);

/// The same of an open file, read from its start. Throws IoError. Blocks: not for a loop's thread.
std::string sha512_hex_of_file(int file);

/// SHA-1 in lower-case hexadecimal digits: what Tornado makes entity tags of dynamic responses of. It names contents of
/// our own; nothing rests on it being hard to forge.
std::string sha1_hex(std::string_view data);

}  // namespace caropig::web
