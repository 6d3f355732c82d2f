/* What bytes look like that are no capture. Sources: each format's specification, as collected in file(1). */
#include "capture/magic.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 8U /* bytes of what is not known */

struct magic {
	size_t at;
	const char *bytes;
	size_t len;
	const char *what;
};

#define MAGIC(at, bytes, what)                                                                               \
	{                                                                                                    \
		at, bytes, sizeof(bytes) - 1, what                                                           \
	}
#define CONVERT "; tcpdump or editcap -F pcapng can convert it"

static const struct magic table[] = {
	/* Captures that this program does not read. */
	MAGIC(0, "GMBU", "a capture of Microsoft Network Monitor" CONVERT),
	MAGIC(0, "RTSS", "a capture of Microsoft Network Monitor 1" CONVERT),
	MAGIC(0, "TRSNIFF data    \x1a", "a capture of the DOS Sniffer" CONVERT),
	MAGIC(0, "XCP\0", "a capture of NetXRay or the Windows Sniffer" CONVERT),
	MAGIC(0, "\x7fver", "a capture of Savvius OmniPeek" CONVERT),
	MAGIC(0, "iptrace ", "a capture of AIX iptrace" CONVERT),
	MAGIC(0, "btsnoop\0", "a Bluetooth capture (btsnoop), which holds no network traffic"),
	MAGIC(0, "\x0c\xa5", "flow records of nfdump, not packets"),
	/* Compressed in a way that nobody compresses captures today. */
	MAGIC(0, "\x02\x21\x4c\x18", "legacy lz4 data: decompress it first"),
	MAGIC(0, "\x1f\x9d", "data of compress(1): decompress it first"),
	MAGIC(0, "PK\x03\x04", "a ZIP archive: unpack it first"),
	MAGIC(0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
	MAGIC(0, "Rar!\x1a\x07", "a RAR archive: unpack it first"),
	MAGIC(257, "ustar", "a tar archive: unpack it first"),
	/* Everything else that a hand may slip to. */
	MAGIC(0, "SQLite format 3\0", "an SQLite database (\"footsteps show\" reads those of footsteps)"),
	MAGIC(0,
	      "\x7f"
	      "ELF",
	      "an ELF program or library"),
	MAGIC(0, "MZ", "a Windows program"),
	MAGIC(0, "\x89PNG\r\n\x1a\n", "a PNG image"),
	MAGIC(0, "\xff\xd8\xff", "a JPEG image"),
	MAGIC(0, "GIF8", "a GIF image"),
	MAGIC(0, "%PDF-", "a PDF document"),
	MAGIC(0, "RIFF", "a RIFF file (WAV, AVI, WebP)"),
	MAGIC(0, "OggS", "an Ogg file"),
	MAGIC(0, "#!", "a script"),
	MAGIC(0, "<!DOCTYPE html", "an HTML page"),
	MAGIC(0, "<!doctype html", "an HTML page"),
	MAGIC(0, "<html", "an HTML page"),
	MAGIC(0, "<?xml", "an XML document"),
};

static bool all_zero(struct span head)
{
	for (size_t i = 0; i < head.len; i++)
		if (head.ptr[i])
			return false;
	return true;
}

/* ASCII and UTF-8 (RFC 3629; the last character may be cut) without control characters other than white
 * space, ESC. */
static bool all_text(struct span head)
{
	unsigned expected = 0; /* continuation bytes */

	for (size_t i = 0; i < head.len; i++) {
		uint8_t c = head.ptr[i];

		if (expected ? (c & 0xc0) != 0x80 : (c >= 0x80 && c < 0xc2) || c > 0xf4)
			return false;
		if (expected)
			expected--;
		else if (c >= 0x80)
			expected = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		else if (c == 0x7f || (c < 0x20 && !(c >= '\t' && c <= '\r') && c != 0x1b))
			return false;
	}
	return true;
}

const char *bytes_describe(struct span head, char out[MAGIC_TEXT])
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct magic *m = &table[i];

		if (head.len >= m->at + m->len && memcmp(head.ptr + m->at, m->bytes, m->len) == 0)
			return m->what;
	}
	if (all_zero(head))
		return "nothing but zero bytes";
	if (all_text(head))
		return "plain text";
	int at = snprintf(out, MAGIC_TEXT, "unknown data (it begins with");

	for (size_t i = 0; i < head.len && i < SHOWN; i++)
		at += snprintf(out + at, MAGIC_TEXT - (size_t)at, " %02x", head.ptr[i]);
	snprintf(out + at, MAGIC_TEXT - (size_t)at, ")");
	return out;
}
