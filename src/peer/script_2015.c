#include "peer/script_2015.h"
#include "base/clock.h"
#include "peer/message_2015.h"
#include "peer/message.h"

#define C true
#define S false

/* Wire C3: the one survivor of skype.pcap, frames 1258 to 1357; it then stays open. */
const struct line script_form_1[] = {
	{ LINE_HELLO, C, 48, 111, 0 },      { LINE_HELLO, S, 48, 111, 0 },
	{ LINE_RANDOM, C, 8, 8, 0 },        { LINE_RANDOM, S, 8, 8, 0 },
	{ LINE_RANDOM, C, 36, 36, 40 },     { LINE_RANDOM, S, 68, 68, 0 },
	{ LINE_RANDOM, C, 39, 39, 40 },     { LINE_RANDOM, S, 3, 3, 0 },
	{ LINE_RANDOM, S, 144, 144, 204 },  { LINE_RANDOM, C, 4, 4, 0 },
	{ LINE_RANDOM, C, 609, 609, 240 },  { LINE_RANDOM, S, 4, 4, 0 },
	{ LINE_RANDOM, S, 1440, 1440, 25 }, { LINE_RANDOM, C, 54, 54, 0 },
	{ LINE_RANDOM, S, 553, 553, 0 },    { LINE_RANDOM, C, 483, 483, 0 },
	{ LINE_RANDOM, S, 928, 928, 0 },    { LINE_RANDOM, C, 626, 626, 0 },
	{ LINE_RANDOM, S, 1440, 1440, 0 },  { LINE_RANDOM, S, 1440, 1440, 60 },
	{ LINE_RANDOM, C, 165, 165, 0 },    { LINE_RANDOM, S, 1440, 1440, 0 },
	{ LINE_RANDOM, C, 288, 288, 0 },    { LINE_RANDOM, S, 1440, 1440, 0 },
	{ LINE_RANDOM, S, 454, 454, 25 },   { LINE_RANDOM, C, 821, 821, 0 },
	{ LINE_RANDOM, S, 1440, 1440, 0 },  { LINE_RANDOM, S, 1440, 1440, 25 },
	{ LINE_RANDOM, C, 415, 415, 0 },    { LINE_RANDOM, S, 1440, 1440, 0 },
	{ LINE_RANDOM, C, 205, 205, 0 },    { LINE_END, C, 0, 0, 0 },
};

/* Wire C3, form 2; the client's second message in skype.pcap: 24 to 70 bytes. */
const struct line script_form_2[] = {
	{ LINE_TLS, C, 72, 72, 0 },    { LINE_TLS_ANSWER, S, 79, 79, 0 }, { LINE_RANDOM, C, 24, 70, 0 },
	{ LINE_RANDOM, S, 24, 71, 0 }, { LINE_END, C, 0, 0, 0 },
};

/* Wire C3, form 3; what follows the sizes given there is of frames 1413 to 1600. */
static const struct line form_3_17[] = {
	{ LINE_OLD_HELLO, C, 29, 73, 0 },   { LINE_RANDOM, S, 26, 73, 0 },
	{ LINE_RANDOM, C, 17, 17, 0 },      { LINE_RANDOM, S, 14, 14, 0 },
	{ LINE_RANDOM, S, 14, 14, 110 },    { LINE_RANDOM, C, 4, 4, 0 },
	{ LINE_RANDOM, C, 776, 777, 2000 }, { LINE_RANDOM, S, 1024, 1024, 260 },
	{ LINE_RANDOM, S, 90, 90, 110 },    { LINE_RANDOM, C, 556, 557, 4 },
	{ LINE_RANDOM, S, 35, 46, 0 },      { LINE_RANDOM, C, 68, 80, 0 },
	{ LINE_END, C, 0, 0, 0 },
};
static const struct line form_3_16[] = {
	{ LINE_OLD_HELLO, C, 29, 73, 0 }, { LINE_RANDOM, S, 26, 73, 0 },
	{ LINE_RANDOM, C, 16, 16, 0 },    { LINE_RANDOM, S, 14, 14, 0 },
	{ LINE_RANDOM, C, 753, 753, 3 },  { LINE_RANDOM, S, 14, 14, 0 },
	{ LINE_RANDOM, C, 4, 4, 260 },    { LINE_RANDOM, S, 1124, 1183, 100 },
	{ LINE_RANDOM, C, 557, 557, 3 },  { LINE_RANDOM, S, 45, 100, 60 },
	{ LINE_RANDOM, C, 36, 78, 0 },    { LINE_END, C, 0, 0, 0 },
};
static const struct line form_3_14[] = {
	{ LINE_OLD_HELLO, C, 29, 73, 0 }, { LINE_RANDOM, S, 26, 73, 0 }, { LINE_RANDOM, C, 14, 14, 0 },
	{ LINE_RANDOM, S, 18, 18, 0 },    { LINE_RANDOM, C, 37, 38, 0 }, { LINE_END, C, 0, 0, 0 },
};
const struct line *const scripts_form_3[SCRIPTS_FORM_3] = { form_3_17, form_3_16, form_3_14 };

