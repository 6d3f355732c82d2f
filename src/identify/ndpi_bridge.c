/* libndpi behind one file; see ndpi_bridge.h. The library itself is called in ndpi_compat.c. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "identify/ndpi_bridge.h"

#ifdef HAVE_LIBNDPI
#include "base/reader.h"
#include "base/slab.h"
#include "identify/ndpi_compat.h"
#include <stdio.h>
#include <stdlib.h>

#define FLOWS_PER_BLOCK 1024U
#define LABELS          1024U /* remembered names, a power of two; a trace shows one or two hundred pairs */
#define NAME_TEXT       128U  /* the longest of libndpi 4.2 has 33 bytes */

/* The name of a pair, so that nothing is formatted per flow. */
struct label {
	struct ndpi_pair pair;
	const char *name; /* interned; NULL: slot not used */
};

struct ndpi_bridge {
	struct ndpi_detection_module_struct *module;
	struct slab *flows;   /* of libndpi's flow structures, only while undecided */
	struct intern *names; /* borrowed */
	size_t flow_size;
	unsigned packets_per_flow;
	struct label labels[LABELS];
	uint8_t scratch[UINT16_MAX]; /* a packet made of bytes that came ahead of a gap */
	uint64_t passed_over;
};

bool ndpi_bridge_available(void)
{
	return true;
}

const char *ndpi_bridge_version(void)
{
	return compat_version();
}

struct ndpi_bridge *ndpi_bridge_new(unsigned packets_per_flow, struct intern *names, struct error *err)
{
	struct ndpi_bridge *b = calloc(1, sizeof *b);

	if (!b) {
		error_memory(err, "the bridge to libndpi");
		return NULL;
	}
	b->names = names;
	b->packets_per_flow = packets_per_flow;
	if (b->packets_per_flow < 1)
		b->packets_per_flow = 1;
	if (b->packets_per_flow > UINT8_MAX) /* flow->id.ndpi_packets counts no further */
		b->packets_per_flow = UINT8_MAX;
	b->flow_size = compat_flow_size();
	b->flows = slab_new(b->flow_size, FLOWS_PER_BLOCK);
	if (!b->flows) {
		error_memory(err, "the flows of libndpi");
		ndpi_bridge_free(b);
		return NULL;
	}
	b->module = compat_module_new();
	if (!b->module) {
		error_set(err, EXIT_INTERNAL,
			  "libndpi %s cannot be initialised (out of memory?); run without libndpi's labels "
			  "to go on",
			  ndpi_bridge_version());
		ndpi_bridge_free(b);
		return NULL;
	}
	return b;
}

uint64_t ndpi_bridge_passed_over(const struct ndpi_bridge *b)
{
	return b ? b->passed_over : 0;
}

void ndpi_bridge_free(struct ndpi_bridge *b)
{
	if (!b)
		return;
	compat_module_free(b->module);
	slab_free(b->flows);
	free(b);
}

/* libndpi's own style: "TLS.Google" is Google inside TLS, "DNS" is DNS itself. */
static const char *label_make(struct ndpi_bridge *b, struct ndpi_pair pair)
{
	const char *master = compat_protocol(b->module, pair.master),
		   *app = compat_protocol(b->module, pair.app);
	char text[NAME_TEXT];

	if (pair.app == 0)
		return intern(b->names, master);
	if (pair.master == 0 || pair.master == pair.app)
		return intern(b->names, app);
	snprintf(text, sizeof text, "%s.%s", master, app);
	return intern(b->names, text);
}

static const char *label_name(struct ndpi_bridge *b, struct ndpi_pair pair)
{
	struct label *label = &b->labels[(pair.master * 31U + pair.app) % LABELS];

	if (!label->name || label->pair.master != pair.master || label->pair.app != pair.app) {
		/* A pair that shares the slot is only displaced: its name stays interned. */
		label->pair = pair;
		label->name = label_make(b, pair);
	}
	return label->name;
}

