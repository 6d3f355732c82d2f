#include "peer/atlas.h"
#include "peer/mmdb.h"
#include <math.h>
#include <stdlib.h>

#define FIRST_ADDRESS UINT32_C(0xf0000000) /* 240.0.0.0 */
#define ROOM          UINT32_C(0x0e000000) /* to 253.255.255.255 */
#define PARTS         16U                  /* a country is this many spots on the map */
#define SPARSE        256U                 /* at most so many addresses for each that is used */

/*
 * Numbers of addresses: Table II of RMM. Where it names the ten first only, the rest is shared out: each
 * other country and city gets less than the last one named. The columns of the paper do not name the same
 * countries.
 */
struct place {
	const char *continent, *country, *country_name, *city; /* NULL: UNKNOWN in the paper */
	double latitude, longitude;
	double spread; /* degrees around, for countries */
	unsigned round_trip_ms;
	uint32_t non_probe, probe;
};
static const struct place places[] = {
	/* clang-format off */
	{ "EU", "IT", "Italy", "Turin", 45.07, 7.69, 0.0, 4, 139, 208 },
	{ "EU", "IT", "Italy", "Milan", 45.46, 9.19, 0.0, 6, 93, 290 },
	{ "EU", "IT", "Italy", "Rome", 41.90, 12.50, 0.0, 12, 81, 365 },
	{ "EU", "IT", "Italy", "Bologna", 44.49, 11.34, 0.0, 8, 38, 71 },
	{ "EU", "IT", "Italy", "Bari", 41.12, 16.87, 0.0, 17, 20, 99 },
	{ "EU", "IT", "Italy", "Naples", 40.85, 14.27, 0.0, 15, 20, 54 },
	{ "EU", "IT", "Italy", "Florence", 43.77, 11.26, 0.0, 9, 19, 72 },
	{ "EU", "IT", "Italy", "Moncalieri", 45.00, 7.68, 0.0, 4, 18, 50 },
	{ "EU", "IT", "Italy", "Padua", 45.41, 11.88, 0.0, 9, 16, 58 },
	{ "EU", "IT", "Italy", "Genoa", 44.41, 8.93, 0.0, 6, 10, 47 },
	{ "EU", "IT", "Italy", "Palermo", 38.12, 13.36, 0.0, 18, 10, 48 },
	{ "EU", "IT", "Italy", "Verona", 45.44, 10.99, 0.0, 8, 10, 47 },
	{ "EU", "IT", "Italy", "Catania", 37.50, 15.09, 0.0, 20, 10, 48 },
	{ "EU", "IT", "Italy", "Trieste", 45.65, 13.78, 0.0, 11, 10, 47 },
	{ "EU", "IT", "Italy", "Pisa", 43.72, 10.40, 0.0, 8, 11, 48 },
	{ "EU", "IT", "Italy", "Venice", 45.44, 12.32, 0.0, 9, 10, 47 },
	{ "EU", "IT", "Italy", "Brescia", 45.54, 10.21, 0.0, 7, 10, 48 },
	{ "EU", "IT", "Italy", "Parma", 44.80, 10.33, 0.0, 7, 10, 47 },
	{ "EU", "IT", "Italy", "Modena", 44.65, 10.93, 0.0, 8, 10, 48 },
	{ "EU", "IT", "Italy", "Asti", 44.90, 8.21, 0.0, 5, 10, 47 },
	{ "EU", "IT", "Italy", "Cuneo", 44.38, 7.54, 0.0, 5, 11, 48 },
	{ "EU", "IT", "Italy", "Novara", 45.45, 8.62, 0.0, 5, 10, 48 },
	{ "EU", "IT", "Italy", "Cagliari", 39.22, 9.12, 0.0, 14, 10, 47 },
	{ "EU", "IT", "Italy", "Perugia", 43.11, 12.39, 0.0, 11, 10, 48 },
	{ "EU", "IT", "Italy", "Ancona", 43.62, 13.52, 0.0, 11, 10, 47 },
	{ "EU", "IT", "Italy", "Trento", 46.07, 11.12, 0.0, 8, 10, 48 },
	{ "EU", "IT", "Italy", "Udine", 46.06, 13.24, 0.0, 11, 11, 47 },
	{ "EU", "IT", "Italy", "Lecce", 40.35, 18.17, 0.0, 19, 10, 48 },
	{ "EU", "IT", "Italy", "Salerno", 40.68, 14.76, 0.0, 15, 10, 47 },
	{ "EU", "IT", "Italy", "Livorno", 43.55, 10.31, 0.0, 8, 10, 48 },
	{ "EU", "IT", "Italy", "Bergamo", 45.70, 9.67, 0.0, 7, 10, 47 },
	{ "EU", "IT", "Italy", "Ivrea", 45.47, 7.88, 0.0, 5, 10, 48 },
	{ "EU", "IT", "Italy", "Rimini", 44.06, 12.57, 0.0, 10, 11, 48 },
	{ "EU", "IT", "Italy", NULL, 43.50, 11.50, 3.0, 9, 1055, 4722 },
	{ "EU", "FR", "France", "Paris", 48.86, 2.35, 0.0, 13, 775, 3164 },
	{ "EU", "FR", "France", "Lyon", 45.76, 4.84, 0.0, 8, 776, 3164 },
	{ "EU", "FR", "France", NULL, 46.60, 2.50, 4.0, 11, 776, 3164 },
	{ "EU", "DE", "Germany", "Berlin", 52.52, 13.40, 0.0, 18, 501, 3396 },
	{ "EU", "DE", "Germany", "Munich", 48.14, 11.58, 0.0, 11, 501, 3396 },
	{ "EU", "DE", "Germany", "Hamburg", 53.55, 10.00, 0.0, 18, 501, 3396 },
	{ "EU", "DE", "Germany", NULL, 51.00, 10.00, 4.0, 14, 501, 3396 },
	{ "EU", "NL", "Netherlands", "Amsterdam", 52.37, 4.90, 0.0, 17, 674, 2579 },
	{ "EU", "NL", "Netherlands", NULL, 52.10, 5.60, 1.0, 16, 675, 2580 },
	{ "EU", "SE", "Sweden", "Stockholm", 59.33, 18.06, 0.0, 30, 649, 2034 },
	{ "EU", "SE", "Sweden", NULL, 59.00, 15.00, 3.0, 28, 649, 2034 },
	{ "EU", "BE", "Belgium", NULL, 50.85, 4.35, 1.0, 14, 1170, 3655 },
	{ "EU", "PL", "Poland", "Warsaw", 52.23, 21.01, 0.0, 23, 549, 5536 },
	{ "EU", "PL", "Poland", NULL, 51.80, 19.40, 3.0, 21, 550, 5536 },
	{ "EU", "FI", "Finland", NULL, 61.50, 25.50, 3.0, 36, 822, 3400 },
	{ "EU", NULL, NULL, NULL, 50.00, 9.00, 0.0, 12, 1212, 2000 },
	{ "EU", "ES", "Spain", NULL, 40.30, -3.70, 4.0, 20, 790, 5171 },
	{ "EU", "BG", "Bulgaria", NULL, 42.70, 24.50, 1.5, 25, 390, 4110 },
	{ "EU", "GB", "United Kingdom", NULL, 52.50, -1.50, 2.5, 20, 815, 3600 },
	{ "EU", "CH", "Switzerland", NULL, 46.90, 8.00, 1.0, 7, 640, 2600 },
	{ "EU", "AT", "Austria", NULL, 47.80, 14.50, 1.5, 13, 470, 2500 },
	{ "EU", "DK", "Denmark", NULL, 55.90, 10.00, 1.5, 22, 520, 2300 },
	{ "EU", "NO", "Norway", NULL, 60.50, 9.50, 3.0, 30, 500, 2100 },
	{ "EU", "CZ", "Czechia", NULL, 49.80, 15.30, 1.5, 16, 420, 2400 },
	{ "EU", "PT", "Portugal", NULL, 39.60, -8.00, 2.0, 25, 380, 1900 },
	{ "EU", "RO", "Romania", NULL, 45.80, 25.00, 2.5, 24, 330, 2300 },
	{ "EU", "GR", "Greece", NULL, 39.00, 22.50, 2.0, 25, 290, 1500 },
	{ "EU", "HU", "Hungary", NULL, 47.20, 19.30, 1.5, 18, 280, 1600 },
	{ "EU", "IE", "Ireland", NULL, 53.20, -7.50, 1.5, 25, 220, 900 },
	{ "EU", "RU", "Russia", NULL, 55.70, 38.00, 6.0, 40, 240, 2200 },
	{ "EU", "EE", "Estonia", NULL, 58.70, 25.50, 1.0, 33, 140, 700 },
	{ "EU", "UA", "Ukraine", NULL, 49.00, 31.00, 4.0, 31, 149, 1003 },
	{ "NA", "US", "United States", "New York", 40.71, -74.01, 0.0, 100, 1659, 3534 },
	{ "NA", "US", "United States", "Los Angeles", 34.05, -118.24, 0.0, 149, 1186, 2525 },
	{ "NA", "US", "United States", "Chicago", 41.88, -87.63, 0.0, 112, 949, 2019 },
	{ "NA", "US", "United States", "Houston", 29.76, -95.37, 0.0, 134, 711, 1515 },
	{ "NA", "US", "United States", "Atlanta", 33.75, -84.39, 0.0, 118, 593, 1262 },
	{ "NA", "US", "United States", "Seattle", 47.61, -122.33, 0.0, 133, 474, 1010 },
	{ "NA", "US", "United States", NULL, 39.50, -98.00, 9.0, 125, 3557, 7574 },
	{ "NA", "CA", "Canada", "Toronto", 43.65, -79.38, 0.0, 102, 712, 1515 },
	{ "NA", "CA", "Canada", NULL, 50.50, -100.00, 6.0, 114, 830, 1767 },
	{ "NA", "MX", "Mexico", NULL, 20.50, -100.50, 3.0, 150, 830, 1767 },
	{ "NA", "DO", "Dominican Republic", NULL, 18.70, -70.20, 0.6, 118, 356, 758 },
	{ "SA", "BR", "Brazil", "Sao Paulo", -23.55, -46.63, 0.0, 145, 459, 1712 },
	{ "SA", "BR", "Brazil", NULL, -13.00, -47.00, 8.0, 131, 382, 1427 },
	{ "SA", "AR", "Argentina", NULL, -34.00, -62.00, 5.0, 173, 275, 1028 },
	{ "SA", "CL", "Chile", NULL, -33.50, -70.90, 1.0, 181, 138, 514 },
	{ "SA", "CO", "Colombia", NULL, 4.60, -74.10, 2.0, 139, 153, 571 },
	{ "SA", "VE", "Venezuela", NULL, 9.50, -67.00, 2.0, 125, 123, 457 },
	{ "AS", "CN", "China", "Shanghai", 31.23, 121.47, 0.0, 142, 748, 2973 },
	{ "AS", "CN", "China", NULL, 33.00, 110.00, 8.0, 129, 1373, 5451 },
	{ "AS", "TW", "Taiwan", NULL, 24.00, 120.90, 1.0, 151, 874, 3468 },
	{ "AS", "JP", "Japan", NULL, 35.70, 138.00, 2.0, 150, 562, 2230 },
	{ "AS", "KR", "South Korea", NULL, 36.50, 127.80, 1.0, 141, 374, 1487 },
	{ "AS", "IN", "India", NULL, 21.00, 78.00, 6.0, 107, 624, 2478 },
	{ "AS", "IL", "Israel", NULL, 32.00, 34.90, 0.5, 45, 625, 2477 },
	{ "AS", "TR", "Turkey", NULL, 39.30, 32.50, 4.0, 36, 499, 1983 },
	{ "AS", "TH", "Thailand", NULL, 14.50, 101.00, 2.0, 141, 312, 1238 },
	{ "AS", "PH", "Philippines", NULL, 14.60, 121.00, 1.0, 163, 250, 992 },
	{ "AF", "MA", "Morocco", NULL, 32.50, -6.50, 2.0, 32, 227, 1143 },
	{ "AF", "EG", "Egypt", NULL, 30.00, 31.20, 1.5, 44, 189, 952 },
	{ "AF", "TN", "Tunisia", NULL, 35.50, 9.80, 1.2, 20, 151, 762 },
	{ "AF", "DZ", "Algeria", NULL, 35.50, 3.00, 2.0, 21, 133, 667 },
	{ "AF", "ZA", "South Africa", NULL, -28.00, 26.00, 3.0, 129, 151, 762 },
	{ "AF", "NG", "Nigeria", NULL, 8.50, 7.50, 3.0, 65, 95, 477 },
	{ "OC", "AU", "Australia", "Sydney", -33.87, 151.21, 0.0, 254, 156, 608 },
	{ "OC", "AU", "Australia", NULL, -33.00, 145.00, 3.0, 246, 137, 532 },
	{ "OC", "NZ", "New Zealand", NULL, -40.00, 175.60, 1.5, 287, 98, 380 },
	{ NULL, NULL, NULL, NULL, 0.00, 0.00, 0.0, 0, 10795, 54069 },
	/* clang-format on */
};
#define PLACES (sizeof places / sizeof places[0])

