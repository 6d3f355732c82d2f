/* TCP inside a flow; see tcp.h. Sequence arithmetic is modulo 2^32 (RFC 9293 section 3.4). */
#include "flow/tcp.h"
#include "base/slab.h"
#include "flow/tcp_head.h"
#include <string.h>

/* A jump of more than this is not reordering: one side restarted, or the capture lost very much.
 * Resynchronise. */
#define FAR_AHEAD (1 << 26)

static int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static bool has_data(const struct tcp_side *side)
{
	return side->synced && side->next_seq != side->start_seq;
}

bool tcp_begins_anew(const struct flow *flow, enum direction dir, const struct packet *packet,
		     enum flow_end *why)
{
	const struct tcp_side *mine = &flow->tcp[dir], *theirs = &flow->tcp[!dir];

	if ((packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if (flow->closed) {
		*why = flow->end_reason;
		return true;
	}
	if (mine->fin && theirs->fin) {
		*why = FLOW_END_fin;
		return true;
	}
	/* In progress, and not a repetition of the SYN that began it. */
	bool data = has_data(mine) || has_data(theirs);
	bool another = mine->synced ? packet->tcp_seq + 1 != mine->start_seq : data;
	if (another && (data || theirs->synced)) {
		*why = FLOW_END_reuse;
		return true;
	}
	return false;
}

static void give_up(struct flow *flow, enum direction dir, const struct tcp_heads *heads,
		    uint64_t *heads_lost)
{
	if (flow->head[dir]) {
		slab_put(heads->pool, flow->head[dir]);
		flow->head[dir] = NULL;
	}
	if (!flow->tcp[dir].lost)
		++*heads_lost;
	flow->tcp[dir].lost = true;
}

static struct tcp_head *head_at(struct flow *flow, enum direction dir, uint32_t offset,
				const struct tcp_heads *heads)
{
	struct tcp_head *head = flow->head[dir];

	if (!head) {
		head = slab_in_use(heads->pool) < heads->most ? slab_get(heads->pool) : NULL;
		if (!head)
			return NULL;
		head->from = head->to = offset;
		head->runs = 0;
		flow->head[dir] = head;
	}
	return head;
}

/* Payload that begins after next_seq. True: all of it is held already, so it is a retransmission: the last
 * segment is sent again to probe for losses (RFC 8985 section 7), before what is missing. */
static bool ahead_of_gap(struct flow *flow, enum direction dir, uint32_t seq, uint32_t end,
			 struct span payload, struct flow_step *step, const struct tcp_heads *heads,
			 uint64_t *heads_lost)
{
	struct tcp_side *side = &flow->tcp[dir];

	if (flow->want != WANT_NOTHING && !side->lost && seq_diff(seq, side->start_seq) >= 0 &&
	    seq - side->start_seq < heads->limit) {
		uint32_t offset = seq - side->start_seq;
		struct tcp_head *head = head_at(flow, dir, side->next_seq - side->start_seq, heads);
		bool again = head && tcp_head_holds(head, offset, payload);
		if (again || (head && tcp_head_hold(head, heads->limit, offset, payload))) {
			step->held = true;
			return again;
		}
	}
	/* Nobody waits for the hole, or it will not be filled: go on behind it. */
	give_up(flow, dir, heads, heads_lost);
	side->gap_seq = side->next_seq;
	side->gap_end = seq;
	side->next_seq = end;
	step->head = payload;
	step->fresh = payload.len;
	return false;
}

/* Payload that begins at next_seq, or before it and brings something new. */
static void in_order(struct flow *flow, enum direction dir, uint32_t seq, uint32_t end, struct span payload,
		     bool cut, struct flow_step *step, const struct tcp_heads *heads)
{
	struct tcp_side *side = &flow->tcp[dir];
	uint32_t known = side->next_seq - seq;              /* bytes of the segment that were seen before */
	uint32_t stream = side->next_seq - side->start_seq; /* bytes of the stream so far, modulo 2^32 */
	bool first = stream == 0;
	struct tcp_head *head = flow->head[dir];

	if (known > stream) {
		/* A segment of before the capture, or a forged one: the stream begins where it was seen to
		 * begin. */
		size_t skip = known - stream < payload.len ? known - stream : payload.len;
		payload = (struct span){ payload.ptr + skip, payload.len - skip };
		seq = side->start_seq;
		known = stream;
	}
	side->next_seq = end;
	if (head && !side->lost) {
		step->fresh = tcp_head_append(head, heads->limit, seq - side->start_seq, payload);
		step->head = (struct span){ head->bytes + head->from, head->to - head->from };
		step->in_stream = head->from == 0;
		if (side->start_seq + head->to - end < UINT32_C(0x80000000))
			side->next_seq = side->start_seq + head->to; /* held runs became contiguous */
		else
			side->lost = true; /* the head is full: shown up to here, nothing after it */
	} else {
		if (known > payload.len)
			known = (uint32_t)payload.len;
		step->head = (struct span){ payload.ptr + known, payload.len - known };
		step->fresh = step->head.len;
		step->in_stream = first && !side->lost;
	}
	if (cut && !side->lost) /* the snap length took bytes: what follows does not join on */
		side->lost = true;
}

/* Returns true for a retransmission. */
static bool payload_segment(struct flow *flow, const struct packet *packet, uint32_t seq,
			    struct flow_step *step, const struct tcp_heads *heads, uint64_t *heads_lost)
{
	enum direction dir = step->dir;
	struct tcp_side *side = &flow->tcp[dir];
	uint32_t end = seq + packet->payload_wire;

	if (!side->synced) {
		side->start_seq = side->next_seq = seq;
		side->synced = true;
	}
	int32_t offset = seq_diff(seq, side->next_seq);
	if (offset > FAR_AHEAD || offset < -FAR_AHEAD) {
		give_up(flow, dir, heads, heads_lost);
		side->next_seq = seq;
		offset = 0;
	}
	if (offset > 0)
		return ahead_of_gap(flow, dir, seq, end, packet->payload, step, heads, heads_lost);
	if (seq_diff(end, side->next_seq) > 0) {
		in_order(flow, dir, seq, end, packet->payload, packet->payload.len < packet->payload_wire,
			 step, heads);
		return false;
	}
	/* All of it lies below next_seq: late if it fills the remembered hole, else sent before. */
	if (side->gap_seq != side->gap_end && seq_diff(seq, side->gap_seq) >= 0 &&
	    seq_diff(end, side->gap_end) <= 0) {
		if (seq == side->gap_seq)
			side->gap_seq = end;
		else
			side->gap_end = seq;
		return false;
	}
	return true;
}

static void note_ack(struct flow *flow, enum direction dir, uint32_t ack)
{
	struct tcp_side *other = &flow->tcp[!dir];

	if (other->fin && seq_diff(ack, other->fin_seq) > 0)
		other->fin_acked = true;
}

static void close_flow(struct flow *flow, enum flow_end why)
{
	if (!flow->closed) {
		flow->closed = true;
		flow->end_reason = (uint8_t)why;
	}
}

bool tcp_segment(struct flow *flow, const struct packet *packet, struct flow_step *step,
		 const struct tcp_heads *heads, uint64_t *heads_lost)
{
	struct tcp_side *side = &flow->tcp[step->dir];
	uint32_t seq = packet->tcp_seq;
	bool again = false;

	flow->tcp_flags |= packet->tcp_flags;
	if (packet->tcp_flags & TCP_SYN) {
		seq++; /* the SYN takes one sequence number */
		if (!side->synced || side->next_seq == side->start_seq) {
			/* Not before data: a late SYN of a connection in progress says nothing new. */
			side->start_seq = side->next_seq = seq;
			side->synced = side->syn = true;
		}
	}
	if (packet->payload_wire > 0 && !flow->closed)
		again = payload_segment(flow, packet, seq, step, heads, heads_lost);
	else if (packet->payload_wire > 0) /* it trails behind the tear-down: counted, but nobody looks */
		again = side->synced && seq_diff(seq + packet->payload_wire, side->next_seq) <= 0;
	if (packet->tcp_flags & TCP_ACK)
		note_ack(flow, step->dir, packet->tcp_ack);
	if (packet->tcp_flags & TCP_FIN) {
		side->fin = true;
		side->fin_seq = seq + packet->payload_wire;
	}
	if (packet->tcp_flags & TCP_RST)
		close_flow(flow, FLOW_END_rst);
	else if (flow->tcp[0].fin_acked && flow->tcp[1].fin_acked)
		close_flow(flow, FLOW_END_fin);
	return again;
}

void tcp_keep(struct flow *flow, const struct flow_step *step, const struct tcp_heads *heads,
	      uint64_t *heads_lost)
{
	struct tcp_side *side = &flow->tcp[step->dir];

	if (flow->head[step->dir] || side->lost || !step->in_stream || step->fresh == 0)
		return;
	struct tcp_head *head = head_at(flow, step->dir, 0, heads);
	if (!head) {
		give_up(flow, step->dir, heads, heads_lost);
		return;
	}
	tcp_head_append(head, heads->limit, 0, step->head);
	if (side->start_seq + head->to != side->next_seq)
		side->lost = true; /* longer than a head from the start */
}

void tcp_drop_heads(struct flow *flow, const struct tcp_heads *heads)
{
	for (int dir = 0; dir < 2; dir++) {
		if (flow->head[dir])
			slab_put(heads->pool, flow->head[dir]);
		flow->head[dir] = NULL;
	}
}
