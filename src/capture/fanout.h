/*
 * PACKET_FANOUT: how the kernel deals the packets of an interface out to several sockets.
 *
 * By a program of ours: a hash of the two IP addresses, the same for both directions. The kernel's own hash
 * takes the ports in, so that fragments, ICMP and the other flows of two hosts would come elsewhere. What is
 * not IPv4 or IPv6 behind the link's header and at most two VLAN tags goes to the first socket: ARP, MPLS,
 * PPPoE. A link that carries one direction so and the other one plain needs a single worker.
 *
 * Linux before 6.15 reads such a header only in a packet's linear part, where almost all drivers leave it;
 * what it cannot read goes to the first socket, too.
 */
#ifndef FS_CAPTURE_FANOUT_H
#define FS_CAPTURE_FANOUT_H
#include <stdbool.h>
#include <stddef.h>

/* The sockets, already bound, share their packets from now on; the first is that of "anything else". False:
 * errno says why. */
bool fanout_join(const int *sockets, size_t count);
#endif