struct block {
	uint32_t first, size;           /* of addresses; size: a power of two */
	uint32_t begins[ATLAS_CLASSES]; /* the number of its first address of each class */
	uint32_t count[ATLAS_CLASSES];
};
struct atlas {
	struct block block[PLACES];
};

static uint32_t weight(const struct place *p, unsigned kind)
{
	return kind == ATLAS_PROBE ? p->probe : p->non_probe;
}

/* Rounds the sums, not the numbers, so that nothing is lost. */
static void share_out(struct atlas *a, unsigned kind, uint32_t count)
{
	uint64_t all = 0, upto = 0;

	for (unsigned i = 0; i < PLACES; i++)
		all += weight(&places[i], kind);
	for (unsigned i = 0; i < PLACES; i++) {
		struct block *b = &a->block[i];
		b->begins[kind] = (uint32_t)(upto * count / all);
		upto += weight(&places[i], kind);
		b->count[kind] = (uint32_t)(upto * count / all) - b->begins[kind];
	}
}

static uint64_t block_size(const struct block *b, uint64_t sparse)
{
	uint64_t size = PARTS, used = (uint64_t)b->count[ATLAS_PROBE] + b->count[ATLAS_NON_PROBE];

	while (size < used * sparse)
		size *= 2;
	return size;
}

