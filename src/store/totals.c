/* Sums over the labelled flows; see totals.h. */
#include "store/totals.h"
#include <stdlib.h>
#include <string.h>

void totals_drop(struct totals *t)
{
	free(t->label);
	row_index_drop(&t->by_label);
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
	return true;
}
