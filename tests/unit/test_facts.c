/*
 * Facts: every kind of record comes out as it went in, all streams come in the order of their stamps, and no
 * change of a chunk does more than fail.
 */
#include "base/intern.h"
#include "store/facts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define T0     (INT64_C(1700000000) * SECOND)
#define CHUNKS 16

struct kept {
	struct facts_chunk chunk[CHUNKS];
	unsigned chunks;
};

static void keep(void *self, struct facts_chunk *chunk)
{
	struct kept *k = self;

	assert_true(k->chunks < CHUNKS);
	k->chunk[k->chunks++] = *chunk;
}

static void drop(struct kept *k)
{
	while (k->chunks)
		facts_chunk_drop(&k->chunk[--k->chunks]);
}

/* What was told, the last of each kind. */
struct told {
	struct observation observation;
	struct occurrence occurrence;
	struct media_report media;
	struct flow_record flow;
	struct logged_message log[64];
	struct dns_answer answer;
	int64_t answer_ns;
	struct stage_counts counts;
	int64_t first_ns, last_ns;
	unsigned records;
	uint64_t packet[64]; /* of observations, in order */
	unsigned packets;
};

static void observed(void *self, const struct observation *o)
{
	struct told *t = self;
	t->observation = *o;
	t->records++;
	if (t->packets < 64)
		t->packet[t->packets++] = o->packet;
}
static void occurred(void *self, const struct occurrence *o)
{
	((struct told *)self)->occurrence = *o;
	((struct told *)self)->records++;
}
static void metered(void *self, const struct media_report *r)
{
	((struct told *)self)->media = *r;
	((struct told *)self)->records++;
}
static void flow(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct told *t = self;
	t->flow = *r;
	t->records++;
	size_t entries = intake_log_entries(r);
	memcpy(t->log, log, (entries < 64 ? entries : 64) * sizeof *log);
}
static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	((struct told *)self)->answer = *answer;
	((struct told *)self)->answer_ns = ts_ns;
	((struct told *)self)->records++;
}
static void counted(void *self, const struct facts_place *place, const struct stage_counts *counts,
		    int64_t first_ns, int64_t last_ns)
{
	struct told *t = self;
	(void)place;
	t->counts = *counts;
	t->first_ns = first_ns;
	t->last_ns = last_ns;
	t->records++;
}

static struct facts_listener listen_to(struct told *t)
{
	return (struct facts_listener){ { observed, occurred, metered, flow, named, t }, counted, t };
}

static struct endpoint end_v4(uint8_t last, uint16_t port)
{
	const uint8_t bytes[4] = { 192, 0, 2, last };
	return (struct endpoint){ ip_from_v4(bytes), port };
}

static struct endpoint end_v6(uint8_t last, uint16_t port)
{
	struct endpoint e = { .port = port };
	e.ip.b[0] = 0x20;
	e.ip.b[1] = 0x01;
	e.ip.b[15] = last;
	return e;
}

/* Structs are compared as bytes, so padding is zeroed first. */
static struct observation an_observation(uint64_t packet)
{
	struct observation o;

	memset(&o, 0, sizeof o);
	o.ts_ns = T0 + 5;
	o.packet = packet;
	o.flow = packet > 3 ? packet - 3 : 1;
	o.from = end_v4(1, 40000);
	o.to = end_v6(9, 65535);
	o.l4 = 17;
	o.kind = 1;
	o.value = UINT32_MAX;
	o.has_head = true;
	memcpy(o.head, "\x00\xff\x80\x7f\x01\x02\x03\x04", 8);
	return o;
}

static struct flow_record a_flow(void)
{
	struct flow_record r;