/* The largest blocks first: each then begins at a multiple of its size. */
static bool lay_out(struct atlas *a, uint64_t sparse)
{
	uint64_t at = 0;

	for (uint64_t size = ROOM; size > 0; size /= 2)
		for (unsigned i = 0; i < PLACES; i++) {
			uint64_t wanted = block_size(&a->block[i], sparse);
			if (wanted > ROOM)
				return false;
			/* ROOM is no power of two itself. */
			if (wanted > size || wanted * 2 <= size)
				continue;
			a->block[i].first = FIRST_ADDRESS + (uint32_t)at;
			a->block[i].size = (uint32_t)wanted;
			at += wanted;
		}
	return at <= ROOM;
}

struct atlas *atlas_new(const uint32_t counts[ATLAS_CLASSES], struct error *err)
{
	struct atlas *a = calloc(1, sizeof *a);

	if (!a) {
		error_memory(err, "the places");
		return NULL;
	}
	for (unsigned kind = 0; kind < ATLAS_CLASSES; kind++)
		share_out(a, kind, counts[kind]);
	for (uint64_t sparse = SPARSE; sparse > 0; sparse /= 2)
		if (lay_out(a, sparse))
			return a;
	error_set(err, EXIT_USAGE, "so many external addresses do not fit into 240.0.0.0/4");
	free(a);
	return NULL;
}

