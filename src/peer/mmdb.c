#include "peer/mmdb.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Section "Data field format". */
enum type {
	TYPE_STRING = 2,
	TYPE_DOUBLE = 3,
	TYPE_UINT16 = 5,
	TYPE_UINT32 = 6,
	TYPE_MAP = 7,
	TYPE_UINT64 = 9,
	TYPE_ARRAY = 11,
};
#define SEPARATOR   16U /* zero bytes between the tree and the data */
#define SIZE_DIRECT 29U /* sizes below are in the control byte; from 29 to 284 in the byte behind it */

/* A record of the tree while it is made: a node, the place of data, or nothing. */
#define EMPTY UINT32_C(0)
#define DATA  UINT32_C(0x80000000) /* and the offset in the data section */

struct bytes {
	uint8_t *at;
	size_t size, room;
	bool failed;
};

struct node {
	uint32_t record[2];
};

struct mmdb {
	struct node *node;
	uint32_t nodes, room;
	struct bytes data;
};

static void put(struct bytes *b, const void *from, size_t n)
{
	if (b->failed || n == 0)
		return;
	if (b->size + n > b->room) {
		size_t room = 2 * (b->size + n) + 1024;
		uint8_t *grown = realloc(b->at, room);
		if (!grown) {
			b->failed = true;
			return;
		}
		b->at = grown;
		b->room = room;
	}
	memcpy(b->at + b->size, from, n);
	b->size += n;
}

static void put_byte(struct bytes *b, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(b, &byte, 1);
}

/* The control byte: three bits of type, or none and a byte of its own; five bits of size, or one byte more.
 * No text here is longer than that. */
static void put_control(struct bytes *b, enum type type, size_t size)
{
	unsigned first = type < 8 ? (unsigned)type << 5 : 0;

	put_byte(b, first | (unsigned)(size < SIZE_DIRECT ? size : SIZE_DIRECT));
	if (type >= 8)
		put_byte(b, type - 7U);
	if (size >= SIZE_DIRECT)
		put_byte(b, (unsigned)(size - SIZE_DIRECT));
}

static void put_text(struct bytes *b, const char *text)
{
	size_t size = strnlen(text, SIZE_DIRECT + UINT8_MAX);

	put_control(b, TYPE_STRING, size);
	put(b, text, size);
}

/* Big endian, without leading zeros. */
static void put_number(struct bytes *b, enum type type, uint64_t value)
{
	unsigned size = 0;

	while (size < 8 && value >> 8 * size)
		size++;
	put_control(b, type, size);
	while (size-- > 0)
		put_byte(b, (unsigned)(value >> 8 * size) & 0xff);
}

static void put_double(struct bytes *b, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	put_control(b, TYPE_DOUBLE, sizeof bits);
	for (unsigned shift = 64; shift > 0; shift -= 8)
		put_byte(b, (unsigned)(bits >> (shift - 8)) & 0xff);
}

static void put_names(struct bytes *b, const char *name)
{
	put_text(b, "names");
	put_control(b, TYPE_MAP, 1);
	put_text(b, "en");
	put_text(b, name);
}

static void put_coded(struct bytes *b, const char *key, const char *code_key, const char *code,
		      const char *name)
{
	if (!name)
		return;
	put_text(b, key);
	put_control(b, TYPE_MAP, code ? 2 : 1);
	if (code) {
		put_text(b, code_key);
		put_text(b, code);
	}
	put_names(b, name);
}

static void put_place(struct bytes *b, const struct mmdb_place *p)
{
	put_control(b, TYPE_MAP, 1U + (p->continent != NULL) + (p->country != NULL) + (p->city != NULL));
	put_coded(b, "continent", "code", p->continent_code, p->continent);
	put_coded(b, "country", "iso_code", p->country_code, p->country);
	put_coded(b, "city", "", NULL, p->city);
	put_text(b, "location");
	put_control(b, TYPE_MAP, 2);
	put_text(b, "latitude");
	put_double(b, p->latitude);
	put_text(b, "longitude");
	put_double(b, p->longitude);
}