	memset(&r, 0, sizeof r);
	r.first_packet = 7;
	r.last_packet = UINT64_C(1) << 40;
	r.first_ns = T0 - 100 * SECOND;
	r.last_ns = T0;
	r.log_after_ns = 12345;
	r.initiator = end_v6(1, 1);
	r.responder = end_v4(2, 443);
	r.l4 = 6;
	r.end_reason = FLOW_END_evicted;
	r.tcp_flags = 0x1b;
	r.icmp_type = 3;
	r.icmp_code = 13;
	r.protocol = (int8_t)(protocol_count - 1);
	r.ndpi_by_payload = r.measured = r.syn_seen = r.echo_asked = true;
	r.role = ROLE_COUNT - 1;
	r.icmp_errors = 65535;
	r.duplicates = 2;
	r.disordered = 3;
	r.sizes = 3;
	r.thinned = 2;
	r.hits = 1;
	r.matched = 1;
	r.refused = 2;
	r.bits = -12.5F;
	r.label = "a-label";
	r.ndpi_label = "TLS.Something";
	for (int dir = 0; dir < 2; dir++) {
		struct flow_side *s = &r.side[dir];
		s->first_ns = r.first_ns + dir;
		s->last_ns = r.last_ns - dir;
		s->packets = UINT64_C(1) << (40 + dir);
		s->ip_bytes = UINT64_MAX;
		s->payload_bytes = 77;
		s->payload_wire = 78;
		s->messages = 5;
		s->retransmitted = UINT32_MAX;
		s->first_size = 1400;
	}
	return r;
}

static void a_log(const struct flow_record *r, struct logged_message *log)
{
	memset(log, 0, intake_log_entries(r) * sizeof *log);
	log[0] = (struct logged_message){ .gap = UINT32_MAX, .size = MESSAGE_SIZE_MAX, .dir = 1 };
	log[1] = (struct logged_message){ .gap = 0, .size = 1, .dir = 0 };
	log[2] = (struct logged_message){ .gap = 70000, .size = 500, .dir = 1 };
	log[3] = (struct logged_message){ .gap = 10, .dir = 0 }; /* the thinned part has no sizes */
	log[4] = (struct logged_message){ .gap = 300, .dir = 1 };
	const struct pattern_hit hit = { .ts_ns = T0, .packet = 8, .flow = 7, .pattern = 1, .dir = 1 };
	memcpy(log + 5, &hit, sizeof hit);
}

static struct media_report a_report(void)
{
	struct media_report r;

	memset(&r, 0, sizeof r);
	r.flow = 7;
	r.protocol = 0;
	r.sampled = true;
	r.talk_first_ns = T0 - SECOND;
	r.talk_last_ns = T0 + SECOND;
	r.busy_seconds[1] = 9;
	r.quiet_seconds[0] = 4;
	r.outside[1] = 7;
	r.outside_bytes[0] = 700;
	r.control = 3;
	r.round_trip_ms[0] = -1;
	r.round_trip_ms[1] = 20.5F;
	r.holds = 1;
	r.hold[0] = (struct hold_period){ T0, T0 + 1, { 5, 6 }, { 500, 1 } };
	r.holds_missed = 1;
	r.streams_missed = 2;
	r.streams = 2;
	for (unsigned i = 0; i < 2; i++) {
		struct stream_report *s = &r.stream[i];
		s->stream = 0xdeadbeef + i;
		s->dir = (enum direction)i;
		s->first_packet = 8 + i;
		s->first_ns = T0;
		s->last_ns = T0 + 3;
		s->packets = s->payload = 100;
		s->size_min = 1;
		s->size_max = 2;
		s->size_mean = 1.5F;
		s->size_sd = 0.25F;
		s->gap_mean_ms = 20;
		s->gap_sd_ms = 1;
		s->large = 1;
		s->sequenced = s->has_jitter = true;
		s->expected = 101;
		s->lost = s->duplicates = s->reordered = 1;
		s->jitter_mean_ms = 3;
		s->jitter_max_ms = 4;
		s->clock_hz = 8000;
		s->payload_type = 127;
		s->codec = i ? "PCMU" : NULL;
		s->media = MEDIA_VIDEO;
		s->comfort_noise = 2;
		s->csc_messages = 3;
		s->csc_above = 65535;
		s->voice.windows = i;
		if (i) {
			s->voice.size = -1.5F;
			s->voice.gap = -2.5F;
			s->voice.belief = -3.5F;
			s->voice.codec_mode = -1;
			s->voice.framing_ms = 20;
		}
	}
	return r;
}

static struct occurrence an_occurrence(enum event_type type)
{
	struct occurrence o;