void atlas_free(struct atlas *a)
{
	free(a);
}

static const struct block *block_of(const struct atlas *a, enum atlas_class kind, uint32_t n)
{
	const struct block *b = a->block;

	while (n - b->begins[kind] >= b->count[kind])
		b++;
	return b;
}

/* An odd factor reaches every address of a block once, and scatters them. */
uint32_t atlas_address(const struct atlas *a, enum atlas_class kind, uint32_t n)
{
	const struct block *b = block_of(a, kind, n);
	uint32_t within = n - b->begins[kind] + (kind == ATLAS_NON_PROBE ? b->count[ATLAS_PROBE] : 0);

	return b->first + ((within * UINT32_C(0x9e3779b1) + UINT32_C(0x7f4a7c15)) & (b->size - 1));
}

unsigned atlas_round_trip_ms(const struct atlas *a, enum atlas_class kind, uint32_t n)
{
	return places[block_of(a, kind, n) - a->block].round_trip_ms;
}

static const char *continent_name(const char *code)
{
	static const char *const names[][2] = { { "AF", "Africa" },  { "AS", "Asia" },
						{ "EU", "Europe" },  { "NA", "North America" },
						{ "OC", "Oceania" }, { "SA", "South America" } };

	for (unsigned i = 0; code && i < sizeof names / sizeof names[0]; i++)
		if (names[i][0][0] == code[0] && names[i][0][1] == code[1])
			return names[i][1];
	return NULL;
}

