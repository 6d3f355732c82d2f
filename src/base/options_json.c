/* The effective options as JSON, for the manifest of a run. */
#include "base/clock.h"
#include "base/options.h"
#include "base/text.h"
#include <inttypes.h>
#include <math.h>

#define NUMBER_TEXT 40U

/* Exact: 0.25, 200, 1.000000001. */
static void put_seconds(struct text *t, const char *name, int64_t ns)
{
	char number[NUMBER_TEXT];
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t fraction = size % (uint64_t)NS_PER_S;
	int length =
		snprintf(number, sizeof number, "%s%" PRIu64, ns < 0 ? "-" : "", size / (uint64_t)NS_PER_S);

	if (fraction) {
		length += snprintf(number + length, sizeof number - (size_t)length, ".%09" PRIu64, fraction);
		while (number[length - 1] == '0')
			number[--length] = '\0';
	}
	json_number(t, name, number);
}

static void put_number(struct text *t, const char *name, double value)
{
	char number[NUMBER_TEXT];

	if (!isfinite(value)) {
		json_text(t, name, NULL);
		return;
	}
	/* 15 digits read well, 17 are exact (C17 5.2.4.2.2, DBL_DECIMAL_DIG). */
	snprintf(number, sizeof number, "%.15g", value);
	double back = 0;
	if (sscanf(number, "%lf", &back) != 1 || back < value || back > value)
		snprintf(number, sizeof number, "%.17g", value);
	json_number(t, name, number);
}

static void put_list(struct text *t, const char *name, const struct option_list *list)
{
	json_begin(t, name, '[');
	for (size_t i = 0; i < list->count; i++)
		json_text(t, NULL, list->items[i]);
	json_end(t, ']');
}

static void put_choice(struct text *t, const struct option *o)
{
	int chosen = *(const int *)o->value, count = 0;

	while (o->choices[count])
		count++;
	/* A default outside of the choices, such as -1, means that nothing was chosen. */
	json_text(t, o->name, chosen >= 0 && chosen < count ? o->choices[chosen] : NULL);
}

static void put_option(struct text *t, const struct option *o)
{
	switch (o->type) {
	case OPTION_FLAG:
		json_flag(t, o->name, *(const bool *)o->value);
		break;
	case OPTION_TEXT:
		json_text(t, o->name, *(const char *const *)o->value);
		break;
	case OPTION_COUNT:
		json_count(t, o->name, *(const uint64_t *)o->value);
		break;
	case OPTION_DURATION:
		put_seconds(t, o->name, *(const int64_t *)o->value);
		break;
	case OPTION_NUMBER:
		put_number(t, o->name, *(const double *)o->value);
		break;
	case OPTION_CHOICE:
		put_choice(t, o);
		break;
	case OPTION_LIST:
		put_list(t, o->name, o->value);
		break;
	}
}

char *options_json_text(const struct command *command, struct error *err)
{
	struct text t = { 0 };

	json_begin(&t, NULL, '{');
	for (size_t i = 0; i < command->option_count; i++)
		put_option(&t, &command->options[i]);
	json_end(&t, '}');
	char *text = text_take(&t);
	if (!text)
		error_memory(err, "the list of options");
	return text;
}
