// expect: a transaction's body is a callable that takes a db::Transaction& and returns a Task
#include <caropig/db/database.h>

caropig::Task<void> insert(caropig::db::Database& database) {
#ifdef CAROPIG_GOOD
    auto body = [](caropig::db::Transaction& transaction) -> caropig::Task<void> {
        co_await transaction.execute("INSERT INTO t VALUES (1)");
    };
#else
    auto body = [](caropig::db::Transaction& transaction) { (void)transaction.execute("INSERT INTO t VALUES (1)"); };
#endif
    co_await database.transaction(body);
}
