/* Between interface.c (opens and counts) and interface_ring.c (what a worker reads). */
#ifndef FS_CAPTURE_INTERFACE_PARTS_H
#define FS_CAPTURE_INTERFACE_PARTS_H
#include "base/clock.h"
#include "capture/interface.h"
#include <pcap/pcap.h>
#include <stdatomic.h>

#define INTERFACE_BATCH 64U /* frames of a ring at a time */
/* After so long the kernel hands out a block that is not full (pcap(3), packet buffer timeout). */
#define INTERFACE_BLOCK_MS 100
/*
 * A block is handed out at the second turn of that timer at the latest (prb_retire_rx_blk_timer_expired() of
 * net/packet/af_packet.c), and a busy machine is late: a frame that is older than this has been seen, if we
 * have looked.
 */
#define INTERFACE_LATE_NS (250 * NS_PER_MS)

enum link_state { LINK_UP, LINK_DOWN, LINK_GONE };

/* An interface; all workers together. */
struct link {
	const char *name;
	int index; /* 0: of "any", which has none and is never gone */
	int linktype;
	int drop_files[2]; /* the counters of its driver; -1: none */
	uint64_t dropped_before;
	_Atomic int state; /* enum link_state */
	_Atomic uint64_t packets, bytes, dropped_kernel, dropped_interface;
};

/* What a worker has of an interface. */
struct ring {
	struct link *link;
	pcap_t *pcap;
	int fd;
	struct frame pending[INTERFACE_BATCH]; /* taken and not handed out yet: [next, filled) */
	uint8_t *bytes;                        /* of these; INTERFACE_BATCH times snaplen */
	size_t next, filled;
	unsigned errors; /* in a row */
	bool begun;      /* what was taken before the start has been passed over */
	bool done;       /* nothing comes any more */
	int64_t gone_ns; /* monotonic, when the interface was seen to be gone */
	uint64_t dropped;
};

/* The source of a worker. */
struct reader_of_rings {
	struct interfaces *all;
	unsigned worker;
	struct ring *rings; /* one of each interface */
	struct input_info *inputs;
	size_t count;
	int wake_fd;
	_Atomic int64_t stopped_ns; /* capture clock; 0: not */
	int64_t stop_seen_ns;       /* monotonic */
	int64_t next_look_ns;       /* monotonic */
	bool ended;
	uint64_t frames;
};

struct interfaces {
	struct interface_options options;
	struct link links[INTERFACES_MAX];
	struct ring *rings; /* of worker w: rings[w * options.count], one of each interface */
	/* Frames before were taken while the workers' rings were still being opened. */
	int64_t start_ns, start_monotonic_ns;
};

extern const struct source_ops interface_ops;
/* Of the capture clock: frames have the time of the system. */
int64_t capture_now(void);
/* Looks whether the interface is up, by this socket; says what has changed. */
void link_look(struct interfaces *all, struct link *link, int socket);
void link_leave(struct interfaces *all, struct link *link, const char *why);
/* What the ring's socket has dropped since it was looked at last. */
void ring_count_drops(struct ring *ring);
void link_count_drops(struct link *link);
#endif
