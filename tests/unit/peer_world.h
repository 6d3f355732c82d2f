/* A virtual net of a few parties, programs that write down what happens to them, and the capture that comes
 * of it, read back frame by frame; for test_peer_*.c. */
#ifndef FS_TEST_PEER_WORLD_H
#define FS_TEST_PEER_WORLD_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/reader.h"
#include "capture/source.h"
#include "peer/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGINS  (INT64_C(1156500000) * NS_PER_S)
#define MS(n)   ((n)*NS_PER_MS)
#define MINUTES (60 * NS_PER_S)
#define PARTIES 8
#define FRAMES  4096

struct seen {       /* a frame of the capture */
	int64_t ns; /* since BEGINS */
	uint32_t captured, length;
	unsigned proto, id, ttl;
	struct endpoint from, to;
	uint8_t flags, icmp_type, icmp_code;
	uint32_t seq, ack;
	size_t payload;
};

enum happened { DATAGRAM, ACCEPTED, OPENED, MESSAGE, CLOSED };
struct note { /* what a program was told */
	enum happened what;
	int64_t ns; /* since BEGINS */
	uint16_t port;
	struct endpoint from;
	size_t size;
	uint8_t first; /* byte of the message */
	enum link_end end;
	struct link *link;
};

struct world;
struct program {
	struct world *world;
	struct host *host;
	struct note note[FRAMES];
	size_t notes;
	bool echoes;  /* sends back what comes */
	bool rejects; /* resets whoever connects */
};

struct world {
	char folder[32], path[64];
	struct party party[PARTIES];
	struct scenario scenario;
	struct program program[PARTIES];
	struct truth *truth;
	struct wire *wire;
	struct net *net;
	struct seen seen[FRAMES];
	size_t frames;
};

static inline uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return a << 24 | b << 16 | c << 8 | d;
}

/* --- programs --- */

static inline struct note *take_note(struct program *p, enum happened what)
{
	struct note *note = &p->note[p->notes++];

	assert_true(p->notes <= FRAMES);
	*note = (struct note){ .what = what, .ns = net_now(p->world->net) - BEGINS };
	return note;
}

static inline void on_datagram(void *self, uint16_t port, struct endpoint from, const uint8_t *bytes,
			       size_t size)
{
	struct program *p = self;
	struct note *note = take_note(p, DATAGRAM);

	note->port = port;
	note->from = from;
	note->size = size;
	note->first = size > 0 ? bytes[0] : 0;
	if (p->echoes)
		net_send(p->host, port, from, bytes, size, PURPOSE_SIGNALLING);
}

static inline bool on_accepted(void *self, struct link *link, uint16_t port, struct endpoint from)
{
	struct program *p = self;
	struct note *note = take_note(p, ACCEPTED);

	note->port = port;
	note->from = from;
	note->link = link;
	return !p->rejects;
}

static inline void on_opened(void *self, struct link *link)
{
	take_note(self, OPENED)->link = link;
}

static inline void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct program *p = self;
	struct note *note = take_note(p, MESSAGE);

	note->link = link;
	note->size = size;
	note->first = bytes[0];
	if (p->echoes)
		link_send(link, bytes, size, PURPOSE_NODE);
}

static inline void on_closed(void *self, struct link *link, enum link_end end)
{
	struct note *note = take_note(self, CLOSED);

	note->link = link;
	note->end = end;
}

static const struct host_handlers world_handlers = { .datagram = on_datagram,
						     .accepted = on_accepted,
						     .opened = on_opened,
						     .message = on_message,
						     .closed = on_closed };

/* --- the world --- */

/* Public and outside, 0 ms away, until the test says otherwise. */
static inline struct party *add_party(struct world *w, const char *name, enum party_kind kind,
				      uint32_t address, uint16_t port)
{
	struct party *p = &w->party[w->scenario.parties];

	assert_true(w->scenario.parties < PARTIES);
	*p = (struct party){ .kind = kind,
			     .number = (uint32_t)w->scenario.parties++,
			     .address = { address, port },
			     .public_ip = address };
	snprintf(p->name, sizeof p->name, "%s", name);
	return p;
}

static inline struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	snprintf(w->folder, sizeof w->folder, "/tmp/peer.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof w->path, "%s/t.pcap", w->folder);
	w->scenario = (struct scenario){ .begins_ns = BEGINS, .seed = 1, .party = w->party };
	return w;
}

static inline void world_attach(struct world *w, const struct party *party)
{
	struct program *p = &w->program[party->number];
	struct error err;

	p->world = w;
	p->host = net_attach(w->net, party, &world_handlers, p, &err);
	assert_non_null(p->host);
}

