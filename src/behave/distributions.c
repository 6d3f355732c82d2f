/* How often a measure took which value; see distributions.h. */
#include "behave/distributions.h"
#include <stdlib.h>

const char *const measure_names[MEASURE_COUNT] = {
#define X(name, rounded, words) #name,
	MEASURES(X)
#undef X
};
static const bool rounded_measures[MEASURE_COUNT] = {
#define X(name, rounded, words) rounded,
	MEASURES(X)
#undef X
};
const char *const measure_class_names[MEASURE_CLASS_COUNT] = { "probe", "non-probe", "internal", "external" };

void distributions_drop(struct distributions *d)
{
	row_index_drop(&d->index);
	free(d->value);
	*d = (struct distributions){ 0 };
}

int64_t distribution_round(int64_t value)
{
	int64_t unit = 1;

	while (value / unit >= 1000)
		unit *= 10;
	/* Upwards at the half; 9995 becomes 10000, which has three digits as well. */
	return (value + unit / 2) / unit * unit;
}

static uint64_t hash_value(const struct distributions *d, const struct distribution_value *v)
{
	const uint64_t key[2] = { (uint64_t)v->value,
				  (uint64_t)v->protocol << 16 | (uint64_t)v->measure << 8 | v->class };

	return hash_words(&d->key, key, sizeof key);
}

static bool same_value(const struct distribution_value *a, const struct distribution_value *b)
{
	return a->value == b->value && a->protocol == b->protocol && a->measure == b->measure &&
	       a->class == b->class;
}

bool distributions_add(struct distributions *d, unsigned protocol, enum measure_name measure,
		       enum measure_class class, int64_t value, uint64_t times, struct error *err)
{
	const struct distribution_value wanted = { (uint8_t)protocol, (uint8_t)measure, (uint8_t) class,
						   rounded_measures[measure] ? distribution_round(value)
									     : value,
						   times };
	uint64_t hash = hash_value(d, &wanted);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&d->index, hash, &at)) != ROW_NONE)
		if (same_value(&d->value[i], &wanted)) {
			d->value[i].count += times;
			return true;
		}
	if (d->values >= DISTRIBUTION_VALUES_MAX) {
		d->refused += times;
		return true;
	}
	void *rows = d->value;
	bool room = rows_reserve(&rows, d->values, &d->room, sizeof *d->value);
	d->value = rows;
	if (!room || !row_index_add(&d->index, hash, d->values))
		return error_memory(err, "a distribution");
	d->value[d->values++] = wanted;
	return true;
}

static int by_value(const void *x, const void *y)
{
	const struct distribution_value *a = x, *b = y;

	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	if (a->measure != b->measure)
		return a->measure - b->measure;
	if (a->class != b->class)
		return a->class - b->class;
	return (a->value > b->value) - (a->value < b->value);
}

void distributions_sort(struct distributions *d)
{
	if (d->values)
		qsort(d->value, d->values, sizeof *d->value, by_value);
}
