/*
 * Real TLS of the client of 2015 to the vendor's web servers: the name in the ClientHello (wire C0; RFC 8446
 * section 4.1.2, RFC 6066 section 3). Only names that nothing but the client was seen to use: the vendor's
 * later products, which are not this protocol, live under the same domain.
 */
#include "dissectors/skype/skype.h"

static const char *const names[] = { "apps.skype.com", "apps.skypeassets.com" };

enum { RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1, EXTENSION_SERVER_NAME = 0, HOST_NAME = 0 };

/* The server name of a ClientHello; empty if there is none. r begins behind the record header. */
static struct span server_name(struct reader r)
{
	if (rd_u8(&r) != CLIENT_HELLO)
		return (struct span){ 0 };
	rd_skip(&r, 3 + 2 + 32);  /* length, version, random */
	rd_skip(&r, rd_u8(&r));   /* session */
	rd_skip(&r, rd_be16(&r)); /* cipher suites */
	rd_skip(&r, rd_u8(&r));   /* compression */
	struct reader extensions = reader_on(rd_take(&r, rd_be16(&r)));
	while (rd_left(&extensions)) {
		uint16_t type = rd_be16(&extensions);
		struct reader body = reader_on(rd_take(&extensions, rd_be16(&extensions)));
		if (type != EXTENSION_SERVER_NAME)
			continue;
		rd_skip(&body, 2); /* length of the list, of which only the first entry is in use */
		if (rd_u8(&body) != HOST_NAME)
			break;
		return rd_take(&body, rd_be16(&body));
	}
	return (struct span){ 0 };
}

static bool is_client_name(struct span name)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

static enum match tls_look(const struct look *l)
{
	struct reader r = reader_on(l->data);
	if (!l->from_start || l->dir != TO_RESPONDER || rd_u8(&r) != RECORD_HANDSHAKE)
		return MATCH_NO;
	rd_skip(&r, 2);
	uint16_t length = rd_be16(&r);
	if (r.failed)
		return MATCH_MAYBE;
	if (length == 0)
		return MATCH_NO;
	struct span record = rd_take(&r, length);
	if (r.failed)
		return MATCH_MAYBE;
	if (!is_client_name(server_name(reader_on(record))))
		return MATCH_NO;
	observe(l, SKYPE_TLS_NAME, 0);
	label_flow(l, "skype-tls");
	return MATCH_YES;
}

const struct dissector dissector_skype_tls = {
	.name = "skype_tls",
	.summary = "TLS of the Skype client to the vendor's web servers, wire C0",
	.protocol = &protocol_skype,
	.l4 = IPPROTO_TCP,
	.patience = 4, /* segments of a ClientHello */
	.look = tls_look,
};
