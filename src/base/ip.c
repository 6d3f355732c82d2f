/* Text of IP addresses, and sets of prefixes. */
#include "base/ip.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
#define MAPPED_BITS 96U

struct ip ip_from_v4(const uint8_t bytes[4])
{
	struct ip ip;

	memcpy(ip.b, mapped, sizeof mapped);
	memcpy(ip.b + sizeof mapped, bytes, 4);
	return ip;
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->b, mapped, sizeof mapped) == 0;
}

size_t ip_format(const struct ip *ip, char out[IP_TEXT])
{
	if (!ip_is_v4(ip)) {
		if (!inet_ntop(AF_INET6, ip->b, out, IP_TEXT))
			out[0] = '\0';
		return strlen(out);
	}
	/* By hand: this runs for every stored flow, and inet_ntop() is ten times slower. */
	char *at = out;
	for (size_t i = sizeof mapped; i < sizeof ip->b; i++) {
		unsigned byte = ip->b[i];
		if (byte >= 100)
			*at++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*at++ = (char)('0' + byte / 10 % 10);
		*at++ = (char)('0' + byte % 10);
		*at++ = '.';
	}
	*--at = '\0';
	return (size_t)(at - out);
}

bool ip_parse(const char *text, struct ip *out)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		*out = ip_from_v4(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, out->b) == 1;
}

/* A prefix as two host words per address, so that a test is two masked comparisons. */
struct prefix {
	uint64_t value[2], mask[2];
};

struct prefix_list {
	struct prefix *items;
	size_t count, room;
};

/* Kept apart, since "::/0" means every IPv6 address and no IPv4 one, although IPv4 is stored mapped. */
enum family { FAMILY_V4, FAMILY_V6, FAMILY_COUNT };

struct netset {
	struct prefix_list list[FAMILY_COUNT];
	bool has_private;
};

/* D5: RFC 1918, RFC 3927, RFC 1122 section 3.2.1.3 (loopback); RFC 4193, RFC 4291 2.5.6 and 2.5.3. */
static const char *const private_prefixes[] = {
	"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
	"127.0.0.0/8", "fc00::/7",      "fe80::/10",      "::1/128",
};
#define PRIVATE_COUNT (sizeof private_prefixes / sizeof private_prefixes[0])

/* Room for `more` items in the list. */
static bool list_reserve(struct prefix_list *list, size_t more)
{
	if (list->room - list->count >= more)
		return true;
	size_t room = list->room * 2 + more;
	struct prefix *items = realloc(list->items, room * sizeof *items);
	if (!items)
		return false;
	list->items = items;
	list->room = room;
	return true;
}

struct netset *netset_new(void)
{
	struct netset *set = calloc(1, sizeof *set);

	/* netset_add_private() cannot report a failure, so its room is always there: here and in
	 * netset_add(). */
	if (set && list_reserve(&set->list[FAMILY_V4], PRIVATE_COUNT) &&
	    list_reserve(&set->list[FAMILY_V6], PRIVATE_COUNT))
		return set;
	netset_free(set);
	return NULL;
}

void netset_free(struct netset *set)
{
	if (!set)
		return;
	for (int i = 0; i < FAMILY_COUNT; i++)
		free(set->list[i].items);
	free(set);
}

static uint64_t word_of(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

static struct ip ip_masked(const struct ip *ip, unsigned bits)
{
	struct ip out = *ip;

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
		if (keep < 8)
			out.b[i] &= (uint8_t)(0xff00U >> keep);
	}
	return out;
}

/* Its bits from the start of the 16 bytes, IPv4 being mapped. */
static unsigned prefix_bits(const struct ip_prefix *p)
{
	return p->v4 ? p->bits + MAPPED_BITS : p->bits;
}

