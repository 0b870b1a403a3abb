#pragma once

#include <caropig/db/value.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include <mysql.h>

namespace caropig::db {

/// The arguments of one execution as the library wants them. It points into the values, which must outlive it.
class MysqlArguments {
public:
    /// Says which argument the database can't take, without showing it: "argument 2 is no date".
    static std::expected<MysqlArguments, std::string> make(std::span<const Value> values);

    [[nodiscard]] MYSQL_BIND* binds() noexcept { return binds_.data(); }
    /// Of text and bytes together.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    MysqlArguments() = default;

    std::size_t bytes_ = 0;
    std::vector<MYSQL_BIND> binds_;
    std::vector<MYSQL_TIME> times_;  // as many as there are values, so that none moves
};

/// The columns of a result, and the place into which the library decodes one row of it. Text and bytes are left in the
/// library's buffer until they are asked for, so that a cell needs no memory for the longest value that there may be.
class MysqlRow {
public:
    /// What there is for the columns of a statement that has been executed.
    explicit MysqlRow(std::span<const MYSQL_FIELD> fields);

    /// To be bound to the statement; stays where it is.
    [[nodiscard]] MYSQL_BIND* binds() noexcept { return binds_.data(); }

    /// Appends the cells of the row that was fetched last. False when the library fails.
    bool append_to(std::vector<Value>& cells, MYSQL_STMT* statement);

private:
    enum class Kind : std::uint8_t {
        kNull,
        kSigned,
        kUnsigned,
        kFloat,
        kDouble,
        kDate,
        kDateTime,
        kBit,
        kDecimal,
        kText,
        kBytes
    };
    struct Cell {
        Kind kind = Kind::kNull;
        my_bool is_null = 0;
        my_bool error = 0;
        unsigned long length = 0;
        union {
            std::int64_t signed_number;
            std::uint64_t unsigned_number;
            float float_number;
            double double_number;
        } number{};
        MYSQL_TIME time{};
    };

    static Kind kind_of(const MYSQL_FIELD& field) noexcept;
    static void bind(const Cell& cell, MYSQL_BIND& bind) noexcept;

    std::vector<Cell> cells_;
    std::vector<MYSQL_BIND> binds_;
};

}  // namespace caropig::db
