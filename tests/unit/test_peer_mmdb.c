/*
 * The file of places of a population: a small one byte by byte, by the specification (MaxMind DB file
 * format 2.0); then all addresses of an atlas, looked up by libmaxminddb.
 */
#include "config.h"
#include "peer/atlas.h"
#include "peer/mmdb.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#ifdef HAVE_MAXMINDDB
#include <arpa/inet.h>
#include <maxminddb.h>
#endif

static char folder[] = "/tmp/footsteps-test-XXXXXX", path[64];

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/places.mmdb", folder);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static size_t file_read(uint8_t *to, size_t room)
{
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	size_t size = fread(to, 1, room, f);
	fclose(f);
	return size;
}

/*
 * 128.0.0.0/1 alone: one node, whose left record is empty (the number of nodes, 1) and whose right one is
 * that of the data (1 + 16 + its offset 0). Then 16 zeros, and the data: a map of two.
 */
static void one_network(void **state)
{
	static const uint8_t begins[] = {
		0,    0,    0,    1,    0,    0,    0,    17,   0,    0,    0,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0xe2, 0x49, 'c',  'o',
		'n',  't',  'i',  'n',  'e',  'n',  't', /* map 7 << 5 | 2, text 2 << 5 | 9 */
		0xe2, 0x44, 'c',  'o',  'd',  'e',  0x42, 'E',  'U',  0x45, 'n',  'a',  'm',  'e',
		's',  0xe1, 0x42, 'e',  'n',  0x46, 'E',  'u',  'r',  'o',  'p',  'e',  0x48, 'l',
		'o',  'c',  'a',  't',  'i',  'o',  'n',  0xe2, 0x48, 'l',  'a',  't',  'i',  't',
		'u',  'd',  'e',  0x68, 0x40, 0x45, 0,    0,    0,    0,    0,    0, /* 42.0 */
		0x49, 'l',  'o',  'n',  'g',  'i',  't',  'u',  'd',  'e',  0x68, 0xbf, 0xf0, 0,
		0,    0,    0,    0,    0, /* -1.0 */
		0xab, 0xcd, 0xef, 'M',  'a',  'x',  'M',  'i',  'n',  'd',  '.',  'c',  'o',  'm',
		0xe9, 0x4a, 'n',  'o',  'd',  'e',  '_',  'c',  'o',  'u',  'n',  't',  0xc1, 1,
		0x4b, 'r',  'e',  'c',  'o',  'r',  'd',  '_',  's',  'i',  'z',  'e',  0xa1, 32,
	};
	static const struct mmdb_place place = {
		.continent_code = "EU", .continent = "Europe", .latitude = 42, .longitude = -1
	};
	uint8_t bytes[1024];
	struct error err;
	struct mmdb *m = mmdb_new();

	(void)state;
	assert_non_null(m);
	assert_true(mmdb_add(m, UINT32_C(0x80000000), 1, &place));
	assert_true(mmdb_write(m, path, "Test", 1, &err));
	assert_true(file_read(bytes, sizeof bytes) > sizeof begins);
	assert_memory_equal(bytes, begins, sizeof begins);
	mmdb_free(m);
}

static void overlap_is_refused(void **state)
{
	static const struct mmdb_place place = { .city = "A" };
	struct mmdb *m = mmdb_new();

	(void)state;
	assert_true(mmdb_add(m, UINT32_C(0xf0000000), 8, &place));
	assert_false(mmdb_add(m, UINT32_C(0xf0000000), 8, &place));
	assert_false(mmdb_add(m, UINT32_C(0xf0010000), 16, &place));
	assert_false(mmdb_add(m, UINT32_C(0xf0000000), 4, &place));
	assert_true(mmdb_add(m, UINT32_C(0xf1000000), 8, &place));
	mmdb_free(m);
}

