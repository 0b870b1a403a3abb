#pragma once

#include <string>
#include <string_view>

namespace caropig::db {

/// A server's message without the values that it quotes, for logs: "Duplicate entry 'alice' for key 'name'" becomes
/// "Duplicate entry '...'". Since a value may hold quotes itself, everything between the first and the last quotation
/// mark (' or ") goes, names included. What stands in `backticks` outside of that stays: servers quote only names so.
std::string redact_values(std::string_view message);

}  // namespace caropig::db
