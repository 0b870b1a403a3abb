#pragma once

#include <caropig/db/value.h>

#include <cstddef>
#include <span>
#include <string>
#include <variant>

namespace caropig::db {

/// What a batch of rows should take in memory, about: a driver ends a fetch with the row that goes beyond it, so that
/// no limit is missed by more than one row.
inline constexpr std::size_t kBatchBytes = std::size_t{256} * 1024;

inline std::size_t bytes_of(const Value& cell) noexcept {
    std::size_t bytes = sizeof(Value);
    if (const auto* text = std::get_if<std::string>(&cell)) bytes += text->size();
    if (const auto* data = std::get_if<Bytes>(&cell)) bytes += data->data.size();
    if (const auto* decimal = std::get_if<Decimal>(&cell)) bytes += decimal->text.size();
    return bytes;
}

inline std::size_t bytes_of(std::span<const Value> cells) noexcept {
    std::size_t bytes = 0;
    for (const Value& cell : cells) bytes += bytes_of(cell);
    return bytes;
}

}  // namespace caropig::db