	memset(&o, 0, sizeof o);
	o.ts_ns = T0 + 1;
	o.packet = 11;
	o.flow = 7;
	o.initiator = end_v4(1, 2);
	o.responder = end_v4(3, 4);
	o.dir = TO_INITIATOR;
	o.event.type = type;
	switch (type) {
	case EVENT_MESSAGE:
		o.event.of.message.bytes = 5;
		o.event.of.message.what = MESSAGE_ANSWER;
		break;
	case EVENT_EXCHANGE:
		o.event.of.exchange.role = "login";
		o.event.of.exchange.outcome = OUTCOME_FAILURE;
		break;
	case EVENT_VERSION_CHECK:
		o.event.of.version.action = "installed";
		memset(o.event.of.version.version, 'v', sizeof o.event.of.version.version - 1);
		snprintf(o.event.of.version.host, sizeof o.event.of.version.host, "ui.example");
		break;
	case EVENT_MEDIA_PATH:
		o.event.of.path.way = MEDIA_WAY_RELAYED;
		o.event.of.path.reflexive[1] = end_v6(3, 4);
		o.event.of.path.relayed = end_v4(5, 6);
		o.event.of.path.peer = end_v4(7, 8);
		break;
	case EVENT_ROUND_TRIP:
		o.event.of.round_trip.asked_ns = T0 - 1;
		o.event.of.round_trip.question = 28;
		o.event.of.round_trip.reply = 26;
		o.event.of.round_trip.repeated = true;
		break;
	}
	return o;
}

static struct stage_counts the_counts(void)
{
	struct stage_counts c;
	uint64_t n = 1;

	memset(&c, 0, sizeof c);
	c.frames = UINT64_MAX;
	c.filtered = n++;
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		c.account[i] = n++;
	c.decode = (struct decode_extras){ n, n + 1, n + 2, 113 };
	n += 3;
	c.flows.flows = n++;
	c.flows.packets = n++;
	for (int i = 0; i < FLOW_END_COUNT; i++)
		c.flows.ended[i] = n++;
	c.flows.disordered_packets = n++;
	c.flows.duplicate_packets = n++;
	c.flows.retransmitted_packets = n++;
	c.flows.peak_flows = UINT32_MAX;
	c.flows.heads_lost = n++;
	c.flows.icmp_matched = n++;
	c.flows_alive = n++;
	c.packets_alive = n++;
	c.passed_over = n++;
	c.unmeasured = n++;
	c.hits_refused = n++;
	c.patterns_untold = n++;
	c.dropped = n++;
	c.lost = n++;
	c.judge.begun = true;
	c.judge.first_ns = T0 - SECOND;
	c.judge.greatest_ns = c.judge.last_ns = T0 + SECOND;
	for (int i = 0; i < JUDGEMENT_COUNT; i++)
		c.judge.value[i] = n++;
	c.judge.steps_back = n++;
	return c;
}

static struct dns_answer an_answer(void)
{
	struct dns_answer a;

	memset(&a, 0, sizeof a);
	snprintf(a.name, sizeof a.name, "www.example.org");
	a.addresses = 2;
	a.address[0] = end_v4(1, 0).ip;
	a.address[1] = end_v6(2, 0).ip;
	return a;
}

/* One of each. */
static void write_all(struct kept *k)
{
	struct error err;
	struct facts_writer *w = facts_writer_new(3, 1, keep, k, &err);
	assert_non_null(w);
	const struct intake to = facts_writer_intake(w);
	const struct flow_record r = a_flow();
	struct logged_message log[64];
	const struct media_report m = a_report();
	const struct observation o = an_observation(UINT64_C(1) << 33);
	const struct dns_answer a = an_answer();
	const struct stage_counts c = the_counts();

	a_log(&r, log);
	facts_writer_flush(w);
	assert_int_equal(k->chunks, 0);
	facts_writer_stamp(w, T0);
	to.observed(to.self, &o);
	for (int type = EVENT_MESSAGE; type <= EVENT_ROUND_TRIP; type++) {
		const struct occurrence x = an_occurrence((enum event_type)type);
		to.occurred(to.self, &x);
	}
	to.metered(to.self, &m);
	facts_writer_stamp(w, T0 + SECOND);
	to.flow(to.self, &r, log);
	to.named(to.self, &a, T0 + 2);
	facts_writer_counts(w, &c, T0 - SECOND, T0 + SECOND);
	assert_false(facts_writer_failed(w, &err));
	facts_writer_flush(w);
	facts_writer_free(w);
}

