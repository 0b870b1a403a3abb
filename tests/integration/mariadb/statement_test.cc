#include "mariadb_fixture.h"

#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class MariadbStatement : public MariadbTest {};

TEST_F(MariadbStatement, GivesColumnsAndRows) {
    auto connection = connect();
    const Result result =
        query(*connection, "SELECT 1 AS a, 'x' AS b UNION ALL SELECT ?, ?", {std::int64_t{2}, std::string("y")});
    EXPECT_THAT(result.columns, ElementsAre("a", "b"));
    EXPECT_EQ(result.rows, 2u);
    EXPECT_THAT(result.cells, ElementsAre(Value(std::int64_t{1}), Value(std::string("x")), Value(std::int64_t{2}),
                                          Value(std::string("y"))));
    EXPECT_TRUE(connection->usable());
}

TEST_F(MariadbStatement, TellsWhatItHasDone) {
    auto connection = connect();
    EXPECT_TRUE(
        query(*connection, "CREATE TEMPORARY TABLE done (id INT AUTO_INCREMENT PRIMARY KEY, n INT)").columns.empty());
    Result inserted = query(*connection, "INSERT INTO done (n) VALUES (?), (?)", {std::int64_t{1}, std::int64_t{2}});
    EXPECT_EQ(inserted.outcome.affected_rows, 2u);
    EXPECT_EQ(inserted.outcome.last_insert_id, 1u);
    Result updated = query(*connection, "UPDATE done SET n = n + 1 WHERE n = ?", {std::int64_t{2}});
    EXPECT_EQ(updated.outcome.affected_rows, 1u);
    EXPECT_EQ(updated.outcome.last_insert_id, std::nullopt);
}

}  // namespace
}  // namespace caropig::db
