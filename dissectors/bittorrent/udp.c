/*
 * BitTorrent over UDP. A client has one socket for the DHT, for uTP and for trackers, and one flow may carry
 * all three, so they are one dissector: the first byte tells which part has to look, and refuses nearly
 * everything else at once. A flow is never called BitTorrent here, except local service discovery: its
 * sockets are judged.
 */
#include "dissectors/bittorrent/bittorrent.h"
#include <string.h>

#define SHORTEST        8U                         /* an error of a tracker without text, BEP 15 */
#define UTP_VERSION     1U                         /* BEP 29, header format: the low half of the first byte */
#define UTP_TYPES       5U                         /* ST_DATA ... ST_SYN: the high half */
#define LSD_REQUEST     "BT-SEARCH * HTTP/1.1\r\n" /* BEP 14 */
#define LSD_REQUEST_LEN (sizeof LSD_REQUEST - 1)

/* A span port's second copy of a datagram; nobody gives up on an answer so soon (BEP 15: after 15 s). */
#define COPY_MAX INT64_C(10000000)

struct udp_state {
	struct dht_state dht;
	struct utp_state utp;
	struct tracker_state tracker;
};

void bittorrent_ask(const struct look *l, struct bittorrent_question *q, bool same_id)
{
	bool again = same_id && q->open;
	if (again && l->packet->ts_ns - q->ts_ns <= COPY_MAX)
		return;
	*q = (struct bittorrent_question){ l->packet->ts_ns, l->wire, true, again };
}

void bittorrent_reply(const struct look *l, struct bittorrent_question *q)
{
	if (q->open)
		report_echo(l, q->ts_ns, q->wire, q->repeated);
	q->open = false;
}

static enum match lsd_look(const struct look *l)
{
	size_t n = l->data.len < LSD_REQUEST_LEN ? l->data.len : LSD_REQUEST_LEN;
	if (l->wire < LSD_REQUEST_LEN || memcmp(l->data.ptr, LSD_REQUEST, n) != 0)
		return MATCH_NO;
	if (n < LSD_REQUEST_LEN)
		return MATCH_MAYBE;
	observe(l, BITTORRENT_LSD, 0);
	label_flow(l, "bittorrent-lsd");
	return MATCH_YES;
}

static enum match udp_look(const struct look *l)
{
	struct udp_state *st = l->state;
	struct reader r = reader_on(l->data);
	uint8_t first = rd_u8(&r);
	if (l->wire < SHORTEST)
		return MATCH_NO;
	if (r.failed)
		return MATCH_MAYBE;
	/* Before the first byte is asked: a request begins with the tracker's random number. */
	if (st->tracker.asked && tracker_look_later(l, &st->tracker))
		return MATCH_MAYBE;
	if (first == 'd')
		return dht_look(l, &st->dht);
	if ((first & 0x0fU) == UTP_VERSION && first >> 4 < UTP_TYPES)
		return utp_look(l, &st->utp);
	if (first == 0)
		return tracker_look_connect(l, &st->tracker);
	return first == 'B' ? lsd_look(l) : MATCH_NO;
}

const struct dissector dissector_bittorrent_udp = {
	.name = "bittorrent_udp",
	.summary = "BitTorrent's DHT, uTP, UDP trackers and local discovery, BEP 5, 29, 15, 14",
	.protocol = &protocol_bittorrent,
	.l4 = IPPROTO_UDP,
	.patience = 24, /* two connections of uTP up to their first data, and a few queries */
	.state_size = sizeof(struct udp_state),
	.look = udp_look,
};