static void each_kind_comes_back(void **state)
{
	(void)state;
	struct kept k = { .chunks = 0 };
	struct told t;
	struct error err;
	struct intern *names = intern_new();
	const struct facts_listener listener = listen_to(&t);

	memset(&t, 0, sizeof t);
	write_all(&k);
	assert_int_equal(k.chunks, 1);
	const struct facts_chunk *c = &k.chunk[0];
	assert_int_equal(c->place.session, 3);
	assert_int_equal(c->place.worker, 1);
	assert_int_equal(c->place.seq, 1);
	assert_int_equal(c->first_ns, T0);
	assert_int_equal(c->last_ns, T0 + SECOND);
	assert_int_equal(c->records, 10);
	if (!facts_tell((struct span){ c->bytes, c->size }, &c->place, 0, names, &listener, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t.records, 10);

	const struct observation o = an_observation(UINT64_C(1) << 33);
	assert_memory_equal(&t.observation, &o, sizeof o);
	struct flow_record r = a_flow();
	struct logged_message log[64];
	a_log(&r, log);
	assert_string_equal(t.flow.label, r.label);
	assert_string_equal(t.flow.ndpi_label, r.ndpi_label);
	t.flow.label = r.label;
	t.flow.ndpi_label = r.ndpi_label;
	assert_memory_equal(&t.flow, &r, sizeof r);
	assert_memory_equal(t.log, log, intake_log_entries(&r) * sizeof *log);
	struct media_report m = a_report();
	assert_null(t.media.stream[0].codec);
	assert_string_equal(t.media.stream[1].codec, "PCMU");
	t.media.stream[1].codec = m.stream[1].codec;
	assert_memory_equal(&t.media, &m, sizeof m);
	const struct occurrence x = an_occurrence(EVENT_ROUND_TRIP);
	assert_memory_equal(&t.occurrence, &x, sizeof x);
	const struct dns_answer a = an_answer();
	assert_memory_equal(&t.answer, &a, sizeof a);
	assert_int_equal(t.answer_ns, T0 + 2);
	const struct stage_counts counts = the_counts();
	assert_memory_equal(&t.counts, &counts, sizeof counts);
	assert_int_equal(t.first_ns, T0 - SECOND);
	assert_int_equal(t.last_ns, T0 + SECOND);
	drop(&k);
	intern_free(names);
}

static void events_come_back(void **state)
{
	(void)state;
	for (int type = EVENT_MESSAGE; type <= EVENT_ROUND_TRIP; type++) {
		struct kept k = { .chunks = 0 };
		struct told t;
		struct error err;
		struct intern *names = intern_new();
		const struct facts_listener listener = listen_to(&t);
		struct facts_writer *w = facts_writer_new(1, 0, keep, &k, &err);
		const struct intake to = facts_writer_intake(w);
		const struct occurrence x = an_occurrence((enum event_type)type);

		to.occurred(to.self, &x);
		facts_writer_flush(w);
		assert_true(facts_tell((struct span){ k.chunk[0].bytes, k.chunk[0].size }, &k.chunk[0].place,
				       100, names, &listener, &err));
		/* Numbers are told plus the offset. */
		assert_int_equal(t.occurrence.packet, x.packet + 100);
		assert_int_equal(t.occurrence.flow, x.flow + 100);
		t.occurrence.packet = x.packet;
		t.occurrence.flow = x.flow;
		if (type == EVENT_MESSAGE) {
			assert_string_equal(t.occurrence.event.of.message.what, MESSAGE_ANSWER);
			t.occurrence.event.of.message.what = x.event.of.message.what;
		} else if (type == EVENT_EXCHANGE) {
			assert_string_equal(t.occurrence.event.of.exchange.role, "login");
			assert_null(t.occurrence.event.of.exchange.form);
			t.occurrence.event.of.exchange.role = x.event.of.exchange.role;
		} else if (type == EVENT_VERSION_CHECK) {
			assert_string_equal(t.occurrence.event.of.version.action, "installed");
			t.occurrence.event.of.version.action = x.event.of.version.action;
		}
		assert_memory_equal(&t.occurrence, &x, sizeof x);
		facts_writer_free(w);
		drop(&k);
		intern_free(names);
	}
}

/* More texts than a chunk remembers, and more bytes than one holds. */
static void many_texts(void **state)
{
	(void)state;
	struct kept k = { .chunks = 0 };
	struct told t = { .records = 0 };
	struct error err;
	struct intern *names = intern_new();
	const struct facts_listener listener = listen_to(&t);
	struct facts_writer *w = facts_writer_new(1, 0, keep, &k, &err);
	const struct intake to = facts_writer_intake(w);
	struct occurrence x = an_occurrence(EVENT_MESSAGE);
	char text[64];

	for (unsigned i = 0; i < 12000; i++) {
		snprintf(text, sizeof text, "a text of some length, of which this is number %u", i % 3000);
		x.event.of.message.what = text;
		to.occurred(to.self, &x);
	}
	facts_writer_flush(w);
	assert_true(k.chunks > 1);
	for (unsigned i = 0; i < k.chunks; i++)
		if (!facts_tell((struct span){ k.chunk[i].bytes, k.chunk[i].size }, &k.chunk[i].place, 0,
				names, &listener, &err))
			fail_msg("%s", err.text);
	assert_int_equal(t.records, 12000);
	assert_string_equal(t.occurrence.event.of.message.what,
			    "a text of some length, of which this is number 2999");
	facts_writer_free(w);
	drop(&k);
	intern_free(names);
}

/* Copied to its exact size, so that a read behind the end is seen. */
static bool tells(const uint8_t *bytes, size_t size)
{
	struct told t;
	struct error err = { 0 };
	struct intern *names = intern_new();
	const struct facts_listener listener = listen_to(&t);
	const struct facts_place place = { .session = 1, .seq = 1 };
	uint8_t *copy = malloc(size + (size == 0));

	memset(&t, 0, sizeof t);
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	bool ok = facts_tell((struct span){ copy, size }, &place, 0, names, &listener, &err);
	if (!ok)
		assert_int_equal(err.status, EXIT_INPUT);
	free(copy);
	intern_free(names);
	return ok;
}

/* FNV-1a of everything behind the sum, as the head has it: whoever changes a chunk can do so, too. */
static void seal(uint8_t *bytes, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 16; i < size; i++)
		sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	for (unsigned i = 0; i < 8; i++)
		bytes[8 + i] = (uint8_t)(sum >> (56 - 8 * i));
}

