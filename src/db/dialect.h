#pragma once

#include "db/database_url.h"
#include <caropig/db/transaction.h>

#include <string>

/// \file
/// Where the databases' SQL differs in what the library itself says.
namespace caropig::db::detail {

/// The statements that open a transaction, in order; the first one may be empty.
struct BeginStatements {
    std::string settings;
    std::string begin;
};

BeginStatements begin_statements(DatabaseUrl::Kind kind, const TransactionOptions& options);

}  // namespace caropig::db::detail