static void flow_release(struct ndpi_bridge *b, struct flow *flow)
{
	if (flow->id.ndpi) {
		compat_flow_clear(flow->id.ndpi);
		slab_put(b->flows, flow->id.ndpi);
		flow->id.ndpi = NULL;
	}
	flow->id.ndpi_done = true;
}

static void flow_decide(struct ndpi_bridge *b, struct flow *flow, struct ndpi_answer answer)
{
	if (answer.pair.master != 0 || answer.pair.app != 0) {
		flow->id.ndpi_label = label_name(b, answer.pair);
		flow->id.ndpi_by_payload = answer.by_payload;
	}
	flow_release(b, flow);
}

/*
 * libndpi's last guess is never counted as told by the payload, whatever confidence it claims: 4.2 calls a
 * flow STUN with full confidence for port 3478 alone.
 */
static void flow_guess(struct ndpi_bridge *b, struct flow *flow)
{
	struct ndpi_answer answer = compat_giveup(b->module, flow->id.ndpi);

	answer.by_payload = false;
	flow_decide(b, flow, answer);
}

/* Shows bytes from the IP header on; their length is exactly what the header says. */
static void flow_show(struct ndpi_bridge *b, struct flow *flow, struct span l3, int64_t ts_ns)
{
	uint64_t ms = ts_ns > 0 ? (uint64_t)(ts_ns / NS_PER_MS) : 0;
	struct ndpi_answer answer = compat_packet(b->module, flow->id.ndpi, l3.ptr, (uint16_t)l3.len, ms);

	flow->id.ndpi_packets++;
	if (answer.pair.app != 0)
		/* The first label is the answer: what libndpi goes on to look for is metadata. */
		flow_decide(b, flow, answer);
	else if (flow->id.ndpi_packets >= b->packets_per_flow)
		flow_guess(b, flow);
}

/*
 * libndpi refuses packets whose length is not that of the IP header, so a packet cut by the snap length would
 * be lost on it; with a corrected length it would pass, but dissectors that know messages by their size would
 * then recognise the snap length. Later fragments have no ports. What came ahead of a gap is shown when the
 * gap is filled; fresh is 0 for a retransmission.
 */
static bool is_shown(const struct packet *packet, const struct flow_step *step)
{
	if (packet->later_fragment || packet->payload.len == 0)
		return false;
	if (packet->l3.len < packet->l3_wire || packet->l3.len > UINT16_MAX)
		return false;
	return packet->key.l4 != IPPROTO_TCP || (!step->held && step->fresh > 0);
}

/* The bytes that came in earlier packets, ahead of a gap that this one filled; mostly none. *seq is their
 * number. */
static struct span bytes_released(const struct packet *packet, const struct flow_step *step, uint32_t *seq)
{
	bool syn = packet->tcp_flags & TCP_SYN; /* takes one sequence number (RFC 9293 section 3.4) */
	struct reader head = reader_on(step->head);

	*seq = packet->tcp_seq + syn + (uint32_t)packet->payload.len;
	size_t count = step->flow->tcp[step->dir].next_seq - *seq;
	/* More than is fresh, or less than nothing: next_seq has left the head behind. */
	if (packet->key.l4 != IPPROTO_TCP || count > step->fresh)
		return (struct span){ NULL, 0 };
	rd_skip(&head, step->head.len - count);
	return rd_rest(&head);
}

/*
 * Where the TCP header begins: it ends where the headers end, and its data offset, ports and sequence number
 * tell how long it is. This spares walking IPv6 extension headers a second time. 0: not found.
 */
static size_t tcp_header_at(const struct packet *packet, struct span headers)
{
	for (size_t words = 5; words <= 15 && words * 4 < headers.len; words++) {
		size_t at = headers.len - words * 4;
		struct reader tcp = reader_on(headers);

		rd_skip(&tcp, at);
		bool ports = rd_be16(&tcp) == packet_source(packet)->port;
		ports = rd_be16(&tcp) == packet_destination(packet)->port && ports;
		bool number = rd_be32(&tcp) == packet->tcp_seq;
		rd_skip(&tcp, 4); /* acknowledgement number */
		if (rd_u8(&tcp) >> 4 == words && ports && number)
			return at;
	}
	return 0;
}

