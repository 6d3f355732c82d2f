/* The two nets, and what runs a scenario over each. */
#ifndef FS_PEER_WORLD_H
#define FS_PEER_WORLD_H
#include "peer/scenario.h"
#include "peer/wire.h"

/*
 * Virtual time. The place of the capture is the inside party's own interface: what it sends is seen when it
 * is sent, what comes is seen when it is received, and what a NAT or firewall on the way out drops is seen
 * all the same. A packet between two inside parties is seen once, when it is sent; twice, if a NAT changes it
 * on the way. Between two parties lie half of both distances. NATs keep ports and let in only what was sent
 * to in the last 300 s; firewalls of UDP-restricted parties drop UDP both ways. Nothing else is lost. TCP is
 * a small one of its own: MSS 1460, an ACK for every other segment or after 40 ms, FIN, RST from closed
 * ports, SYN three times when nobody is there.
 */
struct net *net_virtual_new(const struct scenario *scenario, struct wire *wire, struct truth *truth,
			    struct error *err);
void net_virtual_free(struct net *net);
/* Until nothing is left to do or virtual time is `ends_ns`. False: the wire failed, or memory. */
bool net_virtual_run(struct net *net, int64_t ends_ns, struct error *err);

/*
 * Real sockets, of this process and network namespace. Refused unless every address of the scenario is
 * allowed there (guard.h). begins_ns: when the scenario begins, by the real-time clock, so that several
 * processes agree.
 */
struct net *net_live_new(const struct scenario *scenario, int64_t begins_ns, struct error *err);
void net_live_free(struct net *net);
bool net_live_run(struct net *net, int64_t ends_ns, const volatile int *stop, struct error *err);
#endif
