/*
 * The campus: what comes out, counted here from the packets alone. Flows are cut where a pair was silent for
 * more than 200 s (D1), classes are those of D6 to D10, and the numbers expected are those of RMM's Table I.
 */
#include "base/clock.h"
#include "peer/population_run.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BEGINS INT64_C(1175472000000000000) /* 2007-04-02T00:00:00Z, a Monday */
#define WEEK   (7 * 86400 * NS_PER_S)
#define IDLE   (200 * NS_PER_S)

static char folder[] = "/tmp/footsteps-test-XXXXXX", path[2][64];

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (unsigned i = 0; i < 2; i++)
		snprintf(path[i], sizeof path[i], "%s/%u.pcap", folder, i);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		(void)unlink(path[i]);
	return rmdir(folder);
}

/* --- to make one --- */

static struct population *campus(double scale)
{
	struct error err;
	struct population *p = population_new(&err);

	assert_non_null(p);
	population_scale(p, scale);
	return p;
}

static void must_set(struct population *p, const char *key, const char *value)
{
	struct error err = { .text = "" };

	if (!population_set(p, key, value, &err))
		fail_msg("%s", err.text);
}

static bool run(const struct population *p, int64_t lasts, uint64_t seed, const char *file, struct error *err)
{
	static const struct truth_run about = { .scenario = "test",
						.title = "test",
						.generator = "test",
						.options = "{}",
						.local_net = "198.18.0.0/15" };
	struct truth *truth = truth_open(NULL, &about, err);
	struct wire *wire = wire_open(&(struct wire_options){ .path = file, .truth = truth }, err);

	assert_non_null(truth);
	assert_non_null(wire);
	bool ok = population_run(p, BEGINS, lasts, seed, wire, truth, NULL, NULL, err);
	if (ok)
		assert_true(wire_close(wire, BEGINS + lasts, err));
	else
		wire_abandon(wire);
	truth_abandon(truth);
	return ok;
}

static void must_run(const struct population *p, int64_t lasts, uint64_t seed, const char *file)
{
	struct error err = { .text = "" };

	if (!run(p, lasts, seed, file, &err))
		fail_msg("%s", err.text);
}

/* --- to read it: our own captures are Ethernet, IPv4 without options, UDP --- */

struct seen {
	int64_t ns;
	uint32_t near, far; /* addresses */
	uint16_t near_port, far_port, size;
	bool from_near;
	uint8_t function;
	uint32_t named; /* bytes 3-6 */
};

static uint32_t be(const uint8_t *at, unsigned n)
{
	uint32_t value = 0;

	while (n-- > 0)
		value = value << 8 | *at++;
	return value;
}

static uint32_t le(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool is_near(uint32_t ip)
{
	return ip >> 17 == UINT32_C(0xc6120000) >> 17; /* 198.18.0.0/15 */
}

static struct seen packet_of(const uint8_t *record)
{
	const uint8_t *ip = record + 16 + 14, *udp = ip + 20;
	struct seen s = { .ns = le(record) * NS_PER_S + le(record + 4) * NS_PER_US };
	bool from_near = is_near(be(ip + 12, 4));

	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[9], 17);
	s.from_near = from_near;
	s.near = be(ip + (from_near ? 12 : 16), 4);
	s.far = be(ip + (from_near ? 16 : 12), 4);
	s.near_port = (uint16_t)be(udp + (from_near ? 0 : 2), 2);
	s.far_port = (uint16_t)be(udp + (from_near ? 2 : 0), 2);
	s.size = (uint16_t)(be(udp + 4, 2) - 8);
	assert_int_equal(be(ip + 2, 2), s.size + 28U);
	s.function = udp[8 + 2];
	s.named = be(udp + 8 + 3, 4);
	return s;
}

static uint8_t *file_read(const char *name, size_t *size)
{
	struct stat st;
	FILE *f = fopen(name, "re");

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	*size = fread(bytes, 1, (size_t)st.st_size, f);
	fclose(f);
	return bytes;
}

static struct seen *read_back(const char *name, size_t *count)
{
	size_t size, room = 1 << 16;
	uint8_t *bytes = file_read(name, &size);
	struct seen *seen = malloc(room * sizeof *seen);

	*count = 0;
	for (size_t at = 24; at < size; at += 16 + le(bytes + at + 8)) {
		if (*count == room)
			seen = realloc(seen, (room *= 2) * sizeof *seen);
		assert_non_null(seen);
		seen[(*count)++] = packet_of(bytes + at);
	}
	free(bytes);
	return seen;
}

/* --- to count it --- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_pair(const void *x, const void *y)
{
	const struct seen *a = x, *b = y;
	int order = compare((uint64_t)a->near << 16 | a->near_port, (uint64_t)b->near << 16 | b->near_port);

	if (order == 0)
		order = compare((uint64_t)a->far << 16 | a->far_port, (uint64_t)b->far << 16 | b->far_port);
	return order ? order : compare((uint64_t)a->ns, (uint64_t)b->ns);
}

static bool same_pair(const struct seen *a, const struct seen *b)
{
	return a->near == b->near && a->near_port == b->near_port && a->far == b->far &&
	       a->far_port == b->far_port;
}

struct table { /* Table I, and what is beside it */
	uint32_t pairs[CLASSES], flows[CLASSES];
	uint64_t packets[CLASSES], sources, single, under_six;
	uint32_t calls, clients, told;
};