static void put_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/*
 * Makes a packet of those bytes: the headers of the packet that filled the gap, with length and sequence
 * number put right. Checksums are left as they are; libndpi looks at none.
 */
static struct span packet_build(struct ndpi_bridge *b, const struct packet *packet, struct span bytes,
				uint32_t seq)
{
	struct reader l3 = reader_on(packet->l3), version = l3;
	/* The payload is the end of l3. */
	struct span headers = rd_take(&l3, packet->l3.len - packet->payload.len);
	size_t tcp_at = tcp_header_at(packet, headers);

	if (tcp_at == 0)
		return (struct span){ NULL, 0 };
	if (bytes.len > sizeof b->scratch - headers.len)
		bytes.len = sizeof b->scratch - headers.len;
	size_t total = headers.len + bytes.len;
	memcpy(b->scratch, headers.ptr, headers.len);
	memcpy(b->scratch + headers.len, bytes.ptr, bytes.len);
	put_be16(b->scratch + tcp_at + 4, seq >> 16);
	put_be16(b->scratch + tcp_at + 6, seq & UINT16_MAX);
	if (rd_u8(&version) >> 4 == 4)
		put_be16(b->scratch + 2, total); /* RFC 791 section 3.1 */
	else
		put_be16(b->scratch + 4, total - 40); /* RFC 8200 section 3: without the fixed header */
	return (struct span){ b->scratch, total };
}

void ndpi_bridge_packet(struct ndpi_bridge *b, const struct packet *packet, const struct flow_step *step)
{
	struct flow *flow = step->flow;
	uint32_t seq;

	if (flow->id.ndpi_done || !is_shown(packet, step))
		return;
	if (!flow->id.ndpi) {
		flow->id.ndpi = slab_in_use(b->flows) < NDPI_FLOWS_MAX ? slab_get(b->flows) : NULL;
		if (!flow->id.ndpi) {
			/* No room: this flow goes without a label, others may still get one. */
			flow->id.ndpi_done = true;
			b->passed_over++;
			return;
		}
		memset(flow->id.ndpi, 0, b->flow_size);
	}
	flow_show(b, flow, packet->l3, packet->ts_ns);
	struct span released = bytes_released(packet, step, &seq);
	if (flow->id.ndpi_done || released.len == 0)
		return;
	struct span l3 = packet_build(b, packet, released, seq);
	if (l3.len > 0)
		flow_show(b, flow, l3, packet->ts_ns);
}

void ndpi_bridge_ended(struct ndpi_bridge *b, struct flow *flow)
{
	/* A flow that was never shown keeps no label: a port alone is known without libndpi. */
	if (flow->id.ndpi)
		flow_guess(b, flow);
	flow->id.ndpi_done = true;
}

#else /* !HAVE_LIBNDPI */

bool ndpi_bridge_available(void)
{
	return false;
}

const char *ndpi_bridge_version(void)
{
	return "";
}

struct ndpi_bridge *ndpi_bridge_new(unsigned packets_per_flow, struct intern *names, struct error *err)
{
	(void)packets_per_flow;
	(void)names;
	error_set(err, EXIT_USAGE,
		  "this footsteps was built without libndpi; install its headers and run configure again, "
		  "or do without its labels");
	return NULL;
}

uint64_t ndpi_bridge_passed_over(const struct ndpi_bridge *b)
{
	(void)b;
	return 0;
}

void ndpi_bridge_free(struct ndpi_bridge *b)
{
	(void)b;
}

void ndpi_bridge_packet(struct ndpi_bridge *b, const struct packet *packet, const struct flow_step *step)
{
	(void)b;
	(void)packet;
	(void)step;
}

void ndpi_bridge_ended(struct ndpi_bridge *b, struct flow *flow)
{
	(void)b;
	(void)flow;
}
#endif
