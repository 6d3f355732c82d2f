/* Interned names: an open-addressed table of strings that only grows. */
#include "base/intern.h"
#include "base/hash.h"
#include <stdbool.h>
#include <stdlib.h>

#define FIRST_ROOM 256U /* a power of two, as every later size */

struct slot {
	char *text; /* owned; NULL: empty */
	uint64_t hash;
};

struct intern {
	struct hash_key key;
	struct slot *slots;
	size_t room, count;
};

struct intern *intern_new(void)
{
	struct intern *table = calloc(1, sizeof *table);

	if (!table)
		return NULL;
	table->slots = calloc(FIRST_ROOM, sizeof *table->slots);
	if (!table->slots) {
		free(table);
		return NULL;
	}
	table->room = FIRST_ROOM;
	table->key = hash_key_random();
	return table;
}

void intern_free(struct intern *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->room; i++)
		free(table->slots[i].text);
	free(table->slots);
	free(table);
}

static uint64_t text_hash(const struct hash_key *key, const char *text, size_t length)
{
	size_t whole = length & ~(size_t)7;
	uint64_t tail = 0;

	memcpy(&tail, text + whole, length - whole);
	return hash_mix(hash_words(key, text, whole) ^ length, tail ^ key->k[1]);
}

/* The slot that holds the text, or the empty one where it belongs. There is always an empty slot. */
static struct slot *slot_find(struct slot *slots, size_t room, uint64_t hash, const char *text)
{
	size_t i = hash & (room - 1);

	while (slots[i].text && (slots[i].hash != hash || strcmp(slots[i].text, text) != 0))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static bool table_grow(struct intern *table)
{
	size_t room = table->room * 2;
	struct slot *slots = calloc(room, sizeof *slots);

	if (!slots)
		return false;
	for (size_t i = 0; i < table->room; i++) {
		const struct slot *old = &table->slots[i];
		if (old->text)
			*slot_find(slots, room, old->hash, old->text) = *old;
	}
	free(table->slots);
	table->slots = slots;
	table->room = room;
	return true;
}

const char *intern(struct intern *table, const char *text)
{
	uint64_t hash = text_hash(&table->key, text, strlen(text));
	struct slot *slot = slot_find(table->slots, table->room, hash, text);

	if (slot->text)
		return slot->text;
	/* At most two thirds full, so that probing stays short. */
	if ((table->count + 1) * 3 > table->room * 2) {
		if (!table_grow(table))
			return NULL;
		slot = slot_find(table->slots, table->room, hash, text);
	}
	slot->text = strdup(text);
	if (!slot->text)
		return NULL;
	slot->hash = hash;
	table->count++;
	return slot->text;
}