static void unwritable_is_an_error(void **state)
{
	struct mmdb *m = mmdb_new();
	struct error err;

	(void)state;
	assert_false(mmdb_write(m, "/nonexistent/places.mmdb", "Test", 1, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	mmdb_free(m);
}

static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

/* A tenth of the paper's addresses: in 240.0.0.0/4, and no two the same. */
#define PROBES 21253U
#define OTHERS 5136U
static const uint32_t counts[ATLAS_CLASSES] = { PROBES, OTHERS };

static void addresses_differ(void **state)
{
	static uint32_t all[PROBES + OTHERS];
	struct error err;
	struct atlas *a = atlas_new(counts, &err);

	(void)state;
	assert_non_null(a);
	for (uint32_t i = 0; i < PROBES + OTHERS; i++) {
		all[i] = i < PROBES ? atlas_address(a, ATLAS_PROBE, i)
				    : atlas_address(a, ATLAS_NON_PROBE, i - PROBES);
		assert_int_equal(all[i] >> 28, 15);
	}
	qsort(all, PROBES + OTHERS, sizeof all[0], by_number);
	for (uint32_t i = 1; i < PROBES + OTHERS; i++)
		assert_true(all[i - 1] < all[i]);
	atlas_free(a);
}

#ifdef HAVE_MAXMINDDB
static void text_of(MMDB_s *db, uint32_t ip, const char *const *keys, char to[32])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(ip) } };
	int code;
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(db, (const struct sockaddr *)&address, &code);
	MMDB_entry_data_s data;

	assert_int_equal(code, MMDB_SUCCESS);
	snprintf(to, 32, "UNKNOWN");
	if (found.found_entry && MMDB_aget_value(&found.entry, &data, keys) == MMDB_SUCCESS && data.has_data)
		snprintf(to, 32, "%.*s", (int)data.data_size, data.utf8_string);
}

struct place_count {
	const char *place;
	uint32_t non_probe, probe; /* Table II of RMM */
	uint32_t found[ATLAS_CLASSES];
};

static void count_places(MMDB_s *db, const struct atlas *a, const char *const *keys, struct place_count *row,
			 unsigned rows)
{
	char place[32];

	for (unsigned kind = 0; kind < ATLAS_CLASSES; kind++)
		for (uint32_t i = 0; i < counts[kind]; i++) {
			text_of(db, atlas_address(a, kind, i), keys, place);
			for (unsigned r = 0; r < rows; r++)
				row[r].found[kind] += strcmp(row[r].place, place) == 0;
		}
	for (unsigned r = 0; r < rows; r++) { /* a tenth; each place may be rounded */
		assert_in_range(row[r].found[ATLAS_PROBE], row[r].probe / 10 - 3, row[r].probe / 10 + 3);
		assert_in_range(row[r].found[ATLAS_NON_PROBE], row[r].non_probe / 10 - 3,
				row[r].non_probe / 10 + 3);
	}
}

static void table_2_comes_back(void **state)
{
	struct place_count continents[] = {
		{ "Africa", 946, 4763, { 0 } },         { "Asia", 6241, 24777, { 0 } },
		{ "Europe", 19598, 96444, { 0 } },      { "North America", 11857, 25246, { 0 } },
		{ "South America", 1530, 5709, { 0 } }, { "Oceania", 391, 1520, { 0 } },
		{ "UNKNOWN", 10795, 54069, { 0 } }
	};
	struct place_count countries[] = { { "Italy", 1743, 7130, { 0 } },
					   { "France", 2327, 9492, { 0 } },
					   { "Poland", 1099, 11072, { 0 } } };
	struct place_count cities[] = { { "Turin", 139, 208, { 0 } },
					{ "Milan", 93, 290, { 0 } },
					{ "Rome", 81, 365, { 0 } } };
	struct error err;
	struct atlas *a = atlas_new(counts, &err);
	MMDB_s db;

	(void)state;
	assert_non_null(a);
	assert_true(atlas_write(a, path, 1175472000, &err));
	assert_int_equal(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	assert_int_equal(db.metadata.build_epoch, 1175472000);
	count_places(&db, a, (const char *const[]){ "continent", "names", "en", NULL }, continents, 7);
	count_places(&db, a, (const char *const[]){ "country", "names", "en", NULL }, countries, 3);
	count_places(&db, a, (const char *const[]){ "city", "names", "en", NULL }, cities, 3);
	MMDB_close(&db);
	atlas_free(a);
}
#else
static void table_2_comes_back(void **state)
{
	(void)state;
	skip(); /* built without libmaxminddb */
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_network),
		cmocka_unit_test(overlap_is_refused),
		cmocka_unit_test(unwritable_is_an_error),
		cmocka_unit_test(addresses_differ),
		cmocka_unit_test(table_2_comes_back),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
