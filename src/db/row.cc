#include <caropig/db/row.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace caropig::db {
namespace detail {

std::size_t index_of(const std::vector<std::string>& columns, std::string_view name) {
    const auto found = std::ranges::find(columns, name);
    if (found == columns.end()) {
        throw ColumnError(fmt::format("the result has no column '{}', it has: {}", name, fmt::join(columns, ", ")));
    }
    if (std::find(found + 1, columns.end(), name) != columns.end()) {
        throw ColumnError(fmt::format(
            "the result has two columns '{}': give one of them another name with AS, or ask by index", name));
    }
    return static_cast<std::size_t>(found - columns.begin());
}

void refuse_index(std::size_t index, std::size_t columns) {
    throw ColumnError(fmt::format("the result has no column {}, it has {}, counted from 0", index, columns));
}

}  // namespace detail

Row Rows::operator[](std::size_t index) const& {
    if (index >= size()) throw std::out_of_range(fmt::format("row {} of a result that has {}", index, size()));
    return {*columns_, cells_.data() + index * columns_->size()};
}

const std::vector<std::string>& Rows::columns() const noexcept {
    static const std::vector<std::string> none;
    return columns_ ? *columns_ : none;
}

}  // namespace caropig::db