/* The number of a new node; 0, which is the root's, if there is no memory. */
static uint32_t node_new(struct mmdb *m)
{
	if (m->nodes == m->room) {
		uint32_t room = m->room ? 2 * m->room : 1024;
		struct node *grown = realloc(m->node, room * sizeof *grown);
		if (!grown)
			return 0;
		m->node = grown;
		m->room = room;
	}
	m->node[m->nodes] = (struct node){ { EMPTY, EMPTY } };
	return m->nodes++;
}

struct mmdb *mmdb_new(void)
{
	struct mmdb *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	(void)node_new(m);
	if (m->nodes == 1)
		return m;
	free(m);
	return NULL;
}

void mmdb_free(struct mmdb *m)
{
	if (!m)
		return;
	free(m->node);
	free(m->data.at);
	free(m);
}

bool mmdb_add(struct mmdb *m, uint32_t network, unsigned bits, const struct mmdb_place *place)
{
	uint32_t at = 0;

	for (unsigned i = 0; i + 1 < bits; i++) {
		unsigned bit = network >> (31 - i) & 1;
		if (m->node[at].record[bit] & DATA)
			return false;
		if (m->node[at].record[bit] == EMPTY) {
			uint32_t made = node_new(m);
			if (made == 0)
				return false;
			m->node[at].record[bit] = made;
		}
		at = m->node[at].record[bit];
	}
	uint32_t *record = &m->node[at].record[network >> (32 - bits) & 1];
	if (*record != EMPTY)
		return false;
	*record = DATA | (uint32_t)m->data.size;
	put_place(&m->data, place);
	return !m->data.failed;
}

/* Section "Database metadata". */
static void put_metadata(struct bytes *b, uint32_t nodes, const char *type, uint64_t built_s)
{
	static const uint8_t marker[] = { 0xab, 0xcd, 0xef, 'M', 'a', 'x', 'M',
					  'i',  'n',  'd',  '.', 'c', 'o', 'm' };

	put(b, marker, sizeof marker);
	put_control(b, TYPE_MAP, 9);
	put_text(b, "node_count");
	put_number(b, TYPE_UINT32, nodes);
	put_text(b, "record_size");
	put_number(b, TYPE_UINT16, 32);
	put_text(b, "ip_version");
	put_number(b, TYPE_UINT16, 4);
	put_text(b, "database_type");
	put_text(b, type);
	put_text(b, "languages");
	put_control(b, TYPE_ARRAY, 1);
	put_text(b, "en");
	put_text(b, "binary_format_major_version");
	put_number(b, TYPE_UINT16, 2);
	put_text(b, "binary_format_minor_version");
	put_number(b, TYPE_UINT16, 0);
	put_text(b, "build_epoch");
	put_number(b, TYPE_UINT64, built_s);
	put_text(b, "description");
	put_control(b, TYPE_MAP, 1);
	put_text(b, "en");
	put_text(b, "Places of addresses that no host has, for captures made by footsteps-peer");
}

/* Section "Search tree": a record is a node, or the number of nodes for nothing, or that and 16 and the
 * offset of data. */
static void put_tree(struct bytes *b, const struct mmdb *m)
{
	static const uint8_t zeros[SEPARATOR];

	for (uint32_t i = 0; i < m->nodes; i++)
		for (unsigned side = 0; side < 2; side++) {
			uint32_t record = m->node[i].record[side];
			if (record == EMPTY)
				record = m->nodes;
			else if (record & DATA)
				record = m->nodes + SEPARATOR + (record & ~DATA);
			for (unsigned shift = 32; shift > 0; shift -= 8)
				put_byte(b, record >> (shift - 8) & 0xff);
		}
	put(b, zeros, sizeof zeros);
}

static bool file_write(const char *path, const struct bytes *b, struct error *err)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fwrite(b->at, 1, b->size, f) == b->size;

	if (f)
		ok = fclose(f) == 0 && ok;
	if (ok)
		return true;
	error_set(err, EXIT_OUTPUT, "%s: %s", path, strerror(errno));
	if (f)
		(void)unlink(path);
	return false;
}

bool mmdb_write(const struct mmdb *m, const char *path, const char *type, uint64_t built_s, struct error *err)
{
	struct bytes file = { 0 };

	put_tree(&file, m);
	put(&file, m->data.at, m->data.size);
	put_metadata(&file, m->nodes, type, built_s);
	bool ok = file.failed ? error_memory(err, "the file of places") : file_write(path, &file, err);
	free(file.at);
	return ok;
}
