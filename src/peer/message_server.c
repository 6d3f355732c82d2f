/* Messages to and from the vendor's servers (wire B3, B4) and to name servers (RFC 1035). */
#include "peer/message.h"
#include "base/reader.h"
#include <stdio.h>
#include <string.h>

static const uint8_t client_hello[5] = { 0x16, 0x03, 0x01, 0x00, 0x00 };
static const uint8_t server_hello[5] = { 0x17, 0x03, 0x01, 0x00, 0x00 };

size_t login_hello(uint8_t *out)
{
	memcpy(out, client_hello, sizeof client_hello);
	return sizeof client_hello;
}

size_t login_hello_answer(uint8_t *out)
{
	memcpy(out, server_hello, sizeof server_hello);
	return sizeof server_hello;
}

size_t login_block_2006(struct rng *rng, unsigned second, uint8_t *out)
{
	/* Wire B3, message 3: the first record is 205 bytes long, of which 13 are the same in all. */
	static const uint8_t begins[] = { 0x16, 0x03, 0x01, 0x00, 0xcd, 0x41, 0x03, 0x00,
					  0x09, 0x80, 0x40, 0x04, 0x08, 0xc0, 0x01 };
	static const uint8_t ends[] = { 0x00, 0x0c, 0x01 };
	size_t size = sizeof begins;

	memcpy(out, begins, sizeof begins);
	rng_fill(rng, out + size, 192);
	size += 192;
	memcpy(out + size, ends, sizeof ends);
	size += sizeof ends;
	return size + login_record(rng, second, out + size);
}

size_t login_record(struct rng *rng, unsigned length, uint8_t *out)
{
	const uint8_t header[] = { 0x17, 0x03, 0x01, (uint8_t)(length >> 8), (uint8_t)length };

	memcpy(out, header, sizeof header);
	rng_fill(rng, out + sizeof header, length);
	return sizeof header + length;
}

/* What snprintf wrote into a buffer of MESSAGE_MAX. */
static size_t text_size(int written)
{
	return written < 0 ? 0 : written >= (int)MESSAGE_MAX ? MESSAGE_MAX - 1 : (size_t)written;
}

size_t version_request(const char *platform, const char *version, const char *action, const char *uhash,
		       uint8_t out[MESSAGE_MAX])
{
	bool first_run = strcmp(action, "installed") == 0;

	/* 0.97: an ordinary request with a name of its own, "97" in the path (technical report, appendix). */
	if (strcmp(version, "0.97") == 0)
		return text_size(
			snprintf((char *)out, MESSAGE_MAX,
				 "GET /ui/%s/97/en/%s%s HTTP/1.1\r\nUser-Agent: Skype\xe2\x84\xa2 Beta "
				 "0.97\r\nHost: ui.skype.com\r\nCache-Control: no-cache\r\n\r\n",
				 platform, action, first_run ? "" : "?ver=0.97.0.6"));
	return text_size(snprintf((char *)out, MESSAGE_MAX, /* wire B4 */
				  "GET http://ui.skype.com/ui/%s/%s/en/%s?ver=%s&uhash=%s HTTP/1.1\r\n"
				  "connection: Keep-Alive\r\nhost: ui.skype.com\r\n\r\n",
				  platform, version, action, version, uhash));
}

size_t version_reply(uint8_t out[MESSAGE_MAX])
{
	/* Wire B4: 396 bytes, of which the last seven are the newest version. */
	return text_size(snprintf(
		(char *)out, MESSAGE_MAX,
		"HTTP/1.1 200 OK\r\nDate: Fri, 25 Aug 2006 19:29:59 GMT\r\nServer: Apache\r\n"
		"Cache-control: no-cache, must revalidate\r\nPragma: no-cache\r\nExpires: 0\r\n"
		"Set-Cookie: SC=CC=:CCY=:LC=en:TM=1156534199:TS=1156534199:TZ=:VER=2/1.2.0.18/0; "
		"expires=Sat, 25-Aug-07 19:29:59 GMT; path=/; domain=.skype.com;\r\n"
		"Content-Length: 7\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
		"Content-Language: en\r\n\r\n1.0.0.1"));
}

/* --- DNS: RFC 1035 section 4.1 ------------------------------------------------------------------------- */

