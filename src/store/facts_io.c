/* Fields of facts, written and read by the same calls; see facts_io.h. */
#include "store/facts_io.h"
#include "base/intern.h"
#include <math.h>

uint64_t facts_sum(uint64_t sum, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		sum = (sum ^ bytes.ptr[i]) * UINT64_C(0x100000001b3);
	return sum;
}

void facts_io_begin(struct facts_io *io)
{
	io->failed = false;
	io->stamp_ns = 0;
	io->number = 0;
	io->texts = 0;
	io->used = 0;
	memset(io->text_slot, 0, sizeof io->text_slot);
}

static void put(struct facts_io *io, uint8_t byte)
{
	if (io->used < FACTS_PLAIN_MAX)
		io->out[io->used++] = byte;
	else
		io->failed = true;
}

static void put_u64(struct facts_io *io, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		put(io, (uint8_t)(value | 0x80));
	put(io, (uint8_t)value);
}

static uint64_t get_u64(struct facts_io *io)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = rd_u8(&io->in);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	io->failed = true;
	return 0;
}

void io_u64_long(struct facts_io *io, uint64_t *value)
{
	if (io->writing)
		put_u64(io, *value);
	else
		*value = get_u64(io);
}

void io_i64(struct facts_io *io, int64_t *value)
{
	uint64_t zigzag = (uint64_t)*value << 1 ^ (uint64_t)(*value < 0 ? -1 : 0);

	io_u64(io, &zigzag);
	if (!io->writing)
		*value = (int64_t)(zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0));
}

void io_bytes(struct facts_io *io, void *bytes, size_t n)
{
	if (!io->writing) {
		struct span taken = rd_take(&io->in, n);
		if (taken.len == n && n)
			memcpy(bytes, taken.ptr, n);
		return;
	}
	if (FACTS_PLAIN_MAX - io->used < n) {
		io->failed = true;
		return;
	}
	memcpy(io->out + io->used, bytes, n);
	io->used += n;
}

/* Times lie within FRAME_TIME_MAX: differences of two do not overflow, and what is read has to be so, too. */
void io_time(struct facts_io *io, int64_t *ts_ns)
{
	int64_t later = 0;

	if (io->writing) {
		later = *ts_ns - io->stamp_ns;
		io_i64(io, &later);
		return;
	}
	io_i64(io, &later);
	if (__builtin_add_overflow(io->stamp_ns, later, ts_ns) || *ts_ns > FRAME_TIME_MAX ||
	    *ts_ns < -FRAME_TIME_MAX) {
		io->failed = true;
		*ts_ns = 0;
	}
}

void io_packet(struct facts_io *io, uint64_t *number)
{
	int64_t later = io->writing ? (int64_t)(*number - io->number) : 0;

	io_i64(io, &later);
	io->number += (uint64_t)later;
	if (!io->writing)
		*number = io->number ? io->number + io->number_offset : 0;
}

void io_float(struct facts_io *io, float *value)
{
	uint32_t bits;

	memcpy(&bits, value, sizeof bits);
	IO_NUMBER(io, bits, UINT32_MAX);
	memcpy(value, &bits, sizeof *value);
	if (isnan(*value)) { /* nothing sorts those */
		io->failed = true;
		*value = 0;
	}
}

/* One byte says which kind of address; IPv4 takes four. */
void io_endpoint(struct facts_io *io, struct endpoint *e)
{
	uint8_t v4 = io->writing && ip_is_v4(&e->ip);

	IO_NUMBER(io, v4, 1);
	if (v4 && !io->writing) {
		uint8_t bytes[4] = { 0 };
		io_bytes(io, bytes, sizeof bytes);
		e->ip = ip_from_v4(bytes);
	} else {
		io_bytes(io, e->ip.b + (v4 ? 12 : 0), v4 ? 4 : 16);
	}
	IO_NUMBER(io, e->port, UINT16_MAX);
}

void io_chars(struct facts_io *io, char *chars, size_t room)
{
	size_t length = io->writing ? strnlen(chars, room - 1) : 0;

	IO_NUMBER(io, length, room - 1);
	if (!io->writing)
		memset(chars, 0, room);
	io_bytes(io, chars, length);
	if (!io->writing && strnlen(chars, room) != length)
		io->failed = true;
}

static uint32_t slot_of(const struct facts_io *io, struct span text, uint32_t *number)
{
	uint32_t slot = (uint32_t)facts_sum(FACTS_SUM_SEED, text);

	for (;; slot++) {
		slot %= 2 * FACTS_TEXTS_MAX;
		*number = io->text_slot[slot];
		if (*number == 0)
			return slot;
		const uint8_t *known = io->out + io->text_at[*number - 1];
		if (known[-1] == text.len && memcmp(known, text.ptr, text.len) == 0)
			return slot;
	}
}

/* 0: NULL; a known one's number; else texts + 1, and its bytes. */
static void write_text(struct facts_io *io, const char *text)
{
	uint32_t number;

	if (!text) {
		put(io, 0);
		return;
	}
	struct span bytes = { (const uint8_t *)text, strnlen(text, FACTS_TEXT_MAX) };
	uint32_t slot = slot_of(io, bytes, &number);
	put_u64(io, number ? number : io->texts + 1U);
	if (number)
		return;
	put(io, (uint8_t)bytes.len);
	if (io->texts < FACTS_TEXTS_MAX) {
		io->text_at[io->texts++] = (uint32_t)io->used;
		io->text_slot[slot] = (uint16_t)io->texts;
	}
	if (FACTS_PLAIN_MAX - io->used < bytes.len) {
		io->failed = true;
		return;
	}
	memcpy(io->out + io->used, bytes.ptr, bytes.len);
	io->used += bytes.len;
}

static const char *read_text(struct facts_io *io)
{
	char chars[FACTS_TEXT_MAX + 1];
	uint64_t number = io_limited(io, 0, io->texts + 1U);

	if (number == 0)
		return NULL;
	if (number <= io->texts)
		return io->text[number - 1];
	io_chars(io, chars, sizeof chars);
	const char *text = io->failed || io->in.failed ? NULL : intern(io->names, chars);
	if (!text)
		io->failed = true;
	else if (io->texts < FACTS_TEXTS_MAX)
		io->text[io->texts++] = text;
	return text;
}

void io_text(struct facts_io *io, const char **text)
{
	if (io->writing)
		write_text(io, *text);
	else
		*text = read_text(io);
}
