// expect-gcc: use of deleted function
// expect-clang: invokes a deleted function
#include <caropig/db/database.h>

#include <string>

caropig::Task<void> find(caropig::db::Database& database, std::string name) {
#ifdef CAROPIG_GOOD
    co_await database.query("SELECT id FROM users WHERE name = ?", name);
#else
    co_await database.query("SELECT id FROM users WHERE name = '" + name + "'");
#endif
}
