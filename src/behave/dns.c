/* See dns.h. */
#include "behave/dns.h"
#include <netinet/in.h>
#include <stdio.h>
#include <sys/types.h>
/* Needs the two above. */
#include <arpa/nameser.h>

/* The parser has already escaped what cannot be printed, as \DDD (RFC 1035 section 5.1). */
static bool name_copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length == 0 || length >= size || strcmp(from, ".") == 0)
		return false;
	for (size_t i = 0; i <= length; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] + ('a' - 'A')) : from[i];
	return true;
}

static void address_add(struct dns_answer *out, const ns_rr *record)
{
	struct ip *ip = &out->address[out->addresses];

	if (ns_rr_class(*record) != ns_c_in)
		return;
	if (ns_rr_type(*record) == ns_t_a && ns_rr_rdlen(*record) == NS_INADDRSZ)
		*ip = ip_from_v4(ns_rr_rdata(*record));
	else if (ns_rr_type(*record) == ns_t_aaaa && ns_rr_rdlen(*record) == NS_IN6ADDRSZ)
		memcpy(ip->b, ns_rr_rdata(*record), sizeof ip->b);
	else
		return;
	out->addresses++;
}

bool dns_answer_read(struct span message, struct dns_answer *out)
{
	ns_msg parsed;
	ns_rr record;

	out->addresses = 0;
	/* A longer message has no length that the parser can be told. */
	if (message.len > NS_MAXMSG || ns_initparse(message.ptr, (int)message.len, &parsed) < 0)
		return false;
	if (!ns_msg_getflag(parsed, ns_f_qr) || ns_msg_getflag(parsed, ns_f_opcode) != ns_o_query ||
	    ns_msg_getflag(parsed, ns_f_rcode) != ns_r_noerror || ns_msg_count(parsed, ns_s_qd) != 1)
		return false;
	if (ns_parserr(&parsed, ns_s_qd, 0, &record) < 0 || ns_rr_class(record) != ns_c_in ||
	    !name_copy(out->name, sizeof out->name, ns_rr_name(record)))
		return false;
	for (int i = 0; i < ns_msg_count(parsed, ns_s_an) && out->addresses < DNS_ADDRESSES_MAX; i++) {
		if (ns_parserr(&parsed, ns_s_an, i, &record) < 0)
			return false;
		address_add(out, &record);
	}
	return out->addresses > 0;
}

static bool is_second_level(const char *label, size_t length)
{
	/* Usual below country codes: "ac.uk", "com.br", "ne.jp", "gob.mx". */
	static const char *const usual[] = { "ac",  "co", "com", "edu", "go", "gob", "gov",
					     "mil", "ne", "net", "nom", "or", "org", "sch" };

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strlen(usual[i]) == length && memcmp(usual[i], label, length) == 0)
			return true;
	return false;
}

/* A dot within a label: "not\.skype.com" is nobody's of skype.com. */
static bool is_escaped(const char *name, size_t at)
{
	size_t backslashes = 0;

	while (backslashes < at && name[at - 1 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 1;
}

const char *dns_domain(const char *name)
{
	const char *label[3] = { name, name, name }; /* the last three, the last one first */
	size_t length = strlen(name), dots = 0;

	for (size_t i = length; i > 0 && dots < 3; i--)
		if (name[i - 1] == '.' && !is_escaped(name, i - 1))
			label[dots++] = name + i;
	if (dots < 2)
		return name;
	bool country = strlen(label[0]) == 2;
	return country && is_second_level(label[1], (size_t)(label[0] - label[1]) - 1) ? label[2] : label[1];
}