/* Four decimals, as the monitor stores. */
static double rounded(double degrees)
{
	return floor(degrees * 10000 + 0.5) / 10000;
}

/* Part of a block: a spot not far from the middle of its country. */
static struct mmdb_place spot(unsigned i, unsigned part)
{
	const struct place *p = &places[i];
	/* Numbers from 0 to 15 without a pattern that one sees: a table of no meaning. */
	static const uint8_t north[PARTS] = { 7, 12, 3, 14, 9, 1, 5, 10, 15, 0, 6, 11, 2, 13, 4, 8 };
	static const uint8_t east[PARTS] = { 4, 9, 13, 6, 15, 11, 2, 0, 8, 7, 14, 5, 10, 1, 12, 3 };

	return (struct mmdb_place){ .continent_code = p->continent,
				    .continent = continent_name(p->continent),
				    .country_code = p->country,
				    .country = p->country_name,
				    .city = p->city,
				    .latitude = rounded(p->latitude + p->spread * (north[part] - 7.5) / 7.5),
				    .longitude =
					    rounded(p->longitude + p->spread * (east[part] - 7.5) / 7.5) };
}

void atlas_tell(const struct atlas *a, enum atlas_class kind, uint32_t n, struct truth *truth)
{
	const struct block *b = block_of(a, kind, n);
	uint32_t ip = atlas_address(a, kind, n);
	struct mmdb_place s = spot((unsigned)(b - a->block), (ip - b->first) / (b->size / PARTS));
	bool known = s.continent != NULL;

	truth_add_place(truth, ip, s.continent, s.country_code, s.country, s.city,
			known ? s.latitude : (double)NAN, known ? s.longitude : (double)NAN);
}

static unsigned prefix_bits(uint32_t size)
{
	return 32U - (unsigned)__builtin_ctz(size);
}

bool atlas_write(const struct atlas *a, const char *path, uint64_t built_s, struct error *err)
{
	struct mmdb *m = mmdb_new();
	bool ok = m != NULL;

	for (unsigned i = 0; ok && i < PLACES; i++) {
		const struct block *b = &a->block[i];
		unsigned parts = places[i].spread > 0 ? PARTS : 1; /* a city is one spot */
		uint32_t size = b->size / parts;
		if (!places[i].continent)
			continue;
		for (unsigned part = 0; ok && part < parts; part++) {
			struct mmdb_place s = spot(i, part);
			ok = mmdb_add(m, b->first + part * size, prefix_bits(size), &s);
		}
	}
	if (!ok)
		error_memory(err, "the file of places");
	else
		ok = mmdb_write(m, path, "Footsteps-Campus-City", built_s, err);
	mmdb_free(m);
	return ok;
}