struct pair_count {
	uint32_t probes, dialogs;
	uint64_t packets;
};

/* One flow; false: it is media (D11). */
static bool count_flow(const struct seen *s, size_t n, struct pair_count *pair, struct table *t)
{
	size_t way[2] = { 0 };

	for (size_t i = 0; i < n; i++) {
		if ((s[i].function & 0x8f) == 0x0d)
			return false;
		way[s[i].from_near != s[0].from_near]++;
	}
	for (unsigned i = 0; i < 2; i++) {
		t->sources += way[i] > 0;
		t->single += way[i] == 1;
		t->under_six += way[i] > 0 && way[i] < 6;
	}
	if (way[0] == 1 && way[1] <= 1)
		pair->probes++; /* D6 */
	else
		pair->dialogs++; /* D9 */
	pair->packets += n;
	return true;
}

static void count_pair(const struct seen *s, size_t n, struct table *t)
{
	struct pair_count pair = { 0 };
	size_t first = 0;

	for (size_t i = 1; i <= n; i++)
		if (i == n || s[i].ns - s[i - 1].ns > IDLE) {
			t->calls += !count_flow(s + first, i - first, &pair, t);
			first = i;
		}
	uint32_t flows = pair.probes + pair.dialogs;
	if (flows == 0)
		return;
	enum peer_class kind = pair.dialogs == 0  ? (pair.probes == 1 ? CLASS_PROBE : CLASS_HEARTBEAT)
			       : pair.probes == 0 ? CLASS_DIALOG
						  : CLASS_MIX;
	t->pairs[kind]++;
	t->flows[kind] += flows;
	t->packets[kind] += pair.packets;
}

/* Sorts the packets. A client is told if an answer of 11 bytes of another's names its address (wire A3). */
static struct table count(struct seen *s, size_t n)
{
	struct table t = { 0 };
	size_t first = 0;
	bool told = false;

	qsort(s, n, sizeof *s, by_pair);
	for (size_t i = 0; i < n; i++) {
		told |= !s[i].from_near && s[i].size == 11 && (s[i].function & 0x8f) == 5 &&
			s[i].named == s[i].near;
		bool last = i + 1 == n || !same_pair(&s[i], &s[i + 1]);
		if (last) {
			count_pair(s + first, i + 1 - first, &t);
			first = i + 1;
		}
		if (i + 1 == n || s[i].near != s[i + 1].near) {
			t.clients++;
			t.told += told;
			told = false;
		}
	}
	return t;
}

/* --- tests --- */

/* A fiftieth of the paper's week. Of each number: the paper's share (Table I, in percent as printed) of the
 * whole. */
static void table_1(void **state)
{
	static const double pairs[CLASSES] = { 51.2, 15.8, 25.1, 8.0 },
			    flows[CLASSES] = { 8.0, 26.3, 6.2, 59.5 };
	struct population *p = campus(0.02);
	size_t n;

	(void)state;
	must_run(p, WEEK, 7, path[0]);
	struct seen *s = read_back(path[0], &n);
	for (size_t i = 1; i < n; i++)
		assert_true(s[i - 1].ns <= s[i].ns);
	assert_true(s[0].ns >= BEGINS && s[n - 1].ns < BEGINS + WEEK);
	struct table t = count(s, n);
	assert_int_equal(t.clients, 34);
	assert_int_equal(t.told, 34);
	assert_int_equal(t.calls, 60);
	assert_int_equal(t.pairs[0] + t.pairs[1] + t.pairs[2] + t.pairs[3], 7803);  /* 390,126 / 50 */
	assert_int_equal(t.flows[0] + t.flows[1] + t.flows[2] + t.flows[3], 50112); /* 2,505,622 / 50 */
	assert_int_equal(t.flows[CLASS_PROBE], t.pairs[CLASS_PROBE]);
	for (unsigned kind = 0; kind < CLASSES; kind++) {
		/* As printed: to half of the last digit, and one for rounding here. */
		assert_true(fabs(100.0 * t.pairs[kind] / 7803 - pairs[kind]) < 0.05 + 100.0 / 7803);
		assert_true(fabs(100.0 * t.flows[kind] / 50112 - flows[kind]) < 0.05 + 100.0 / 50112);
	}
	double packets = (double)(t.packets[0] + t.packets[1] + t.packets[2] + t.packets[3]);
	assert_true(fabs(packets / (18274451 / 50.0) - 1) < 0.1); /* the few long flows of so few clients */
	/* Figure 2: 80 % single packets, 99 % shorter than 6. */
	assert_true(fabs((double)t.single / (double)t.sources - 0.80) < 0.02);
	assert_true(fabs((double)t.under_six / (double)t.sources - 0.99) < 0.003);
	free(s);
	population_free(p);
}

