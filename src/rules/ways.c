/* Where the packets of a rule set come from and go to. See ways.h. */
#include "rules/ways.h"

#define LINUX_NAME_MAX 15U /* IFNAMSIZ of linux/if.h, with its NUL: 16 */

bool prefixes_have(const struct ip_prefix *list, size_t count, const struct ip *ip)
{
	for (size_t i = 0; i < count; i++)
		if (ip_prefix_has(&list[i], ip))
			return true;
	return false;
}

/* a is b, or a part of it. */
static bool within(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->v4 == b->v4 && a->bits >= b->bits && ip_prefix_has(b, &a->ip);
}

static bool within_list(const struct ip_prefix *p, const struct ip_prefix *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (within(p, &list[i]))
			return true;
	return false;
}

/* Another one of the list says it already; of equal ones the first is the one that does. */
static bool said_already(const struct ip_prefix *list, size_t count, size_t which)
{
	for (size_t i = 0; i < count; i++)
		if (i != which && within(&list[which], &list[i]) &&
		    (i < which || list[i].bits < list[which].bits))
			return true;
	return false;
}

unsigned rule_ways(const struct ruleset *r, struct rule_way way[RULE_WAYS_MAX])
{
	const bool inside = r->internal_count > 0, clients = r->strategy->kind == STRATEGY_CLIENTS;
	struct rule_way out = { .from = inside ? SIDE_INSIDE : SIDE_ANY,
				.to = inside ? SIDE_OUTSIDE : SIDE_ANY,
				.out = true };
	unsigned count = 0;

	if (clients)
		out.from = SIDE_BLOCKED;
	else if (r->strategy->kind == STRATEGY_SERVERS)
		out.to = SIDE_BLOCKED;
	if (r->direction != RULE_IN)
		way[count++] = out;
	/* Without a direction, and with the same on both sides, the way back is the same. */
	if (r->direction != RULE_OUT && (count == 0 || ruleset_has_direction(r) || out.from != out.to))
		way[count++] = (struct rule_way){ .from = out.to, .to = out.from };
	return count;
}

bool endpoint_stays(const struct ruleset *r, const struct rule_endpoint *e)
{
	if (prefixes_have(r->never, r->never_count, &e->ip))
		return false;
	return r->internal_count == 0 || prefixes_have(r->internal, r->internal_count, &e->ip) ==
						 (r->strategy->kind == STRATEGY_CLIENTS);
}

bool internal_stays(const struct ruleset *r, size_t i)
{
	return !said_already(r->internal, r->internal_count, i) &&
	       !within_list(&r->internal[i], r->never, r->never_count);
}

bool never_cuts(const struct ruleset *r, size_t i)
{
	const struct ip_prefix *p = &r->never[i];

	if (said_already(r->never, r->never_count, i))
		return false;
	for (size_t k = 0; k < r->internal_count; k++)
		if (within(p, &r->internal[k]) && p->bits > r->internal[k].bits)
			return true;
	return false;
}

bool never_stays(const struct ruleset *r, size_t i)
{
	return !said_already(r->never, r->never_count, i) && !never_cuts(r, i);
}

/* The half of a prefix with the next bit 0 or 1. */
static struct ip_prefix half_of(const struct ip_prefix *p, unsigned bit)
{
	struct ip_prefix half = prefix_masked(p);
	unsigned at = p->bits + (p->v4 ? 96U : 0U);

	if (bit)
		half.ip.b[at / 8] = (uint8_t)(half.ip.b[at / 8] | 0x80U >> at % 8);
	half.bits++;
	return half;
}

/* Whether nothing of p is left without `never` and, where asked for, `internal`. */
static bool prefix_gone(const struct ruleset *r, const struct ip_prefix *p, bool without_internal)
{
	const struct ip_prefix *lists[] = { r->never, r->internal };
	const size_t counts[] = { r->never_count, without_internal ? r->internal_count : 0 };
	bool parts = false;

	for (unsigned l = 0; l < 2; l++)
		for (size_t i = 0; i < counts[l]; i++) {
			if (within(p, &lists[l][i]))
				return true;
			parts = parts || within(&lists[l][i], p);
		}
	if (!parts) /* always so of a single address */
		return false;
	const struct ip_prefix low = half_of(p, 0), high = half_of(p, 1);
	return prefix_gone(r, &low, without_internal) && prefix_gone(r, &high, without_internal);
}

bool side_has_family(const struct ruleset *r, enum rule_side side, bool v4)
{
	const uint8_t zero[4] = { 0 };
	const struct ip_prefix all = { .ip = v4 ? ip_from_v4(zero) : (struct ip){ { 0 } }, .v4 = v4 };

	if (side != SIDE_INSIDE)
		return !prefix_gone(r, &all, side == SIDE_OUTSIDE);
	for (size_t i = 0; i < r->internal_count; i++)
		if (r->internal[i].v4 == v4 && !prefix_gone(r, &r->internal[i], false))
			return true;
	return false;
}

struct ip_prefix prefix_masked(const struct ip_prefix *p)
{
	struct ip_prefix masked = *p;
	const unsigned bits = p->bits + (p->v4 ? 96U : 0U);

	for (unsigned i = bits; i < 128; i++)
		masked.ip.b[i / 8] = (uint8_t)(masked.ip.b[i / 8] & ~(0x80U >> i % 8));
	return masked;
}

void prefix_text(const struct ip_prefix *p, char out[IP_PREFIX_TEXT])
{
	const struct ip_prefix masked = prefix_masked(p);

	ip_prefix_format(&masked, out);
}

bool interface_is_plain(const char *name)
{
	static const char plain[] = NAME_LETTERS NAME_DIGITS "._:/@-";
	const size_t length = strlen(name);

	return length > 0 && length <= INTERFACE_NAME_MAX && strspn(name, plain) == length &&
	       !strchr("-./:@", name[0]);
}

bool interface_is_linux(const char *name, struct error *err)
{
	if (!name)
		return true;
	/* 'ip link' shows "eth0@if5", and ifconfig "eth0:1": a rule with such a name never fits a packet. */
	if (strpbrk(name, ":@"))
		return error_set(err, EXIT_USAGE,
				 "--interface: '%.80s' is no name of an interface of Linux: it ends before "
				 "the @ that 'ip link' shows, and a label such as eth0:1 is none",
				 name);
	if (!interface_is_plain(name) || strlen(name) > LINUX_NAME_MAX || strchr(name, '/'))
		return error_set(err, EXIT_USAGE,
				 "--interface: '%.80s' is no name of an interface of Linux: 1 to %u of the "
				 "characters A-Z a-z 0-9 _ . -; 'ip link' lists those that there are",
				 name, LINUX_NAME_MAX);
	return true;
}
