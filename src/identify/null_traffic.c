/* Conversations of the self-test: who talks to whom, and when; see null_traffic.h. */
#include "identify/null_traffic.h"
#include "base/clock.h"
#include "decode/key.h"
#include "identify/null_payload.h"

#define HIGH_PORT     1024U /* RFC 6335 section 6: system ports end here */
#define SMALL_PAYLOAD 64U   /* half of the random flows stay below: where a header fills the payload */

/*
 * Shares: random payload has half of all, for there the promises are tested. DTLS stands alone here, without
 * the STUN that would make it a call: CoAP and VPNs use it, too.
 */
const struct null_kind null_kinds[] = {
	{ .name = "random",
	  .words = "random bytes",
	  .l4 = IPPROTO_UDP,
	  .share = 8,
	  .random = true,
	  .gap_ms = 500,
	  .payload = null_random },
	{ .name = "random-tcp",
	  .words = "random bytes in TCP segments",
	  .l4 = IPPROTO_TCP,
	  .share = 4,
	  .random = true,
	  .gap_ms = 500,
	  .payload = null_random },
	{ .name = "rtp",
	  .words = "RTP: audio of G.711, or video (RFC 3550, RFC 3551)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .gap_ms = 20,
	  .payload = null_rtp,
	  .own = { "rtp" } },
	{ .name = "srtp",
	  .words = "SRTP with a header extension (RFC 3711, RFC 8285)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .gap_ms = 20,
	  .payload = null_srtp,
	  .own = { "rtp" } },
	{ .name = "dtls",
	  .words = "DTLS 1.0 and 1.2 (RFC 4347, RFC 6347)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .turns = true,
	  .gap_ms = 50,
	  .again_ms = 1000, /* RFC 6347 section 4.2.4.1 */
	  .payload = null_dtls },
	{ .name = "quic",
	  .words = "QUIC versions 1 and 2 (RFC 9000, RFC 9369)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .server_port = 443,
	  .gap_ms = 30,
	  .payload = null_quic },
	{ .name = "dns",
	  .words = "DNS with and without EDNS (RFC 1035, RFC 6891)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .turns = true,
	  .server_port = 53,
	  .gap_ms = 400,
	  .again_ms = 5000, /* resolv.conf(5): timeout */
	  .payload = null_dns },
	{ .name = "dnscrypt",
	  .words = "DNSCrypt version 2 (DNSCRYPT-V2-PROTOCOL)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .turns = true,
	  .server_port = 443,
	  .gap_ms = 400,
	  .again_ms = 2000,
	  .payload = null_dnscrypt },
	{ .name = "wireguard",
	  .words = "WireGuard handshakes and data (Donenfeld, NDSS 2017)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .server_port = 51820,
	  .gap_ms = 100,
	  .payload = null_wireguard },
	{ .name = "stun",
	  .words = "STUN bindings, plain and of ICE (RFC 8489, RFC 8445)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .turns = true,
	  .gap_ms = 1000,
	  .again_ms = 500, /* RFC 8489 section 6.2.1 */
	  .payload = null_stun,
	  .own = { "stun", "rtp" } },
	{ .name = "bittorrent-dht",
	  .words = "BitTorrent DHT (BEP 5)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .turns = true,
	  .gap_ms = 2000,
	  .again_ms = 15000,
	  .payload = null_dht,
	  .own = { "bittorrent" } },
	{ .name = "bittorrent-utp",
	  .words = "BitTorrent uTP (BEP 29)",
	  .l4 = IPPROTO_UDP,
	  .share = 1,
	  .gap_ms = 60,
	  .payload = null_utp,
	  .own = { "bittorrent" } },
	{ .name = "tls",
	  .words = "TLS 1.2 with a server name (RFC 5246, RFC 6066)",
	  .l4 = IPPROTO_TCP,
	  .share = 1,
	  .turns = true,
	  .server_port = 443,
	  .gap_ms = 100,
	  .payload = null_tls },
};
const unsigned null_kind_count = sizeof null_kinds / sizeof null_kinds[0];
_Static_assert(sizeof null_kinds / sizeof null_kinds[0] <= NULL_KINDS_MAX, "the counts by kind");

