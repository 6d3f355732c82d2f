/* Calls over UDP: RTP, and all that shares its 5-tuple. */
#include "dissectors/rtp/rtp.h"

/* Zoom's support site, "Zoom network firewall or proxy server settings": UDP 8801-8810. */
#define ZOOM_PORT_FIRST 8801U
#define ZOOM_PORT_LAST  8810U
/*
 * A quarter of all DNS ids make a first byte of RTP. A port proves nothing, but nobody sends media to a
 * resolver, and there are so many questions that waiting for each one's second message would cost more than
 * all the rest.
 */
#define DNS_PORT 53U

static bool is_zoom(const struct look *l)
{
	uint16_t from = l->from->port, to = l->to->port;

	return (from >= ZOOM_PORT_FIRST && from <= ZOOM_PORT_LAST) ||
	       (to >= ZOOM_PORT_FIRST && to <= ZOOM_PORT_LAST);
}

/* A bare header is little to go by, so a flow may begin with a usual one only. */
static bool may_begin(const struct look *l, const struct rtp_message *m)
{
	if (m->kind == MESSAGE_STRANGE || l->from->port == DNS_PORT || l->to->port == DNS_PORT)
		return false;
	if (m->kind == MESSAGE_RTP)
		return payload_type_is_usual(m->rtp.payload_type) && m->rtp.fits && m->rtp.ssrc != 0;
	return true;
}

static enum match udp_look(const struct look *l)
{
	struct rtp_message m;

	message_read((struct part){ l->data, l->wire }, is_zoom(l), &m);
	if (l->nth == 0 && !may_begin(l, &m))
		return MATCH_NO;
	return flow_note(l, l->state, &m);
}

static enum sample_kind udp_sample(const struct look *l, struct media_sample *out)
{
	struct rtp_message m;

	message_read((struct part){ l->data, l->wire }, is_zoom(l), &m);
	return message_sample(&m, out);
}

const struct dissector dissector_rtp_udp = {
	.name = "rtp_udp",
	.summary = "voice and video over UDP: RTP, RTCP, STUN, TURN, DTLS (RFC 3550, 7983)",
	.protocol = &protocol_rtp,
	.l4 = IPPROTO_UDP,
	/* As many as there can be: a call may begin on sockets that have been kept open for a while. */
	.patience = UINT8_MAX,
	.state_size = sizeof(struct rtp_flow),
	.look = udp_look,
	.sample = udp_sample,
};