static inline void world_open(struct world *w)
{
	static const struct truth_run run = {
		.scenario = "test", .title = "test", .generator = "test", .options = "{}", .local_net = ""
	};
	struct error err;

	w->truth = truth_open(NULL, &run, &err);
	assert_non_null(w->truth);
	w->wire = wire_open(&(struct wire_options){ .path = w->path, .truth = w->truth }, &err);
	assert_non_null(w->wire);
	w->net = net_virtual_new(&w->scenario, w->wire, w->truth, &err);
	assert_non_null(w->net);
}

/* All parties are there from the beginning. */
static inline void world_begin(struct world *w)
{
	world_open(w);
	for (size_t i = 0; i < w->scenario.parties; i++)
		world_attach(w, &w->party[i]);
}

static inline void nothing(void *self, uint64_t what)
{
	(void)self, (void)what;
}

/* Time is then until_ns after the beginning. */
static inline void world_run(struct world *w, int64_t until_ns)
{
	struct error err = { .text = "" };

	net_after(w->net, BEGINS + until_ns - net_now(w->net), nothing, NULL, 0);
	if (!net_virtual_run(w->net, BEGINS + until_ns, &err))
		fail_msg("%s", err.text);
}

static inline struct endpoint read_address(struct span at)
{
	struct reader r = reader_on(at);

	return (struct endpoint){ .ip = rd_be32(&r) };
}

static inline void read_transport(struct seen *seen, struct reader *r)
{
	if (seen->proto == 1) {
		seen->icmp_type = rd_u8(r);
		seen->icmp_code = rd_u8(r);
		rd_skip(r, 6);
	} else {
		seen->from.port = rd_be16(r);
		seen->to.port = rd_be16(r);
	}
	if (seen->proto == 17)
		rd_skip(r, 4);
	if (seen->proto == 6) {
		seen->seq = rd_be32(r);
		seen->ack = rd_be32(r);
		unsigned header = rd_u8(r) >> 4;
		seen->flags = rd_u8(r);
		rd_skip(r, header * 4 - 14);
	}
	seen->payload = rd_left(r);
	assert_false(r->failed);
}

static inline void read_frame(struct seen *seen, const struct frame *frame)
{
	struct reader r = reader_on(frame->bytes);

	seen->ns = frame->ts_ns - BEGINS;
	seen->captured = (uint32_t)frame->bytes.len;
	seen->length = frame->wire_len;
	rd_skip(&r, 14 + 4);
	seen->id = rd_be16(&r);
	rd_skip(&r, 2);
	seen->ttl = rd_u8(&r);
	seen->proto = rd_u8(&r);
	rd_skip(&r, 2);
	seen->from = read_address(rd_take(&r, 4));
	seen->to = read_address(rd_take(&r, 4));
	if (frame->bytes.len == frame->wire_len)
		read_transport(seen, &r);
}

/* Reads the capture back, by the monitor's reader. */
static inline void world_read(struct world *w)
{
	const char *path = w->path;
	struct error err;
	struct frame frame;
	struct source *source = source_open_files(&path, 1, &(struct source_options){ .filter = NULL }, &err);

	assert_non_null(source);
	for (w->frames = 0; source_next(source, &frame, &err) == SOURCE_FRAME; w->frames++) {
		assert_true(w->frames < FRAMES);
		read_frame(&w->seen[w->frames], &frame);
	}
	assert_int_equal(source_input(source, 0)->end, INPUT_COMPLETE);
	source_close(source);
}

static inline void world_end(struct world *w)
{
	struct error err = { .text = "" };

	net_virtual_free(w->net);
	if (!wire_close(w->wire, INT64_MAX, &err))
		fail_msg("%s", err.text);
	assert_true(truth_close(w->truth, "t.pcap", NULL, &err));
	world_read(w);
}

static inline void world_free(struct world *w)
{
	unlink(w->path);
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
}

/* --- what is expected --- */

/* Frame i goes so. */
static inline const struct seen *frame_goes(const struct world *w, size_t i, int64_t ns, struct endpoint from,
					    struct endpoint to)
{
	const struct seen *s = &w->seen[i];

	assert_true(i < w->frames);
	if (s->ns != ns || !endpoint_equal(s->from, from) || !endpoint_equal(s->to, to))
		fail_msg("frame %zu: at %lld from %08x:%u to %08x:%u, not at %lld from %08x:%u to %08x:%u", i,
			 (long long)s->ns, s->from.ip, s->from.port, s->to.ip, s->to.port, (long long)ns,
			 from.ip, from.port, to.ip, to.port);
	return s;
}

/* The next thing that the program was told was this, then. */
static inline const struct note *note_says(const struct program *p, size_t i, enum happened what, int64_t ns)
{
	const struct note *note = &p->note[i];

	assert_true(i < p->notes);
	assert_int_equal(note->what, what);
	assert_int_equal(note->ns, ns);
	return note;
}
#endif