/* The same seed, the same bytes; another one, others. */
static void seeds(void **state)
{
	struct population *p = campus(0.002);
	size_t size[3];
	uint8_t *bytes[3];

	(void)state;
	must_set(p, "supernodes", "0");
	for (unsigned i = 0; i < 3; i++) {
		must_run(p, WEEK, i == 2 ? 2 : 1, path[i % 2]);
		bytes[i] = file_read(path[i % 2], &size[i]);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(bytes[0], bytes[1], size[0]);
	assert_true(size[0] != size[2] || memcmp(bytes[0], bytes[2], size[0]) != 0);
	for (unsigned i = 0; i < 3; i++)
		free(bytes[i]);
	population_free(p);
}

/* What a scenario says comes out, in a trace of a day as well. */
static void keys_count(void **state)
{
	struct population *p = campus(1);
	size_t n;

	(void)state;
	must_set(p, "clients", "10");
	must_set(p, "supernodes", "0");
	must_set(p, "peers", "600");
	must_set(p, "addresses", "500");
	must_set(p, "pairs", "800");
	must_set(p, "mixture", "25 25 25 25");
	must_set(p, "flows", "2000");
	must_set(p, "flow_mixture", "10 30% 20 40");
	must_set(p, "packets", "20000");
	must_set(p, "answered", "100%");
	must_set(p, "calls", "0");
	must_run(p, 24 * 3600 * NS_PER_S, 3, path[0]);
	struct seen *s = read_back(path[0], &n);
	struct table t = count(s, n);
	assert_int_equal(t.clients, 10);
	assert_int_equal(t.calls, 0);
	for (unsigned kind = 0; kind < CLASSES; kind++)
		assert_int_equal(t.pairs[kind], 200);
	assert_int_equal(t.flows[CLASS_HEARTBEAT], 600);
	assert_int_equal(t.flows[CLASS_DIALOG], 400);
	assert_int_equal(t.flows[CLASS_MIX], 800); /* what the 200 of probes leave */
	assert_int_equal(t.packets[CLASS_PROBE], 400);
	assert_int_equal(t.packets[CLASS_HEARTBEAT], 1200);
	free(s);
	population_free(p);
}

static void assert_refused(const char *key, const char *value, const char *words)
{
	struct population *p = campus(1);
	struct error err = { .text = "" };

	assert_false(population_set(p, key, value, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	population_free(p);
}

static void wrong_keys(void **state)
{
	(void)state;
	assert_refused("client", "5", "did you mean 'clients'?");
	assert_refused("clients", "many", "'many' is no number");
	assert_refused("clients", "-5", "no number");
	assert_refused("clients", "5%", "no number");
	assert_refused("clients", "5 6", "no number");
	assert_refused("answered", "155%", "at most 1");
	assert_refused("mixture", "50 50", "4 numbers");
	assert_refused("mixture", "1 2 3 4 5", "4 numbers");
	assert_refused("mixture", "0 0 0 0", "4 numbers");
	assert_refused("hours", "1 2 3", "24 numbers");
	assert_refused("refresh", "soon", "no time");
}

static void assert_impossible(const char *key, const char *value, const char *words)
{
	struct population *p = campus(0.002);
	struct error err = { .text = "" };

	must_set(p, key, value);
	assert_false(run(p, WEEK, 1, path[0], &err));
	assert_int_equal(err.status, EXIT_USAGE);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	assert_int_equal(access(path[0], F_OK), -1);
	population_free(p);
}

static void what_cannot_be(void **state)
{
	(void)state;
	(void)unlink(path[0]);
	assert_impossible("pairs", "5000", "pairs: ");
	assert_impossible("flows", "900000000", "flows: ");
}

/* At full scale the plan and what goes on in it are kept for 390,126 pairs and 304,690 peers. */
static void memory_is_bounded(void **state)
{
	(void)state;
	assert_true(390126 * (sizeof(struct plan_pair) + sizeof(struct talk)) +
			    304690 * sizeof(struct plan_peer) <
		    60000000);
}

/* Against the C library's, which is right to the last bit or two. */
static void draws_are_exact(void **state)
{
	struct rng rng = rng_seeded(1);
	double sum = 0, squares = 0;

	(void)state;
	for (double x = 1e-12; x < 1e12; x *= 1.37) {
		assert_true(fabs(chance_log(x) - log(x)) < 1e-14 * (1 + fabs(log(x))));
		assert_true(fabs(chance_power(x, 0.43) / pow(x, 0.43) - 1) < 1e-13);
	}
	for (double x = -30; x < 30; x += 0.17)
		assert_true(fabs(chance_exp(x) / exp(x) - 1) < 1e-14);
	for (unsigned i = 0; i < 100000; i++) {
		double x = chance_normal(&rng);
		sum += x;
		squares += x * x;
	}
	assert_true(fabs(sum / 100000) < 0.013); /* four standard errors */
	assert_true(fabs(squares / 100000 - 1) < 0.018);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_1),         cmocka_unit_test(seeds),
		cmocka_unit_test(keys_count),      cmocka_unit_test(wrong_keys),
		cmocka_unit_test(what_cannot_be),  cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(draws_are_exact),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
