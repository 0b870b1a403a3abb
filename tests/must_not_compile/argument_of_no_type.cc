// expect: not an argument of a statement
#include <caropig/db/database.h>

struct UserId {
    int number;
};

caropig::Task<void> remove(caropig::db::Database& database, UserId id) {
#ifdef CAROPIG_GOOD
    co_await database.execute("DELETE FROM users WHERE id = ?", id.number);
#else
    co_await database.execute("DELETE FROM users WHERE id = ?", id);
#endif
}
