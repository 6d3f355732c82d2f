/* For the tests of BitTorrent: payload as text, as hexadecimal digits, and cut at every length. */
#ifndef FS_TESTS_BITTORRENT_PLAY_H
#define FS_TESTS_BITTORRENT_PLAY_H
#include "dissector_recorder.h"
#include "dissectors/bittorrent/bittorrent.h"

extern const struct dissector dissector_bittorrent_udp, dissector_bittorrent_peer, dissector_bittorrent_http;

#define CLIENT   "192.168.1.2"
#define PEER     "165.124.253.241"
#define C        TO_RESPONDER
#define S        TO_INITIATOR
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* BEP 5, "ping", and BEP 3, "peer protocol": length, name, reserved bytes. */
#define ID_A      "id20:abcdefghij0123456789"
#define PING      "d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:y1:qe"
#define HANDSHAKE "\023BitTorrent protocol\0\0\0\0\0\x10\0\x05"

static inline void start(struct play *p, const struct dissector *d)
{
	play_start(p, d, at(CLIENT, 51413), at(PEER, 6881));
}

static inline void start_udp(struct play *p)
{
	start(p, &dissector_bittorrent_udp);
}

static inline enum match send_text(struct play *p, enum direction dir, const char *text)
{
	return play_datagram(p, dir, 0.0, text, strlen(text));
}

static inline size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = (uint8_t)byte;
	return n;
}

static inline enum match send_hex(struct play *p, enum direction dir, const char *hex)
{
	uint8_t bytes[256];
	size_t len = from_hex(bytes, hex);
	return play_datagram(p, dir, 0.0, bytes, len);
}

/* Cut by the snap length: never against, and nothing that the whole does not say. Short on the wire: no. */
static inline void check_cuts(enum direction dir, const uint8_t *bytes, size_t len, unsigned whole)
{
	for (size_t cut = 0; cut < len; cut++) {
		struct play p;
		start_udp(&p);
		assert_int_equal(play_cut(&p, dir, 0.0, bytes, cut, len), MATCH_MAYBE);
		assert_in_range(rec.seen_count, 0, whole);
		start_udp(&p);
		assert_int_equal(play_datagram(&p, dir, 0.0, bytes, cut), MATCH_NO);
		assert_int_equal(rec.seen_count, 0);
	}
}

#endif