/* The number behind the slash; more than `most` when there is none, or a greater one. */
static unsigned bits_parse(const char *digits, unsigned most)
{
	size_t count = strspn(digits, "0123456789");
	unsigned value = 0;

	for (size_t i = 0; i < count && value <= most; i++)
		value = value * 10 + (unsigned)(digits[i] - '0');
	return count == 0 || digits[count] ? most + 1 : value;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *out, struct error *err)
{
	char address[IP_TEXT], better[IP_TEXT];
	size_t length = strcspn(text, "/");

	if (length < sizeof address) {
		memcpy(address, text, length);
		address[length] = '\0';
	}
	if (length >= sizeof address || !ip_parse(address, &out->ip))
		return error_set(err, EXIT_USAGE,
				 "'%s' is no IP prefix; write it as 10.0.0.0/8 or 2001:db8::/32", text);
	bool dotted = !strchr(address, ':');
	unsigned most = dotted ? 32 : 128;
	unsigned written = text[length] ? bits_parse(text + length + 1, most) : most;
	if (written > most)
		return error_set(err, EXIT_USAGE, "'%s': an %s prefix is 0 to %u bits", text,
				 dotted ? "IPv4" : "IPv6", most);
	unsigned bits = dotted ? written + MAPPED_BITS : written;
	struct ip masked = ip_masked(&out->ip, bits);
	if (!ip_equal(&masked, &out->ip)) {
		ip_format(&masked, better);
		return error_set(
			err, EXIT_USAGE,
			"'%s': the address has bits outside the prefix; did you mean '%s/%u' or the single "
			"address '%s'?",
			text, better, written, address);
	}
	/* "::ffff:10.0.0.0/104" is 10.0.0.0/8. */
	out->v4 = ip_is_v4(&out->ip) && bits >= MAPPED_BITS;
	out->bits = (uint8_t)(out->v4 ? bits - MAPPED_BITS : bits);
	return true;
}

size_t ip_prefix_format(const struct ip_prefix *p, char out[IP_PREFIX_TEXT])
{
	size_t length = ip_format(&p->ip, out);

	if (p->bits < (p->v4 ? 32 : 128))
		length += (size_t)snprintf(out + length, IP_PREFIX_TEXT - length, "/%u", p->bits);
	return length;
}

bool ip_prefix_has(const struct ip_prefix *p, const struct ip *ip)
{
	struct ip masked = ip_masked(ip, prefix_bits(p));

	return ip_is_v4(ip) == p->v4 && ip_equal(&masked, &p->ip);
}

bool netset_add(struct netset *set, const char *prefix, struct error *err)
{
	struct ip_prefix parsed;
	struct ip ones;

	if (!ip_prefix_parse(prefix, &parsed, err))
		return false;
	memset(&ones, 0xff, sizeof ones);
	struct ip mask = ip_masked(&ones, prefix_bits(&parsed));
	struct prefix_list *list = &set->list[parsed.v4 ? FAMILY_V4 : FAMILY_V6];
	struct prefix new = { { word_of(parsed.ip.b), word_of(parsed.ip.b + 8) },
			      { word_of(mask.b), word_of(mask.b + 8) } };

	for (size_t i = 0; i < list->count; i++)
		if (memcmp(&list->items[i], &new, sizeof new) == 0)
			return true;
	if (!list_reserve(list, 1))
		return error_memory(err, "the list of IP prefixes");
	list->items[list->count++] = new;
	/* ... and the room of netset_add_private() again, unless it is in use already. */
	if (!set->has_private && !list_reserve(list, PRIVATE_COUNT)) {
		list->count--;
		return error_memory(err, "the list of IP prefixes");
	}
	return true;
}

void netset_add_private(struct netset *set)
{
	set->has_private = true;
	for (size_t i = 0; i < PRIVATE_COUNT; i++)
		netset_add(set, private_prefixes[i], NULL);
}

bool netset_has(const struct netset *set, const struct ip *ip)
{
	const struct prefix_list *list = &set->list[ip_is_v4(ip) ? FAMILY_V4 : FAMILY_V6];
	uint64_t high = word_of(ip->b), low = word_of(ip->b + 8);

	for (size_t i = 0; i < list->count; i++) {
		const struct prefix *p = &list->items[i];
		if ((((high & p->mask[0]) ^ p->value[0]) | ((low & p->mask[1]) ^ p->value[1])) == 0)
			return true;
	}
	return false;
}

size_t netset_count(const struct netset *set)
{
	return set->list[FAMILY_V4].count + set->list[FAMILY_V6].count;
}

bool netset_each(const struct netset *set, bool (*visit)(void *self, const struct ip_prefix *p), void *self)
{
	for (int family = 0; family < FAMILY_COUNT; family++)
		for (size_t i = 0; i < set->list[family].count; i++) {
			const struct prefix *item = &set->list[family].items[i];
			int bits = __builtin_popcountll(item->mask[0]) + __builtin_popcountll(item->mask[1]);
			struct ip_prefix p = { .v4 = family == FAMILY_V4 };
			memcpy(p.ip.b, item->value, sizeof p.ip.b);
			p.bits = (uint8_t)(p.v4 ? (unsigned)bits - MAPPED_BITS : (unsigned)bits);
			if (!visit(self, &p))
				return false;
		}
	return true;
}
