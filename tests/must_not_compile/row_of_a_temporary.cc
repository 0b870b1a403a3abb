// expect-gcc: use of deleted function
// expect-clang: selected deleted operator
#include <caropig/db/database.h>

caropig::Task<int> count(caropig::db::Database& database) {
#ifdef CAROPIG_GOOD
    caropig::db::Rows rows = co_await database.query("SELECT count(*) FROM users");
    co_return rows[0].get<int>(0);
#else
    caropig::db::Row row = (co_await database.query("SELECT count(*) FROM users"))[0];
    co_return row.get<int>(0);
#endif
}
