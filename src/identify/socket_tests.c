/* What the machinery does with the value of an observation, test by test; see enum evidence_test. */
#include "identify/socket_tests.h"
#include <string.h>

/*
 * TEST_COUNTER. A step of 1..16 to another peer is what one counter shared by all peers does: at most 9 in
 * the 2006 capture, +1 or +2 in 99 % (wire A2). Random 16-bit values do so with probability 16/65536 = 2^-12.
 * Steps up to 512 happen while the client talks over TCP (at most 351 in 2015): no evidence either way.
 */
#define COUNTER_SMALL_STEP 16U
#define COUNTER_FAR_STEP   512U
#define NONCE_FRESH_BYTES  3 /* two random 32-bit values share two or more bytes with probability 9e-5 */
/*
 * TEST_AGREED. Two servers of one vendor may well put one constant into their answers; from the third address
 * on they are peers that see the same thing.
 */
#define AGREED_BEFORE 2U

void socket_add_bits(struct socket_entry *s, unsigned kind, float bits, uint64_t packet)
{
	const struct evidence_kind *k = &protocols[s->protocol]->kinds[kind];
	struct evidence_sum *sum = &s->sums[kind];

	sum->count++;
	sum->against += bits < 0;
	if (sum->first_packet == 0)
		sum->first_packet = packet;
	sum->last_packet = packet;
	sum->bits += bits;
	if (sum->bits > k->cap)
		sum->bits = k->cap;
	if (k->test != TEST_AGAINST && sum->bits < -k->cap)
		sum->bits = -k->cap;
}

/* Whether this address has not counted yet. */
static bool is_new_witness(struct witnesses *w, uint32_t address)
{
	const unsigned kept = sizeof w->address / sizeof w->address[0];

	for (unsigned i = 0; i < w->used; i++)
		if (w->address[i] == address)
			return false;
	w->address[w->next] = address;
	w->next = (uint8_t)((w->next + 1) % kept);
	if (w->used < kept)
		w->used++;
	return true;
}

static void test_counter(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			 uint32_t peer)
{
	uint16_t value = (uint16_t)o->value;
	uint16_t step = (uint16_t)(value - s->counter_last);

	/* Only across peers does it tell: within one flow, counters are common. */
	if (!s->has_counter) {
		(void)is_new_witness(&s->steps, peer); /* so that a way back to it is no step to another */
	} else if (peer != s->counter_peer) {
		if (step >= 1 && step <= COUNTER_SMALL_STEP) {
			if (is_new_witness(&s->steps, peer))
				socket_add_bits(s, o->kind, k->bits, o->packet);
		} else if (step == 0 || step > COUNTER_FAR_STEP) {
			socket_add_bits(s, o->kind, k->against, o->packet);
		}
	}
	s->has_counter = true;
	s->counter_last = value;
	s->counter_peer = peer;
}

static int bytes_changed(uint32_t a, uint32_t b)
{
	uint32_t difference = a ^ b;
	int changed = 0;

	for (int i = 0; i < 4; i++)
		changed += (difference >> (8 * i) & 0xff) != 0;
	return changed;
}

static void test_nonce(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o)
{
	const unsigned kept = sizeof s->nonce / sizeof s->nonce[0];
	bool fresh = true;

	for (unsigned i = 0; i < s->nonce_used; i++)
		fresh = fresh && s->nonce[i] != o->value;
	if (s->nonce_used)
		fresh = fresh && bytes_changed(s->nonce[(s->nonce_next + kept - 1) % kept], o->value) >=
					 NONCE_FRESH_BYTES;
	if (s->nonce_used)
		socket_add_bits(s, o->kind, fresh ? k->bits : k->against, o->packet);
	s->nonce[s->nonce_next] = o->value;
	s->nonce_next = (uint8_t)((s->nonce_next + 1) % kept);
	if (s->nonce_used < kept)
		s->nonce_used++;
}

/* Whether the remembered values differ as random ones do: then a field that repeats is not just constant. */
static bool values_differ(const struct socket_entry *s)
{
	const unsigned kept = sizeof s->repeated / sizeof s->repeated[0];

	for (unsigned i = 0; i < kept; i++) {
		if (!s->repeated[i].peers)
			return false;
		for (unsigned j = 0; j < i; j++)
			if (bytes_changed(s->repeated[i].value, s->repeated[j].value) < NONCE_FRESH_BYTES)
				return false;
	}
	return true;
}