/* Wire C4, frames 1916 to 1935: the server closes behind its last record. */
const struct line script_login[] = {
	{ LINE_SERVER_HELLO, C, 5, 5, 0 }, { LINE_SERVER_HELLO_ANSWER, S, 5, 5, 0 },
	{ LINE_SERVER_HELLO, C, 5, 5, 0 }, { LINE_SERVER_HELLO_ANSWER, S, 5, 5, 0 },
	{ LINE_LOGIN_BLOCK, C, 0, 0, 0 },  { LINE_RECORDS, S, 14, 1, 14 },
	{ LINE_RECORDS, S, 14, 7, 25 }, /* 16 ms there: net.h wants 25 */
	{ LINE_END, C, 0, 0, 0 },
};

/* Wire C4, frames 1359 to 1912 without the filter's delays. */
const struct line script_list[] = {
	{ LINE_SERVER_HELLO, C, 5, 5, 0 }, { LINE_SERVER_HELLO_ANSWER, S, 5, 5, 0 },
	{ LINE_SERVER_HELLO, C, 5, 5, 0 }, { LINE_SERVER_HELLO_ANSWER, S, 5, 5, 0 },
	{ LINE_LIST_BLOCK, C, 0, 0, 0 },   { LINE_RECORDS, S, 16, 1, 8 },
	{ LINE_END, C, 0, 0, 0 },
};

const struct line *script_form_3_of(size_t size)
{
	for (size_t i = 0; i < SCRIPTS_FORM_3; i++)
		if (scripts_form_3[i][2].least == size)
			return scripts_form_3[i];
	return NULL;
}

/* Wire C4: LL of the eight blocks that were seen. */
static unsigned block_length(struct rng *rng)
{
	static const uint8_t seen[] = { 0xdf, 0xeb, 0xed, 0xe9, 0xf0, 0xfd, 0xe7, 0xe7 };

	return seen[rng_below(rng, sizeof seen)];
}

/* Frame 1929: behind the block records of 125 to 128 bytes, 101 to 182 in all that was seen, eight of them.
 */
static size_t login_block_write(struct rng *rng, uint8_t *out)
{
	size_t size = login_block_2015(rng, block_length(rng), rng_one_in(rng, 2) ? 125 : 127, out);

	for (int i = 0; i < 6; i++)
		size += login_record(rng, rng_between(rng, 125, 128), out + size);
	return size + login_record(rng, 181, out + size);
}

size_t line_write(const struct line *line, struct rng *rng, uint8_t out[LINE_MAX])
{
	unsigned size = rng_between(rng, line->least, line->most > line->least ? line->most : line->least);
	size_t written = 0;

	switch (line->form) {
	case LINE_END:
		return 0;
	case LINE_HELLO:
		return node_hello(rng, size, out);
	case LINE_OLD_HELLO:
		return node_hello_old(rng, size, out);
	case LINE_TLS:
		return tls_hello(rng, out);
	case LINE_TLS_ANSWER:
		return tls_hello_answer(out);
	case LINE_SERVER_HELLO:
		return login_hello(out);
	case LINE_SERVER_HELLO_ANSWER:
		return login_hello_answer(out);
	case LINE_LOGIN_BLOCK:
		return login_block_write(rng, out);
	case LINE_LIST_BLOCK:
		return login_block_2015(rng, block_length(rng), 82, out); /* wire C4 */
	case LINE_RECORDS:
		for (unsigned i = 0; i < line->most; i++)
			written += login_record(rng, line->least, out + written);
		return written;
	case LINE_RANDOM:
		break;
	}
	rng_fill(rng, out, size);
	return size;
}

int64_t line_wait_ns(const struct line *line, struct rng *rng)
{
	/* A client takes 0.1 to 0.7 ms to answer (frames 1258 to 1600). */
	int64_t program = 100 * NS_PER_US + rng_below(rng, 600 * NS_PER_US), wait = line->wait_ms * NS_PER_MS;

	return program + wait + wait / 8 * (int64_t)rng_below(rng, 2);
}
