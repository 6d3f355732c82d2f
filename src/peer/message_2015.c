/* What clients of 2015 send over TCP that those of 2006 did not (wire C3, C4). */
#include "base/reader.h"
#include "peer/message_2015.h"
#include "peer/message.h"
#include <string.h>

#define HELLO_RANDOM 48U /* wire C3, form 1: then come 0 to 63 bytes of padding */

/* Wire C3, form 1: every byte of padding follows from the one before it, so that the first tells them all. */
static uint8_t padding_next(uint8_t previous)
{
	return (uint8_t)(0xcdU * previous + 0x71U);
}

static void padding_fill(struct rng *rng, uint8_t *out, size_t size)
{
	uint8_t byte = (uint8_t)rng_next(rng);

	for (size_t i = 0; i < size; i++, byte = padding_next(byte))
		out[i] = byte;
}

static size_t append(uint8_t *out, size_t at, const void *bytes, size_t size)
{
	memcpy(out + at, bytes, size);
	return at + size;
}

/*
 * A real node decrypts the random bytes and sees what they are. Here bytes 8 to 11 follow from the eight
 * before them and the form.
 */
#define TAG_AT 8U

static uint32_t hello_tag(uint64_t begins, uint64_t form)
{
	uint64_t state = begins + form;

	return (uint32_t)rng_splitmix(&state);
}

static void hello_mark(uint8_t *bytes, uint64_t form)
{
	struct reader r = reader_on((struct span){ bytes, TAG_AT });
	uint32_t high = rd_be32(&r), tag = hello_tag((uint64_t)high << 32 | rd_be32(&r), form);

	for (unsigned i = 0; i < 4; i++)
		bytes[TAG_AT + i] = (uint8_t)(tag >> (24 - 8 * i));
}

unsigned node_hello_form(const uint8_t *bytes, size_t size)
{
	struct reader r = reader_on((struct span){ bytes, size });
	uint32_t high = rd_be32(&r);
	uint64_t begins = (uint64_t)high << 32 | rd_be32(&r);
	uint32_t tag = rd_be32(&r);

	if (r.failed)
		return 0;
	if (size >= HELLO_RANDOM && tag == hello_tag(begins, 1))
		return 1;
	return tag == hello_tag(begins, 3) ? 3 : 0;
}

size_t node_hello(struct rng *rng, unsigned size, uint8_t *out)
{
	rng_fill(rng, out, HELLO_RANDOM);
	hello_mark(out, 1);
	padding_fill(rng, out + HELLO_RANDOM, size - HELLO_RANDOM);
	return size;
}

size_t node_hello_old(struct rng *rng, unsigned size, uint8_t *out)
{
	rng_fill(rng, out, size);
	hello_mark(out, 3);
	return size;
}

size_t tls_hello(struct rng *rng, uint8_t *out)
{
	/* Wire C3, form 2: a hello of SSL 2.0 for TLS 1.0 with 15 ciphers, whose challenge is padding. */
	static const uint8_t fixed[56] = {
		0x80, 0x46, 0x01, 0x03, 0x01, 0x00, 0x2d, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x05,
		0x00, 0x00, 0x04, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x09, 0x00, 0x00, 0x64, 0x00, 0x00,
		0x62, 0x00, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0x00, 0x06, 0x01, 0x00, 0x80, 0x07,
		0x00, 0xc0, 0x03, 0x00, 0x80, 0x06, 0x00, 0x40, 0x02, 0x00, 0x80, 0x04, 0x00, 0x80,
	};
	size_t size = append(out, 0, fixed, sizeof fixed);

	padding_fill(rng, out + size, 16);
	return size + 16;
}

size_t tls_hello_answer(uint8_t *out)
{
	/* Wire C3, form 2: a ServerHello that is the same from every node, its random bytes included. */
	static const uint8_t fixed[79] = {
		0x16, 0x03, 0x01, 0x00, 0x4a, 0x02, 0x00, 0x00, 0x46, 0x03, 0x01, 0x40, 0x1b, 0xe4,
		0x86, 0x02, 0xad, 0xe0, 0x29, 0xe1, 0x77, 0x74, 0xe5, 0x44, 0xb9, 0xc9, 0x9c, 0xb4,
		0x31, 0x31, 0x5e, 0x02, 0xdd, 0x77, 0x9d, 0x15, 0x4a, 0x96, 0x09, 0xba, 0x5d, 0xa8,
		0x70, 0x20, 0x1c, 0xa0, 0xe4, 0xf6, 0x4c, 0x63, 0x51, 0xae, 0x2f, 0x8e, 0x4e, 0xe1,
		0xe6, 0x76, 0x6a, 0x0a, 0x88, 0xd5, 0xd8, 0xc5, 0x5c, 0xae, 0x98, 0xc5, 0xe4, 0x81,
		0xf2, 0x2a, 0x69, 0xbf, 0x90, 0x58, 0x00, 0x05, 0x00,
	};
	return append(out, 0, fixed, sizeof fixed);
}

static size_t record(struct rng *rng, size_t at, uint8_t type, const uint8_t *begins, size_t known,
		     unsigned length, uint8_t *out)
{
	const uint8_t header[5] = { type, 0x03, 0x01, (uint8_t)(length >> 8), (uint8_t)length };

	at = append(out, at, header, sizeof header);
	if (known > 0) /* memcpy takes no NULL */
		memcpy(out + at, begins, known);
	rng_fill(rng, out + at + known, length - known);
	return at + length;
}

size_t login_block_2015(struct rng *rng, unsigned first, unsigned second, uint8_t *out)
{
	static const uint8_t begins[] = { 0x42, 0xcd, 0xef, 0xe7, 0x40, 0xd7, 0x2f, 0x1d }; /* wire C4 */
	size_t size = record(rng, 0, 0x16, begins, sizeof begins, first, out);

	return record(rng, size, 0x17, NULL, 0, second, out);
}