static void damage_is_found(void **state)
{
	(void)state;
	struct kept k = { .chunks = 0 };
	unsigned told_all_the_same = 0, tried = 0;

	write_all(&k);
	const size_t size = k.chunk[0].size;
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	assert_true(tells(k.chunk[0].bytes, size));
	for (size_t n = 0; n < size; n++)
		assert_false(tells(k.chunk[0].bytes, n));
	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(bytes, k.chunk[0].bytes, size);
			bytes[i] ^= (uint8_t)(1 << bit);
			assert_false(tells(bytes, size));
			/* With a good sum it may be told, but does no harm. */
			seal(bytes, size);
			told_all_the_same += tells(bytes, size);
			tried++;
		}
	assert_true(told_all_the_same < tried);
	free(bytes);
	drop(&k);
}

/* Numbers that each fit their field, and cannot be of one record. The list of fields that finds them when
 * they are read (facts_records.c) is the one that writes them, and refuses here. */
static void contradictions_are_found(void **state)
{
	(void)state;
	const struct media_report of_none = { .flow = 7, .protocol = -1, .sampled = true };
	const struct judge backwards = {
		.begun = true, .first_ns = T0 + 1, .last_ns = T0, .greatest_ns = T0
	};
	const struct judge beyond = { .begun = true, .first_ns = T0, .last_ns = T0 + 1, .greatest_ns = T0 };
	const struct judge good = { .begun = true, .first_ns = T0, .last_ns = T0, .greatest_ns = T0 };
	const struct {
		const struct media_report *report;
		struct judge judge;
		int64_t first_ns, last_ns;
		bool told;
	} cases[] = { { &of_none, good, T0, T0, false },
		      { NULL, backwards, T0, T0, false },
		      { NULL, beyond, T0, T0, false },
		      { NULL, good, T0 + 1, T0, false },
		      { NULL, good, T0, T0 + 1, true } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kept k = { .chunks = 0 };
		struct error err;
		struct facts_writer *w = facts_writer_new(1, 0, keep, &k, &err);
		const struct intake to = facts_writer_intake(w);
		const struct stage_counts counts = { .judge = cases[i].judge };

		facts_writer_stamp(w, T0);
		if (cases[i].report)
			to.metered(to.self, cases[i].report);
		facts_writer_counts(w, &counts, cases[i].first_ns, cases[i].last_ns);
		facts_writer_flush(w);
		assert_int_equal(!facts_writer_failed(w, &err), cases[i].told);
		assert_int_equal(k.chunks, cases[i].told);
		facts_writer_free(w);
		drop(&k);
	}
}

