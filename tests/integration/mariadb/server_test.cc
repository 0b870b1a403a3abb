#include "mariadb_fixture.h"

namespace caropig::db {
namespace {

std::unique_ptr<support::MariadbServer> server;

class ServerEnvironment : public testing::Environment {
public:
    void SetUp() override { server = std::make_unique<support::MariadbServer>(); }
    void TearDown() override { server.reset(); }
};

[[maybe_unused]] testing::Environment* const environment = testing::AddGlobalTestEnvironment(new ServerEnvironment);

}  // namespace

support::MariadbServer& shared_server() { return *server; }

}  // namespace caropig::db