static void test_repeated(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			  uint32_t peer)
{
	const unsigned kept = sizeof s->repeated / sizeof s->repeated[0];

	for (unsigned i = 0; i < kept; i++) {
		struct repeated *r = &s->repeated[i];
		if (!r->peers || r->value != o->value)
			continue;
		if (r->peer[0] == peer || (r->peers > 1 && r->peer[1] == peer) || r->peers > 2)
			return;
		if (r->peers == 1)
			r->peer[1] = peer;
		else if (!values_differ(s))
			return;
		else
			socket_add_bits(s, o->kind, k->bits, o->packet);
		r->peers++;
		return;
	}
	s->repeated[s->repeated_next] = (struct repeated){ .value = o->value, .peer = { peer }, .peers = 1 };
	s->repeated_next = (uint8_t)((s->repeated_next + 1) % kept);
}

static void test_reflected(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			   uint32_t peer)
{
	const uint8_t bytes[4] = { (uint8_t)(o->value >> 24), (uint8_t)(o->value >> 16),
				   (uint8_t)(o->value >> 8), (uint8_t)o->value };
	struct ip seen = ip_from_v4(bytes);
	bool same = s->has_public && ip_equal(&seen, &s->public_ip);

	if (ip_equal(&seen, &s->socket.ip) || (same && peer != s->public_peer)) {
		s->public_confirmed = true;
		socket_add_bits(s, o->kind, k->bits, o->packet);
	}
	if (!s->has_public || (!same && !s->public_confirmed)) {
		s->has_public = true;
		s->public_ip = seen;
		s->public_peer = peer;
	}
}

static void test_agreed(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			uint32_t peer)
{
	if (s->agreeing == 0 || s->agreed != o->value) {
		s->agreed = o->value;
		s->agreeing = 0;
		s->agreed_by = (struct witnesses){ 0 };
	}
	if (!is_new_witness(&s->agreed_by, peer))
		return;
	if (s->agreeing < UINT8_MAX)
		s->agreeing++;
	if (s->agreeing > AGREED_BEFORE)
		socket_add_bits(s, o->kind, k->bits, o->packet);
}

/* Only counted here; socket_judge_randomness() looks at the sum. */
static void test_randomness(struct socket_entry *s, const struct observation *o)
{
	if (!s->csc || !o->has_head)
		return;
	if (s->csc->n == 0)
		s->csc_packet = o->packet;
	csc_add(s->csc, (struct span){ o->head, sizeof o->head });
}

bool socket_randomness(const struct socket_entry *s, unsigned kind, float *bits)
{
	const struct protocol *protocol = protocols[s->protocol];
	const struct evidence_kind *k = &protocol->kinds[kind];

	if (!s->csc || k->test != TEST_RANDOMNESS)
		return false;
	enum csc_answer answer = csc_test(s->csc, protocol->csc_socket);
	*bits = answer == CSC_PASSES ? k->bits : k->against;
	return answer != CSC_TOO_FEW;
}

void socket_judge_randomness(struct socket_entry *s)
{
	float bits;

	for (unsigned i = 0; i < protocols[s->protocol]->kind_count; i++)
		if (socket_randomness(s, i, &bits))
			socket_add_bits(s, i, bits, s->csc_packet);
}

void socket_test(struct socket_entry *s, const struct observation *o, uint32_t peer)
{
	const struct evidence_kind *k = &protocols[o->protocol]->kinds[o->kind];

	switch (k->test) {
	case TEST_NONE:
		socket_add_bits(s, o->kind, k->bits, o->packet);
		break;
	case TEST_PEERS:
		if (is_new_witness(&s->echoes, peer))
			socket_add_bits(s, o->kind, k->bits, o->packet);
		break;
	case TEST_COUNTER:
		test_counter(s, k, o, peer);
		break;
	case TEST_NONCE:
		test_nonce(s, k, o);
		break;
	case TEST_REFLECTED:
		test_reflected(s, k, o, peer);
		break;
	case TEST_AGREED:
		test_agreed(s, k, o, peer);
		break;
	case TEST_REPEATED:
		test_repeated(s, k, o, peer);
		break;
	case TEST_RANDOMNESS:
		test_randomness(s, o);
		break;
	case TEST_AGAINST:
		socket_add_bits(s, o->kind, k->against, o->packet);
		break;
	}
}