const struct null_kind *null_kind_named(const char *name)
{
	for (unsigned i = 0; i < null_kind_count; i++)
		if (strcmp(null_kinds[i].name, name) == 0)
			return &null_kinds[i];
	return NULL;
}

bool null_for(const struct null_kind *kind, const char *protocol)
{
	for (unsigned i = 0; i < NULL_OWN_MAX && kind->own[i]; i++)
		if (strcmp(kind->own[i], protocol) == 0)
			return false;
	return true;
}

/* Half to one and a half times the kind's gap. */
static int64_t gap_ns(const struct null_kind *kind, struct rng *rng)
{
	return (int64_t)rng_between(rng, kind->gap_ms / 2, kind->gap_ms * 3 / 2) * NS_PER_MS +
	       rng_below(rng, (uint32_t)NS_PER_MS);
}

/* A public address: 20.0.0.0 ... 99.255.255.255 has no network of D5. */
static struct endpoint random_peer(const struct null_kind *kind, struct rng *rng)
{
	uint8_t bytes[4];

	rng_fill(rng, bytes, sizeof bytes);
	bytes[0] = (uint8_t)(20 + bytes[0] % 80);
	return (struct endpoint){ .ip = ip_from_v4(bytes),
				  .port = kind->server_port
						  ? kind->server_port
						  : (uint16_t)rng_between(rng, HIGH_PORT, UINT16_MAX) };
}

static void flow_start(struct null_flow *f, struct null_socket *s, int64_t now_ns, struct rng *rng)
{
	*f = (struct null_flow){ .kind = s->kind, .shared_counter = &s->counter };
	f->peer = random_peer(s->kind, rng);
	/* Servers are not found behind 53 or 443 of an internal socket's own choice: there the socket asks.
	 */
	f->peer_began = !s->kind->server_port && rng_one_in(rng, 4);
	/* One in four is a probe: one message, and perhaps one in reply. */
	f->left = rng_one_in(rng, 4) ? rng_between(rng, 1, 2) : rng_between(rng, 2, NULL_MESSAGES_MAX);
	/* One in four began before the capture. */
	if (rng_one_in(rng, 4))
		f->sent[0] = f->sent[1] = f->packets[0] = f->packets[1] = rng_between(rng, 2, 99);
	else
		f->handshake = s->kind->l4 == IPPROTO_TCP ? 3 : 0;
	f->due_ns = now_ns + gap_ns(s->kind, rng) * rng_between(rng, 0, 3);
	f->variant = (uint8_t)rng_next(rng);
	f->size_most = rng_one_in(rng, 2) ? SMALL_PAYLOAD : NULL_PAYLOAD_MAX;
	f->size = rng_one_in(rng, 2) ? (uint16_t)rng_between(rng, 1, f->size_most) : 0;
	rng_fill(rng, f->id[0], sizeof f->id);
	rng_fill(rng, f->asked, sizeof f->asked);
	for (int dir = 0; dir < 2; dir++) {
		f->tcp_seq[dir] = (uint32_t)rng_next(rng);
		f->timestamp[dir] = (uint32_t)rng_next(rng);
		f->sequence[dir] = (uint16_t)rng_next(rng);
	}
}

void null_socket_start(struct null_socket *s, const struct null_kind *kind, uint32_t number, int64_t now_ns,
		       struct rng *rng)
{
	const uint8_t address[4] = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number };

	s->kind = kind;
	s->local = (struct endpoint){ .ip = ip_from_v4(address),
				      .port = (uint16_t)rng_between(rng, HIGH_PORT, UINT16_MAX) };
	s->counter = (uint16_t)rng_next(rng);
	s->ip_ident = (uint16_t)rng_next(rng);
	s->flows = rng_between(rng, 1, NULL_PEERS_MAX);
	for (unsigned i = 0; i < s->flows; i++)
		flow_start(&s->flow[i], s, now_ns, rng);
}

