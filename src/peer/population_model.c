#include "peer/population_model.h"
#include "base/clock.h"
#include "base/options.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Sizes of questions and answers: wire A5. Those of 18 bytes are left out, as four of them in a row are a
 * client that looks for a supernode (wire B1), and nobody here starts. */
static const struct exchange probe_exchanges[] = {
	{ 22, 26, 26, 10, false }, /* a question of wire C2's sizes, answered as one of 18 bytes is */
	{ 27, 22, 22, 10, false },
	{ 30, 18, 18, 15, false },
	{ 31, 18, 18, 18, false },
	{ 22, 51, 51, 2, false }, /* 51: "not me, go on" (wire B1) */
	{ 0 },
};
static const struct exchange heartbeat_exchanges[] = {
	{ 30, 18, 18, 46, false },  { 31, 18, 18, 43, false }, { 21, 69, 76, 5, false },
	{ 31, 121, 121, 4, false }, { 346, 11, 11, 2, true },  { 0 },
};
static const struct exchange round_exchanges[] = {
	{ 30, 18, 18, 10, false },  { 21, 69, 76, 30, false },  { 31, 121, 121, 30, false },
	{ 58, 365, 365, 8, false }, { 60, 365, 365, 4, false }, { 60, 26, 26, 20, false },
	{ 22, 653, 693, 6, false }, { 346, 11, 11, 3, true },   { 0 },
};
/* What takes thousands of packets transfers something (RMM Fig. 2: a few megabytes): the larger exchanges. */
static const struct exchange long_exchanges[] = {
	{ 21, 69, 76, 20, false },  { 31, 121, 121, 40, false }, { 22, 653, 693, 17, false },
	{ 58, 365, 365, 8, false }, { 60, 26, 26, 4, false },    { 0 },
};
/* Wire A3: an unsolicited message gets an ACK. */
static const struct exchange called_exchanges[] = {
	{ 19, 11, 11, 1, true }, { 20, 11, 11, 1, true }, { 21, 11, 11, 1, true }, { 0 }
};
static const struct exchange *const exchange_tables[EXCHANGE_TABLES] = {
	[EXCHANGE_PROBE] = probe_exchanges,   [EXCHANGE_HEARTBEAT] = heartbeat_exchanges,
	[EXCHANGE_ROUND] = round_exchanges,   [EXCHANGE_LONG] = long_exchanges,
	[EXCHANGE_CALLED] = called_exchanges,
};
const struct exchange exchange_notice = { 346, 11, 11, 1, true };

const struct exchange *exchange_draw(struct rng *rng, enum exchange_table table)
{
	const struct exchange *e = exchange_tables[table];
	uint32_t all = 0;

	for (unsigned i = 0; e[i].weight; i++)
		all += e[i].weight;
	for (uint32_t at = rng_below(rng, all); at >= e->weight; e++)
		at -= e->weight;
	return e;
}

/* Bonfiglio et al. 2007: iSAC with a framing of 30 or 60 ms. Sigma: a third of what the models allow. */
const struct codec codecs[] = {
	{ "iSAC 30 ms 16 kbit/s", 63, 2.5, INT64_C(30000000), 2 },
	{ "iSAC 30 ms 20 kbit/s", 78, 2.5, INT64_C(30000000), 2 },
	{ "iSAC 60 ms 13 kbit/s", 100.5, 4, INT64_C(60000000), 3 },
	{ "iSAC 60 ms 16 kbit/s", 123, 4, INT64_C(60000000), 3 },
};
#define CODECS (sizeof codecs / sizeof codecs[0])

static uint32_t codec_weights(void)
{
	uint32_t all = 0;

	for (unsigned i = 0; i < CODECS; i++)
		all += codecs[i].weight;
	return all;
}

unsigned codec_draw(struct rng *rng)
{
	unsigned i = 0;

	for (uint32_t at = rng_below(rng, codec_weights()); at >= codecs[i].weight; i++)
		at -= codecs[i].weight;
	return i;
}

double codec_mean_rate(void)
{
	double sum = 0;

	for (unsigned i = 0; i < CODECS; i++)
		sum += codecs[i].weight * 1e9 / (double)codecs[i].gap_ns;
	return sum / codec_weights();
}

/*
 * RMM's campus. Classes: of Table I with a digit more than is printed, so that they add up to 100 (the
 * printed ones to 100.1) and print the same. answered: "most of the times". mix_probes: makes 80 % of the
 * source flows single packets (Fig. 2), and with it the answers to 55 % of them. Laptops, desktops: a guess
 * that gives the C(p, i) of Fig. 1; see population_clients.c. Supernodes: a guess, as is what they do
 * (population_talk.c). Hours: a guess of a day of classes, in summer
 * time of Italy.
 */
static const struct population defaults = {
	.scale = 1,
	.clients = 1700,
	.supernodes = 5,
	.peers = 304690,
	.addresses = 263886,
	.pairs = 390126,
	.flows = 2505622,
	.packets = 18274451,
	.calls = 3000,
	.mixture = { 0.5117, 0.1578, 0.2507, 0.0798 },
	.flow_mixture = { 0.08, 0.263, 0.062, 0.595 },
	.dialog_packets = 0.126,
	.answered = 0.55,
	.mix_probes = 0.83,
	.callers = 0.2,
	.call_packets = 4900, /* 33 million packets in all, 18 of signalling (RMM III), 3000 calls */
	.laptops = 0.6,
	.desktops = 0.25,
	.weekend = 0.15,
	.hours = { 1, 1, 1, 1, 2, 8, 30, 50, 50, 45, 35, 30, 40, 40, 30, 25, 15, 10, 8, 8, 6, 4, 3, 2 },
	.refresh_ns = INT64_C(3600000000000), /* Fig. 3: "at about every hour" */
};

