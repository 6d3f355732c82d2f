/* Sums over the labelled flows; see totals.h. */
#include "store/totals.h"
#include "flow/message_log.h"
#include <stdlib.h>

#define SIZES 0x8000U /* a message log entry keeps 15 bits */

static const char *const source_names[] = {
#define X(name, words) #name,
	LABEL_SOURCES(X)
#undef X
};

void totals_drop(struct totals *t)
{
	free(t->label);
	free(t->ndpi);
	row_index_drop(&t->by_label);
	for (unsigned p = 0; p < PROTOCOLS_MAX; p++)
		free(t->sizes[p]);
	*t = (struct totals){ 0 };
}

/* Labels are static or interned: equal text is not always one pointer, so the text's hash would be needed for
 * merging our own labels with libndpi's; they never meet, because the source differs. */
static uint64_t hash_label(const struct totals *t, const struct flow_row *row)
{
	const uint64_t key[3] = { (uint64_t)(uintptr_t)row->flow->label,
				  (uint64_t)(uintptr_t)row->flow->ndpi_label, (uint64_t)row->source };
	return hash_words(&t->key, key, sizeof key);
}

bool totals_add_label(struct totals *t, const struct flow_row *row, struct error *err)
{
	const struct flow_record *r = row->flow;
	uint64_t hash = hash_label(t, row);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&t->by_label, hash, &at)) != ROW_NONE)
		if (t->label[i].label == r->label && t->ndpi[i] == r->ndpi_label &&
		    t->label[i].source == source_names[row->source])
			break;
	if (i == ROW_NONE) {
		void *labels = t->label, *ndpi = t->ndpi;
		bool room = rows_reserve(&labels, t->labels, &t->label_room, sizeof *t->label);
		room = rows_reserve(&ndpi, t->labels, &t->ndpi_room, sizeof *t->ndpi) && room;
		t->label = labels;
		t->ndpi = ndpi;
		if (!room || !row_index_add(&t->by_label, hash, t->labels))
			return error_memory(err, "the label totals");
		i = t->labels++;
		t->ndpi[i] = r->ndpi_label;
		t->label[i] = (struct label_total_row){
			.label = r->label,
			.source = source_names[row->source],
			.ndpi_label = r->ndpi_label ? r->ndpi_label : "",
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
		      const struct flow_record *r, const uint16_t *sizes, struct error *err)
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
		bool from_initiator = !(sizes[i] & SIZES);
		t->sizes[s->protocol][cell(probe, from_initiator == initiator, sizes[i] & (SIZES - 1))]++;
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