#define DNS_HEAD 12U
#define DNS_A    1U  /* RFC 1035 section 3.2.2 */
#define DNS_AAAA 28U /* RFC 3596 section 2.1 */
#define DNS_IN   1U

size_t dns_question(uint16_t id, const char *name, bool aaaa, uint8_t out[MESSAGE_MAX])
{
	/* One question, and the name server shall ask others (RD). */
	const uint8_t head[DNS_HEAD] = { (uint8_t)(id >> 8), (uint8_t)id, 0x01, 0, 0, 1 };
	size_t size = sizeof head;

	memcpy(out, head, sizeof head);
	for (const char *label = name; *label;) {
		size_t n = strcspn(label, ".");

		out[size++] = (uint8_t)n;
		memcpy(out + size, label, n);
		size += n;
		label += n + (label[n] == '.');
	}
	const uint8_t tail[] = { 0, 0, aaaa ? DNS_AAAA : DNS_A, 0, DNS_IN };
	memcpy(out + size, tail, sizeof tail);
	return size + sizeof tail;
}

size_t dns_name(const uint8_t *message, size_t size, char out[DNS_NAME_MAX])
{
	struct reader r = reader_on((struct span){ message, size });
	size_t used = 0;

	rd_skip(&r, DNS_HEAD);
	for (unsigned n; (n = rd_u8(&r)) > 0;) {
		struct span label = rd_take(&r, n);

		if (r.failed || used + label.len + 1 >= DNS_NAME_MAX)
			return 0;
		memcpy(out + used, label.ptr, label.len);
		used += label.len;
		out[used++] = '.';
	}
	if (r.failed || used == 0)
		return 0;
	out[used - 1] = '\0';
	return used - 1;
}

/* Where the first question ends; 0: there is none. */
static size_t question_end(const uint8_t *message, size_t size, uint16_t *type)
{
	struct reader r = reader_on((struct span){ message, size });
	unsigned questions;

	rd_skip(&r, 2);
	if (rd_be16(&r) & 0x8000) /* an answer */
		return 0;
	questions = rd_be16(&r);
	rd_skip(&r, 6);
	for (unsigned n; (n = rd_u8(&r)) > 0;)
		rd_skip(&r, n);
	*type = rd_be16(&r);
	rd_skip(&r, 2);
	return r.failed || questions != 1 ? 0 : size - rd_left(&r);
}

size_t dns_answer(const uint8_t *question, size_t size, uint32_t ip, uint8_t out[MESSAGE_MAX])
{
	/* The name is that of the question (a pointer to it), for 15 minutes as in SkypeIRC.pcap fr 400. */
	const uint8_t record[16] = { 0xc0,
				     DNS_HEAD,
				     0,
				     DNS_A,
				     0,
				     DNS_IN,
				     0,
				     0,
				     0x03,
				     0x84,
				     0,
				     4,
				     (uint8_t)(ip >> 24),
				     (uint8_t)(ip >> 16),
				     (uint8_t)(ip >> 8),
				     (uint8_t)ip };
	uint16_t type = 0;
	size_t end = question_end(question, size, &type);

	if (end == 0 || end + sizeof record > MESSAGE_MAX)
		return 0;
	memcpy(out, question, end);
	out[2] = 0x81; /* an answer to a question with RD ... */
	out[3] = 0x80; /* ... from one that asks others (RA), without error */
	memset(out + 6, 0, 6);
	if (ip == 0 || type != DNS_A)
		return end;
	out[7] = 1;
	memcpy(out + end, record, sizeof record);
	return end + sizeof record;
}

uint32_t dns_address(const uint8_t *answer, size_t size)
{
	struct reader r = reader_on((struct span){ answer, size });
	unsigned answers, type;

	rd_skip(&r, 6);
	answers = rd_be16(&r);
	rd_skip(&r, 4);
	for (unsigned n; (n = rd_u8(&r)) > 0;)
		rd_skip(&r, n);
	rd_skip(&r, 4);
	rd_skip(&r, 2); /* the name: a pointer, as dns_answer() writes it */
	type = rd_be16(&r);
	rd_skip(&r, 8); /* class, time to live, length */
	return answers > 0 && type == DNS_A ? rd_be32(&r) : 0;
}