bool null_socket_number(const struct ip *ip, uint32_t *number)
{
	if (!ip_is_v4(ip) || ip->b[12] != 10)
		return false;
	*number = (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 | ip->b[15];
	return true;
}

/* After a message of `said`: who is next, and when. */
static void flow_go_on(struct null_flow *f, enum direction said, struct rng *rng)
{
	const struct null_kind *kind = f->kind;

	f->due_ns += gap_ns(kind, rng);
	if (!kind->turns) {
		f->next = rng_one_in(rng, 2) ? TO_RESPONDER : TO_INITIATOR;
		return;
	}
	/* One question in eight gets no answer, or one that is too late. */
	bool unanswered = said == TO_RESPONDER && kind->again_ms && rng_one_in(rng, 8);
	f->repeated = unanswered;
	f->repeats = unanswered ? (uint8_t)(f->repeats + 1) : 0;
	f->next = said == TO_INITIATOR || unanswered ? TO_RESPONDER : TO_INITIATOR;
	if (unanswered)
		f->due_ns +=
			((int64_t)kind->again_ms << (f->repeats - 1 < 4 ? f->repeats - 1 : 4)) * NS_PER_MS;
}

/* A SYN, its answer, and the ACK of that. */
static enum direction tcp_open(struct null_flow *f, struct packet *out)
{
	enum direction dir = f->handshake == 2 ? TO_INITIATOR : TO_RESPONDER;

	out->tcp_flags = f->handshake == 3 ? TCP_SYN : f->handshake == 2 ? TCP_SYN | TCP_ACK : TCP_ACK;
	out->tcp_seq = f->tcp_seq[dir];
	out->tcp_ack = f->handshake == 3 ? 0 : f->tcp_seq[!dir];
	f->tcp_seq[dir] += f->handshake > 1;
	f->handshake--;
	f->due_ns += 20 * NS_PER_MS;
	return dir;
}

static enum direction flow_message(struct null_flow *f, struct rng *rng, uint8_t *buffer, struct packet *out)
{
	enum direction dir = f->next;

	/* A question that is repeated has the number that it had. */
	f->sent[dir] -= f->repeated && f->sent[dir];
	out->payload = (struct span){ buffer, f->kind->payload(f, dir, rng, buffer) };
	out->payload_wire = (uint32_t)out->payload.len;
	if (f->kind->l4 == IPPROTO_TCP) {
		out->tcp_flags = TCP_PSH | TCP_ACK;
		out->tcp_seq = f->tcp_seq[dir];
		out->tcp_ack = f->tcp_seq[!dir];
		f->tcp_seq[dir] += out->payload_wire;
	}
	f->sent[dir]++;
	f->packets[dir]++;
	f->left--;
	flow_go_on(f, dir, rng);
	return dir;
}

static struct null_flow *flow_first_due(struct null_socket *s)
{
	struct null_flow *first = NULL;

	for (unsigned i = 0; i < s->flows; i++)
		if (s->flow[i].left && (!first || s->flow[i].due_ns < first->due_ns))
			first = &s->flow[i];
	return first;
}

bool null_socket_next(struct null_socket *s, struct rng *rng, uint8_t buffer[NULL_PAYLOAD_MAX],
		      struct packet *out)
{
	const uint32_t ip_header = 20, l4_header = s->kind->l4 == IPPROTO_TCP ? 20 : 8;
	struct null_flow *f = flow_first_due(s);

	if (!f)
		return false;
	/* The counter of its numbers keeps packets from looking like copies. */
	*out = (struct packet){ .ts_ns = f->due_ns, .fingerprint = (uint32_t)++s->ip_ident << 16 };
	enum direction dir = f->handshake ? tcp_open(f, out) : flow_message(f, rng, buffer, out);
	bool local_sends = (dir == TO_RESPONDER) != f->peer_began;
	const struct endpoint *from = local_sends ? &s->local : &f->peer;
	const struct endpoint *to = local_sends ? &f->peer : &s->local;
	out->from_low = flow_key_set(&out->key, &from->ip, from->port, &to->ip, to->port, s->kind->l4);
	out->l3_wire = ip_header + l4_header + out->payload_wire;
	return true;
}
