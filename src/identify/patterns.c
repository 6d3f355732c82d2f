/* The patterns of all protocols, and whether packets fit them; see patterns.h and strategy.h. */
#include "identify/patterns.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pattern_fits(const struct packet_pattern *pattern, uint8_t l4, struct span payload, uint32_t wire)
{
	if (l4 != pattern->l4 || wire < pattern->shortest || (pattern->longest && wire > pattern->longest))
		return false;
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		struct reader r = reader_on(payload);
		rd_skip(&r, test->offset);
		struct span bytes = rd_take(&r, test->length);
		if (r.failed || (memcmp(bytes.ptr, test->value, test->length) == 0) == test->differs)
			return false;
	}
	return true;
}

/* The lengths fit, and so does every byte that was captured; others that decide were not. */
static bool may_fit(const struct packet_pattern *pattern, uint8_t l4, struct span payload, uint32_t wire)
{
	bool missing = false;

	if (l4 != pattern->l4 || wire < pattern->shortest || (pattern->longest && wire > pattern->longest))
		return false;
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		size_t there = payload.len > test->offset ? payload.len - test->offset : 0;
		if (there < test->length)
			missing = true;
		else
			there = test->length;
		if (there == 0)
			continue;
		struct reader r = reader_on(payload);
		rd_skip(&r, test->offset);
		if ((memcmp(rd_take(&r, there).ptr, test->value, there) == 0) == test->differs)
			return false;
	}
	return missing;
}

unsigned pattern_count(void)
{
	unsigned count = 0;

	for (unsigned p = 0; p < protocol_count; p++)
		count += protocols[p]->pattern_count;
	return count;
}

const struct packet_pattern *pattern_numbered(unsigned number, unsigned *protocol)
{
	for (unsigned p = 0; p < protocol_count; p++) {
		if (number < protocols[p]->pattern_count) {
			*protocol = p;
			return &protocols[p]->patterns[number];
		}
		number -= protocols[p]->pattern_count;
	}
	return NULL;
}

/* --- many packets ---------------------------------------------------------------------------------------
 */

#define LENGTHS 128U /* payloads of the last and all longer ones share a place */

/* Bit n of a place: a packet that belongs there may fit pattern n. */
struct pattern_places {
	uint32_t length[LENGTHS];
	uint32_t first[256]; /* by the first byte */
};

struct patterns {
	struct pattern_places udp, tcp;
	const struct packet_pattern *pattern[PATTERNS_MAX];
};

static bool fits_length(const struct packet_pattern *pattern, unsigned place)
{
	if (place == LENGTHS - 1)
		return !pattern->longest || pattern->longest >= place;
	return place >= pattern->shortest && (!pattern->longest || place <= pattern->longest);
}

static bool fits_first(const struct packet_pattern *pattern, uint8_t first)
{
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		if (test->offset == 0 && test->length > 0 &&
		    (test->differs ? test->value[0] == first : test->value[0] != first))
			return false;
	}
	return true;
}

static void add_pattern(struct pattern_places *places, const struct packet_pattern *pattern, uint32_t bit)
{
	for (unsigned i = 0; i < LENGTHS; i++)
		if (fits_length(pattern, i))
			places->length[i] |= bit;
	for (unsigned i = 0; i < 256; i++)
		if (fits_first(pattern, (uint8_t)i))
			places->first[i] |= bit;
}

struct patterns *patterns_new(struct error *err)
{
	struct patterns *p = calloc(1, sizeof *p);
	unsigned count = pattern_count(), protocol;

	if (!p) {
		error_memory(err, "the patterns");
		return NULL;
	}
	if (count > PATTERNS_MAX) {
		error_set(err, EXIT_INTERNAL, "a defect of footsteps: %u patterns, at most %u", count,
			  PATTERNS_MAX);
		patterns_free(p);
		return NULL;
	}
	for (unsigned n = 0; n < count; n++) {
		p->pattern[n] = pattern_numbered(n, &protocol);
		add_pattern(p->pattern[n]->l4 == IPPROTO_TCP ? &p->tcp : &p->udp, p->pattern[n],
			    UINT32_C(1) << n);
	}
	return p;
}

void patterns_free(struct patterns *p)
{
	free(p);
}

uint32_t patterns_fit(const struct patterns *p, uint8_t l4, struct span payload, uint32_t wire)
{
	const struct pattern_places *places = l4 == IPPROTO_TCP ? &p->tcp : &p->udp;
	uint32_t left = places->length[wire < LENGTHS ? wire : LENGTHS - 1], fits = 0;

	if (left == 0 || payload.len == 0)
		return 0;
	for (left &= places->first[payload.ptr[0]]; left; left &= left - 1) {
		unsigned n = (unsigned)__builtin_ctz(left);
		if (pattern_fits(p->pattern[n], l4, payload, wire))
			fits |= UINT32_C(1) << n;
	}
	return fits;
}

bool patterns_untold(const struct patterns *p, uint8_t l4, struct span payload, uint32_t wire)
{
	const struct pattern_places *places = l4 == IPPROTO_TCP ? &p->tcp : &p->udp;
	uint32_t left = places->length[wire < LENGTHS ? wire : LENGTHS - 1];

	for (; left; left &= left - 1)
		if (may_fit(p->pattern[__builtin_ctz(left)], l4, payload, wire))
			return true;
	return false;
}

/* --- for people -----------------------------------------------------------------------------------------
 */

static void append(char out[PATTERN_TEXT], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char out[PATTERN_TEXT], const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, PATTERN_TEXT - used, format, args);
	va_end(args);
}

void pattern_describe(const struct packet_pattern *pattern, char out[PATTERN_TEXT])
{
	*out = '\0';
	append(out, "%s, %u", pattern->l4 == IPPROTO_TCP ? "tcp" : "udp", pattern->shortest);
	if (pattern->longest > pattern->shortest)
		append(out, " to %u", pattern->longest);
	append(out, pattern->longest ? " bytes" : " bytes or more");
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		append(out, test->differs ? ", not" : ",");
		for (unsigned b = 0; b < test->length; b++)
			append(out, " %02x", test->value[b]);
		append(out, " at %u", test->offset);
	}
}