struct stored {
	const struct kept *kept;
	unsigned next;
};

static bool next_stored(void *self, struct span *bytes, struct facts_place *place, bool *failed,
			struct error *err)
{
	struct stored *s = self;
	(void)failed, (void)err;
	if (s->next == s->kept->chunks)
		return false;
	const struct facts_chunk *c = &s->kept->chunk[s->next++];
	*bytes = (struct span){ c->bytes, c->size };
	*place = c->place;
	return true;
}

/* stamp[i]: of a record with packet number first + i; 0: what there is goes into a chunk. */
static void write_stream(struct kept *k, uint16_t worker, uint64_t first, const int64_t *stamp, unsigned n)
{
	struct error err;
	struct facts_writer *w = facts_writer_new(1, worker, keep, k, &err);
	const struct intake to = facts_writer_intake(w);

	for (unsigned i = 0; i < n; i++) {
		if (stamp[i] == 0) {
			facts_writer_flush(w);
			continue;
		}
		const struct observation o = an_observation(first + i);
		facts_writer_stamp(w, T0 + stamp[i]);
		to.observed(to.self, &o);
	}
	facts_writer_flush(w);
	facts_writer_free(w);
}

static void streams_are_merged(void **state)
{
	(void)state;
	/* Ties go to the earlier stream; the order in a stream is never changed, even when its clock goes
	 * back.
	 */
	static const int64_t a[] = { 10, 20, 0, 20, 50 }, b[] = { 20, 5, 0, 30, 60 }, c[] = { 40 };
	/* a 10; a 20, then after the chunk's end a 20 again; b 20, b 5; b 30; c 40; a 50; b 60 */
	static const uint64_t expected[] = { 100, 101, 103, 200, 201, 203, 300 + 1000, 104, 204 };
	struct kept k[4];
	struct stored stored[4];
	struct facts_stream stream[4];
	struct told t;
	struct error err;
	struct intern *names = intern_new();
	const struct facts_listener listener = listen_to(&t);

	memset(&t, 0, sizeof t);
	memset(k, 0, sizeof k);
	write_stream(&k[0], 0, 100, a, 5);
	write_stream(&k[1], 1, 200, b, 5);
	write_stream(&k[2], 2, 300, c, 1);
	assert_int_equal(k[0].chunks, 2);
	assert_int_equal(k[3].chunks, 0);
	for (unsigned i = 0; i < 4; i++) {
		stored[i] = (struct stored){ &k[i], 0 };
		stream[i] = (struct facts_stream){ next_stored, &stored[i], i == 2 ? 1000 : 0 };
	}
	if (!facts_tell_all(stream, 4, names, &listener, &err))
		fail_msg("%s", err.text);
	assert_int_equal(t.packets, sizeof expected / sizeof expected[0]);
	for (unsigned i = 0; i < t.packets; i++)
		assert_int_equal(t.packet[i], expected[i]);
	/* A damaged one fails all. */
	k[1].chunk[1].bytes[k[1].chunk[1].size - 1] ^= 1;
	for (unsigned i = 0; i < 4; i++)
		stored[i].next = 0;
	assert_false(facts_tell_all(stream, 4, names, &listener, &err));
	assert_int_equal(err.status, EXIT_INPUT);
	for (unsigned i = 0; i < 4; i++)
		drop(&k[i]);
	assert_true(facts_tell_all(NULL, 0, names, &listener, &err));
	intern_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_comes_back),
		cmocka_unit_test(events_come_back),
		cmocka_unit_test(many_texts),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(contradictions_are_found),
		cmocka_unit_test(streams_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
