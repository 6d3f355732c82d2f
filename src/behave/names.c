/* See names.h. */
#include "behave/names.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/row_index.h"
#include <stdlib.h>

struct name_table {
	struct intern *texts;
	struct named_address *row;
	uint32_t rows, room;
	uint64_t refused;
	struct row_index by_ip;
	struct hash_key key;
};

struct name_table *name_table_new(struct error *err)
{
	struct name_table *t = calloc(1, sizeof *t);

	if (t)
		t->texts = intern_new();
	if (!t || !t->texts) {
		error_memory(err, "the names of addresses");
		free(t);
		return NULL;
	}
	t->key = hash_key_random();
	return t;
}

void name_table_free(struct name_table *t)
{
	if (!t)
		return;
	intern_free(t->texts);
	row_index_drop(&t->by_ip);
	free(t->row);
	free(t);
}

const struct named_address *name_table_next(const struct name_table *t, const struct ip *ip, uint32_t *at)
{
	uint64_t hash = hash_words(&t->key, ip, sizeof *ip);
	uint32_t i;

	while ((i = row_index_probe(&t->by_ip, hash, at)) != ROW_NONE)
		if (ip_equal(&t->row[i].ip, ip))
			return &t->row[i];
	return NULL;
}

static bool add(struct name_table *t, const struct ip *ip, const char *name, int64_t ns, struct error *err)
{
	const struct named_address *known;
	uint32_t at = 0, names = 0;

	for (; (known = name_table_next(t, ip, &at)); names++)
		if (known->name == name || strcmp(known->name, name) == 0)
			return true;
	if (names >= NAMES_OF_ADDRESS)
		return true;
	if (t->rows >= NAMES_MAX) {
		t->refused++;
		return true;
	}
	void *rows = t->row;
	bool room = rows_reserve(&rows, t->rows, &t->room, sizeof *t->row);
	t->row = rows;
	const char *text = room ? intern(t->texts, name) : NULL;
	if (!text || !row_index_add(&t->by_ip, hash_words(&t->key, ip, sizeof *ip), t->rows))
		return error_memory(err, "the names of addresses");
	t->row[t->rows++] = (struct named_address){ *ip, text, ns };
	return true;
}

bool name_table_add(struct name_table *t, const struct dns_answer *answer, int64_t ns, struct error *err)
{
	for (unsigned i = 0; i < answer->addresses; i++)
		if (!add(t, &answer->address[i], answer->name, ns, err))
			return false;
	return true;
}

uint32_t name_table_count(const struct name_table *t)
{
	return t->rows;
}

uint64_t name_table_refused(const struct name_table *t)
{
	return t->refused;
}
