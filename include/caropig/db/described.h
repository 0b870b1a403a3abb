#pragma once

#include <caropig/db/row.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

/// \file
/// Rows as structs, without a line of code for each member:
///
///     struct User {
///         std::int64_t id;
///         std::string name;
///         std::optional<std::string> email;
///     };
///     BOOST_DESCRIBE_STRUCT(User, (), (id, name, email))
///
///     std::vector<User> users = rows.as<User>();
namespace caropig::db::detail {

/// The columns of a result that are the members of T, found once for all rows.
template <class T>
    requires boost::describe::has_describe_members<T>::value
struct DescribedRow<T> {
    using Members = boost::describe::describe_members<T, boost::describe::mod_any_access |  //
                                                             boost::describe::mod_inherited>;
    static constexpr std::size_t kSize = boost::mp11::mp_size<Members>::value;

    /// Throws ColumnError when a member has no column.
    explicit DescribedRow(const std::vector<std::string>& columns) {
        boost::mp11::mp_for_each<boost::mp11::mp_iota_c<kSize>>(
            [&](auto at) { indexes[at] = index_of(columns, boost::mp11::mp_at_c<Members, at>::name); });
    }

    [[nodiscard]] T read(const Row& row) const {
        T result{};
        boost::mp11::mp_for_each<boost::mp11::mp_iota_c<kSize>>([&](auto at) {
            auto& member = result.*boost::mp11::mp_at_c<Members, at>::pointer;
            member = row.get<std::remove_reference_t<decltype(member)>>(indexes[at]);
        });
        return result;
    }

    std::array<std::size_t, kSize> indexes{};
};

}  // namespace caropig::db::detail