enum kind { KIND_COUNT, KIND_SHARE, KIND_TIME, KIND_MIXTURE, KIND_HOURS };
static const struct key {
	const char *name;
	enum kind kind;
	size_t at;
} keys[] = {
#define KEY(kind, name)                                                                                      \
	{                                                                                                    \
#name, kind, offsetof(struct population, name)                                               \
	}
	KEY(KIND_COUNT, addresses),      KEY(KIND_SHARE, answered),
	KEY(KIND_COUNT, call_packets),   KEY(KIND_SHARE, callers),
	KEY(KIND_COUNT, calls),          KEY(KIND_COUNT, clients),
	KEY(KIND_SHARE, desktops),       KEY(KIND_SHARE, dialog_packets),
	KEY(KIND_MIXTURE, flow_mixture), KEY(KIND_COUNT, flows),
	KEY(KIND_HOURS, hours),          KEY(KIND_SHARE, laptops),
	KEY(KIND_SHARE, mix_probes),     KEY(KIND_MIXTURE, mixture),
	KEY(KIND_COUNT, packets),        KEY(KIND_COUNT, pairs),
	KEY(KIND_COUNT, peers),          KEY(KIND_COUNT, supernodes),
	KEY(KIND_SHARE, weekend),        { "refresh", KIND_TIME, offsetof(struct population, refresh_ns) },
#undef KEY
};
#define KEYS (sizeof keys / sizeof keys[0])

struct population *population_new(struct error *err)
{
	struct population *p = malloc(sizeof *p);

	if (!p)
		error_memory(err, "the population");
	else
		*p = defaults;
	return p;
}

void population_free(struct population *p)
{
	free(p);
}

void population_scale(struct population *p, double scale)
{
	p->scale = scale;
}

uint32_t population_count(const struct population *p, double what)
{
	double scaled = floor(what * p->scale + 0.5);

	return what > 0 && scaled < 1 ? 1 : (uint32_t)scaled;
}

/* One number at *text, with a % behind it or not, and what follows it; false: there is none. */
static bool take_number(const char **text, bool *percent, double *out)
{
	char *end;

	*out = strtod(*text, &end);
	if (end == *text || !isfinite(*out) || *out < 0)
		return false;
	*percent = *end == '%';
	*text = end + *percent + strspn(end + *percent, " \t");
	return true;
}

static bool set_number(double *to, const struct key *key, const char *value, struct error *err)
{
	const char *at = value;
	double number, most = key->kind == KIND_SHARE ? 1 : 1e9;
	bool percent;

	if (!take_number(&at, &percent, &number) || *at || (percent && key->kind != KIND_SHARE))
		return error_set(err, EXIT_USAGE, "%s: '%s' is no %s", key->name, value,
				 key->kind == KIND_SHARE ? "share, such as 55%" : "number");
	number /= percent ? 100 : 1;
	if (number > most)
		return error_set(err, EXIT_USAGE, "%s: at most %g", key->name, most);
	*to = number;
	return true;
}

/* `count` weights; those of a mixture are made to add up to 1. */
static bool set_weights(double *to, size_t count, const struct key *key, const char *value, struct error *err)
{
	double weight[HOURS], sum = 0;
	const char *at = value;
	bool percent;

	for (size_t i = 0; i < count; i++) {
		if (!take_number(&at, &percent, &weight[i]))
			return error_set(err, EXIT_USAGE, "%s: %zu numbers, please, not '%s'", key->name,
					 count, value);
		sum += weight[i];
	}
	if (*at || !(sum > 0))
		return error_set(err, EXIT_USAGE, "%s: %zu numbers, please, not '%s'", key->name, count,
				 value);
	for (size_t i = 0; i < count; i++)
		to[i] = key->kind == KIND_MIXTURE ? weight[i] / sum : weight[i];
	return true;
}

static bool set(struct population *p, const struct key *key, const char *value, struct error *err)
{
	void *to = (char *)p + key->at;
	struct error why;
	int64_t ns;

	switch (key->kind) {
	case KIND_MIXTURE:
		return set_weights(to, CLASSES, key, value, err);
	case KIND_HOURS:
		return set_weights(to, HOURS, key, value, err);
	case KIND_TIME:
		if (!duration_parse(value, &ns, &why) || ns < NS_PER_S)
			return error_set(err, EXIT_USAGE, "%s: '%s' is no time of a second or more",
					 key->name, value);
		*(int64_t *)to = ns;
		return true;
	default:
		return set_number(to, key, value, err);
	}
}

bool population_set(struct population *p, const char *key, const char *value, struct error *err)
{
	const char *known[KEYS + 1] = { 0 };

	for (unsigned i = 0; i < KEYS; i++) {
		known[i] = keys[i].name;
		if (strcmp(keys[i].name, key) == 0)
			return set(p, &keys[i], value, err);
	}
	const char *near = nearest_word(key, known);
	return error_set(err, EXIT_USAGE, "a population has no '%s'%s%s%s", key,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
