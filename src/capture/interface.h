/*
 * Frames from interfaces, by libpcap (on Linux TPACKET_V3 rings). One source is what one flow worker reads:
 * its ring of each interface, merged by time. Several workers share an interface by PACKET_FANOUT: the kernel
 * deals the packets out by a hash of the address pair, symmetric, so that both directions, all fragments and
 * all flows of two hosts meet in one worker; what is not plain IP goes to the first (fanout.h).
 *
 * source_next_batch() returns SOURCE_IDLE after INTERFACE_TICK_NS without a frame. Frames are copies, valid
 * until the next call. With several interfaces, a frame waits until the others have shown a later one, or for
 * a quarter of a second: the kernel hands out frames in blocks, and one that is not full after 100 to 200 ms.
 *
 * Interfaces that go down are waited for, on the same socket; one that vanishes is said and left (the others
 * go on); when all have, the source ends, its inputs as INPUT_CUT. source_stop() wakes the source at once; it
 * ends when it has given what came until then, a quarter of a second later, for nothing of a block is lost.
 *
 * Once open, it needs no privilege and no file; of system calls: poll, getsockopt, ioctl (SIOCGIFNAME,
 * SIOCGIFFLAGS), pread64, clock_gettime, write (the eventfd of source_stop()), and at its end munmap, close,
 * setsockopt.
 */
#ifndef FS_CAPTURE_INTERFACE_H
#define FS_CAPTURE_INTERFACE_H
#include "capture/source.h"

#define INTERFACE_SNAPLEN_DEFAULT 512U
#define INTERFACE_BUFFER_DEFAULT  (64U << 20) /* bytes of ring, all workers of an interface together */
#define INTERFACE_TICK_NS         INT64_C(250000000)
#define INTERFACES_MAX            16U
#define INTERFACE_WORKERS_MAX     64U

struct interface_options {
	const char *const *names;
	size_t count;
	unsigned workers;
	uint32_t snaplen;
	uint64_t buffer; /* bytes, of each interface */
	const char *filter;
	bool promiscuous;
	void (*say)(void *self, const char *line); /* "eth1 went down; ...", in a worker's thread */
	void *say_self;
};

/* Counts of an interface, all workers together, since it was opened. May be read in any thread. */
struct interface_stats {
	const char *name;
	bool up, gone;
	uint64_t packets, bytes; /* received by us; bytes on the wire */
	uint64_t dropped_kernel, dropped_interface;
	uint64_t filtered; /* 0: a kernel filter does not count */
	int linktype;      /* LINKTYPE_ value */
};

struct interfaces;
/* Opens all rings. EXIT_INPUT with advice: no such interface (which there are), no permission (setcap,
 * doctor). */
struct interfaces *interfaces_open(const struct interface_options *options, struct error *err);
/* The source of a worker (0..workers-1), to be closed with source_close() before interfaces_close(). */
struct source *interfaces_source(struct interfaces *i, unsigned worker, struct error *err);
/* False: no such. */
bool interfaces_stats(struct interfaces *i, size_t which, struct interface_stats *out);
/* The capture clock, half a second ago: after SOURCE_IDLE, no older frame is still to come. For
 * worker_tick(). */
int64_t interfaces_now(const struct interfaces *i);
/* The sockets of all rings, INTERFACE_WORKERS_MAX * INTERFACES_MAX at most: how many. */
size_t interfaces_sockets(const struct interfaces *i, int *sockets);
void interfaces_close(struct interfaces *i);
#endif
