/*
 * Never the real network. What a scenario may name: loopback; documentation (RFC 5737), benchmarking (RFC
 * 2544) and private addresses (RFC 1918); for files alone also those that are reserved for ever (240.0.0.0/4,
 * RFC 1112), which no host can have, for populations.
 *
 * Real sockets may go to loopback anywhere, and to the others only in a network namespace that is not the one
 * of the machine (of process 1), and has no route beyond it.
 */
#ifndef FS_PEER_GUARD_H
#define FS_PEER_GUARD_H
#include "peer/net.h"

bool guard_file_address(uint32_t ip);
bool guard_live_address(uint32_t ip, bool own_namespace);
/* Whether this process is in a network namespace of its own. What cannot be found out is no. */
bool guard_own_namespace(void);
/*
 * The same of given files: links that name this namespace and that of process 1, and a table of routes as
 * /proc/net/route, each of which must end within addresses of a laboratory: a default route does not.
 */
bool guard_namespace(const char *own, const char *first, const char *routes);
/* Whether the namespace `own` is one of those that have a name in the folder: `ip netns add` gives them one,
 * the machine's has none. */
bool guard_named(const char *own, const char *names);
#endif
