/* Sums over the labelled flows; see totals.h. */
#include "store/totals.h"
#include <stdlib.h>
#include <string.h>

#define SIZES (MESSAGE_SIZE_MAX + 1U)

void totals_drop(struct totals *t)
{
	free(t->label);
	row_index_drop(&t->by_label);
	for (unsigned p = 0; p < PROTOCOLS_MAX; p++)
		free(t->sizes[p]);
	*t = (struct totals){ 0 };
}

static uint64_t hash_text(const struct hash_key *key, uint64_t seed, const char *text)
{
	uint64_t word = seed;

	/* Labels are short; a word at a time, the last one padded. */
	for (size_t left = strlen(text) + 1; left > 0;) {
		size_t n = left < sizeof word ? left : sizeof word;
		uint64_t part[2] = { 0, word };
		memcpy(part, text, n);
		word = hash_words(key, part, sizeof part);
		text += n;
		left -= n;
	}
	return word;
}

/* By text, not by pointer: two dissectors may use one label. */
static uint64_t hash_label(const struct totals *t, const struct flow_row *row, const char *ndpi)
{
	return hash_text(&t->key, hash_text(&t->key, (uint64_t)row->source, row->flow->label), ndpi);
}

static bool is_total(const struct label_total_row *total, const struct flow_row *row, const char *ndpi)
{
	return total->source == label_source_names[row->source] &&
	       strcmp(total->label, row->flow->label) == 0 && strcmp(total->ndpi_label, ndpi) == 0;
}

bool totals_add_label(struct totals *t, const struct flow_row *row, struct error *err)
{
	const struct flow_record *r = row->flow;
	const char *ndpi = r->ndpi_label ? r->ndpi_label : "";
	uint64_t hash = hash_label(t, row, ndpi);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&t->by_label, hash, &at)) != ROW_NONE)
		if (is_total(&t->label[i], row, ndpi))
			break;
	if (i == ROW_NONE) {
		void *labels = t->label;
		bool room = rows_reserve(&labels, t->labels, &t->label_room, sizeof *t->label);
		t->label = labels;
		if (!room || !row_index_add(&t->by_label, hash, t->labels))
			return error_memory(err, "the label totals");
		i = t->labels++;
		t->label[i] = (struct label_total_row){
			.label = r->label,
			.source = label_source_names[row->source],
			.ndpi_label = ndpi,
		};
	}
	struct label_total_row *total = &t->label[i];
	total->flows++;
	total->packets += r->side[0].packets + r->side[1].packets;
	total->payload_bytes += r->side[0].payload_bytes + r->side[1].payload_bytes;
	total->ip_bytes += r->side[0].ip_bytes + r->side[1].ip_bytes;
	return true;
}

static size_t cell(bool probe, bool from_client, uint32_t size)
{
	return ((size_t)probe * 2 + from_client) * SIZES + (size < SIZES ? size : SIZES - 1);
}

bool totals_add_sizes(struct totals *t, const struct candidates *c, const struct socket_entry *s,
		      const struct flow_record *r, const struct logged_message *log, struct error *err)
{
	bool initiator = r->initiator.port == s->socket.port && ip_equal(&r->initiator.ip, &s->socket.ip);
	const struct pair *pair = pair_table_find(c->pairs, s->candidate, s->protocol,
						  initiator ? &r->responder : &r->initiator);
	/* D7: the pair exchanged one probe and nothing else; all other signalling is non-probe traffic (D12).
	 */
	bool probe = pair && pair->total.flows == 1 && pair->total.one_time_probes == 1;
	uint64_t known = r->sizes;

	if (!t->sizes[s->protocol]) {
		t->sizes[s->protocol] = calloc(cell(true, true, SIZES - 1) + 1, sizeof(uint64_t));
		if (!t->sizes[s->protocol])
			return error_memory(err, "the payload sizes");
	}
	for (uint32_t i = 0; i < r->sizes; i++) {
		bool from_initiator = log[i].dir == TO_RESPONDER;
		t->sizes[s->protocol][cell(probe, from_initiator == initiator, log[i].size)]++;
	}
	if (r->sizes == 0) {
		/* No log: nothing in the flow looked like the protocol. Its first sizes are known all the
		 * same. */
		for (int dir = 0; dir < 2; dir++) {
			if (r->side[dir].messages == 0)
				continue;
			bool from_client = (dir == TO_RESPONDER) == initiator;
			t->sizes[s->protocol][cell(probe, from_client, r->side[dir].first_size)]++;
			known++;
		}
	}
	uint64_t messages = (uint64_t)r->side[0].messages + r->side[1].messages;
	t->sizes_missing += messages > known ? messages - known : 0;
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct label_total_row *x = a, *y = b;
	int order = strcmp(x->label, y->label);

	if (order == 0)
		order = strcmp(x->source, y->source);
	return order ? order : strcmp(x->ndpi_label, y->ndpi_label);
}

bool totals_put(const struct totals *t, struct sink *sink, struct error *err)
{
	if (t->labels)
		qsort(t->label, t->labels, sizeof *t->label, by_text);
	for (uint32_t i = 0; i < t->labels; i++)
		if (!sink->ops->put_label_total(sink, &t->label[i], err))
			return false;
	for (unsigned p = 0; p < protocol_count; p++) {
		for (size_t i = 0; t->sizes[p] && i <= cell(true, true, SIZES - 1); i++) {
			const struct size_row row = {
				.protocol = protocols[p]->name,
				.probe = i / SIZES / 2,
				.from_client = i / SIZES % 2,
				.size = (uint32_t)(i % SIZES),
				.messages = t->sizes[p][i],
			};
			if (row.messages && !sink->ops->put_size(sink, &row, err))
				return false;
		}
	}
	return true;
}
