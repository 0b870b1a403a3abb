#pragma once

#include "db/mysql_settings.h"
#include <caropig/async/task.h>
#include <caropig/net/address.h>

#include <mysql.h>

namespace caropig {
class ThreadPool;
}

/// \file
/// TLS with MariaDB Connector/C 3.3. What it lacks is made up for here:
///
/// - Its handshake waits with poll(), also in its non-blocking functions. So connections with TLS are made on a thread,
///   and only used on the loop.
/// - It compares the certificate with the host that it was told to connect to, which for us is an address. It is told
///   the name in the last moment before the handshake, from within a client plugin for authentication: that is where it
///   calls the program.
/// - It goes on in plain text with a server that offers no TLS, unless it verifies the host. So it is set to verify the
///   host at first, and to connect to a spelling of the address that no certificate can be for; the plugin sets what
///   was asked for, once the server has offered TLS. A server (or somebody before it) that keeps the library from
///   calling the plugin gets no further than this check.
namespace caropig::db {

/// Has the library fail where it would wait within a blocking function, but for connect_with_tls().
void forbid_blocking_waits(MYSQL* mysql);

/// Connects, on one of `threads`. False when that failed: the handle tells why. Everything must outlive the task.
/// Throws Cancelled, once the thread has let go of the handle.
Task<bool> connect_with_tls(ThreadPool& threads, MYSQL* mysql, const MysqlSettings& settings,
                            const net::Address& address);

}  // namespace caropig::db
