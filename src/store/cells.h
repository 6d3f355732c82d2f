/* How a row is put together, cell by cell; shared by rows.c and rows_media.c. Private to store/. */
#ifndef FS_STORE_CELLS_H
#define FS_STORE_CELLS_H
#include "store/rows.h"
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* --- one cell --- */

static inline void add(struct row *r, const char *column, struct cell cell)
{
	r->column[r->count] = column;
	r->cell[r->count++] = cell;
}

static inline void add_null(struct row *r, const char *column)
{
	add(r, column, (struct cell){ .type = CELL_NULL });
}

static inline void add_integer(struct row *r, const char *column, int64_t value)
{
	add(r, column, (struct cell){ .type = CELL_INTEGER, .as.integer = value });
}

/* Counts beyond what SQLite can hold would need 292 years of packets at one per nanosecond. */
static inline void add_count(struct row *r, const char *column, uint64_t value)
{
	add_integer(r, column, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static inline void add_count_or_null(struct row *r, const char *column, bool known, uint64_t value)
{
	if (known)
		add_count(r, column, value);
	else
		add_null(r, column);
}

static inline void add_time_or_null(struct row *r, const char *column, bool known, int64_t ns)
{
	if (known)
		add_integer(r, column, ns);
	else
		add_null(r, column);
}

/* NULL unless known. */
static inline void add_real_or_null(struct row *r, const char *column, bool known, double value)
{
	if (known)
		add(r, column, (struct cell){ .type = CELL_REAL, .as.real = round(value * 1e4) / 1e4 });
	else
		add_null(r, column);
}

/* A float has 7 digits; as a double 27.3 would read 27.2999992370605. 4 decimals are more than a likelihood
 * means. */
static inline void add_bits(struct row *r, const char *column, float bits)
{
	double value = bits == 0 ? 0 : round((double)bits * 1e4) / 1e4;

	add(r, column, (struct cell){ .type = CELL_REAL, .as.real = value });
}

static inline void add_text_of(struct row *r, const char *column, const char *text, size_t length)
{
	add(r, column, (struct cell){ .type = CELL_TEXT, .as.text = text, .length = (uint32_t)length });
}

/* NULL is stored as "". */
static inline void add_text(struct row *r, const char *column, const char *text)
{
	add_text_of(r, column, text ? text : "", text ? strlen(text) : 0);
}

/* NULL and "" are stored as NULL. */
static inline void add_text_or_null(struct row *r, const char *column, const char *text)
{
	if (text && *text)
		add_text(r, column, text);
	else
		add_null(r, column);
}

/* Text that lives as long as the row; IP_TEXT bytes. */
static inline char *scratch(struct row *r)
{
	return r->scratch[r->scratch_used++];
}

static inline void add_ip(struct row *r, const char *column, const struct ip *ip)
{
	char *text = scratch(r);

	add_text_of(r, column, text, ip_format(ip, text));
}

/* Keywords of the IANA registry "Protocol Numbers" in lower case, except icmp6 (there "IPv6-ICMP"). */
static inline const char *proto_name(unsigned l4)
{
	switch (l4) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmp6";
	case IPPROTO_IGMP:
		return "igmp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_GRE:
		return "gre";
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	case IPPROTO_PIM:
		return "pim";
	case 89: /* no constant in netinet/in.h */
		return "ospf";
	case 112:
		return "vrrp";
	default:
		return NULL;
	}
}

static inline void add_proto(struct row *r, const char *column, unsigned l4)
{
	const char *name = proto_name(l4);

	if (!name) {
		char *text = scratch(r);
		snprintf(text, IP_TEXT, "%u", l4);
		name = text;
	}
	add_text(r, column, name);
}

static inline void add_client_and_server(struct row *r, const struct endpoint *client,
					 const struct endpoint *server)
{
	add_ip(r, "client_ip", &client->ip);
	add_integer(r, "client_port", client->port);
	add_ip(r, "server_ip", &server->ip);
	add_integer(r, "server_port", server->port);
}

/* --- one row --- */

static inline struct row_sink *row_sink_of(struct sink *s)
{
	return (struct row_sink *)s; /* its first member */
}

static inline struct row *begin(struct sink *s, enum row_kind kind)
{
	struct row_sink *to = row_sink_of(s);
	struct row *r = to->row(to, kind);

	r->kind = kind;
	r->count = 0;
	r->scratch_used = 0;
	add_integer(r, "run", to->run);
	return r;
}

static inline bool end(struct sink *s, const struct row *r, struct error *err)
{
	struct row_sink *to = row_sink_of(s);

	return to->write(to, r, err);
}
#endif
