/*
 * BitTorrent: the examples of BEP 3, 5 and 14 byte for byte, a real exchange of the DHT, and what looks
 * alike.
 */
#include "bittorrent_play.h"

/* BEP 5, "DHT queries" and "errors". In announce_peer, "implied_port" is left out as in its bencoded line. */
#define PONG "d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re"
static const char *const queries[] = {
	PING,
	"d1:ad2:" ID_A "6:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
	"d1:ad2:" ID_A "9:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
	"d1:ad2:" ID_A
	"9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa"
	"1:y1:qe",
};
static const char *const responses[] = {
	PONG,
	"d1:rd2:id20:0123456789abcdefghij5:nodes9:def456...e1:t2:aa1:y1:re",
	"d1:rd2:" ID_A "5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
	"d1:rd2:" ID_A "5:nodes9:def456...5:token8:aoeusnthe1:t2:aa1:y1:re",
};
#define KRPC_ERROR "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"

static void test_dht(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		struct play p;
		start_udp(&p);
		assert_int_equal(send_text(&p, C, queries[i]), MATCH_MAYBE);
		assert_int_equal(rec.seen_count, 2);
		assert_int_equal(times_seen(BITTORRENT_DHT_QUERY), 1);
		assert_int_equal(times_seen(BITTORRENT_FRESH), 1);
		assert_int_equal(send_text(&p, S, responses[i]), MATCH_MAYBE);
		assert_int_equal(rec.seen_count, 4);
		assert_int_equal(times_seen(BITTORRENT_DHT_RESPONSE), 1);
		assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 1);
		assert_int_equal(rec.seen[2].dir, S);
		assert_null(rec.label); /* the sockets are judged */
		/* Again: only what every query may report. */
		send_text(&p, C, queries[i]);
		send_text(&p, S, responses[i]);
		assert_int_equal(rec.seen_count, 5);
	}
}

static void test_dht_answers(void **state)
{
	(void)state;
	struct play p;
	start_udp(&p);
	assert_int_equal(send_text(&p, C, PING), MATCH_MAYBE);
	assert_int_equal(send_text(&p, S, KRPC_ERROR), MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 1);
	assert_int_equal(times_seen(BITTORRENT_DHT_RESPONSE), 0);

	/* An answer to nothing, to something else, and in the direction of the question. */
	start_udp(&p);
	assert_int_equal(send_text(&p, C, PONG), MATCH_MAYBE);
	assert_int_equal(send_text(&p, S, "d1:ad2:" ID_A "e1:q4:ping1:t2:ab1:y1:qe"), MATCH_MAYBE);
	assert_int_equal(send_text(&p, C, PONG), MATCH_MAYBE);
	assert_int_equal(send_text(&p, S, "d1:rd2:" ID_A "e1:t2:ab1:y1:re"), MATCH_MAYBE);
	assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 0);
	assert_int_equal(times_seen(BITTORRENT_DHT_RESPONSE), 2); /* one for each side */
	/* The same ids, but one is only the beginning of the other. */
	start_udp(&p);
	send_text(&p, C,
		  "d1:ad2:" ID_A "e1:q4:ping1:t10:0123456789"
		  "1:y1:qe");
	send_text(&p, S,
		  "d1:rd2:" ID_A "e1:t9:012345678"
		  "1:y1:re");
	assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 0);
}

static unsigned bytes_changed(uint32_t a, uint32_t b)
{
	unsigned changed = 0;
	for (uint32_t difference = a ^ b; difference; difference >>= 8)
		changed += (difference & 0xff) != 0;
	return changed;
}

/* TEST_NONCE wants three bytes of four to change, whatever small thing differs. */
static void test_dht_fresh(void **state)
{
	(void)state;
	struct play p;
	uint32_t value[5];
	static const char *const different[] = {
		PING,
		"d1:ad2:" ID_A "e1:q4:ping1:t2:ab1:y1:qe",
		"d1:ad2:" ID_A "e1:q4:ping1:t2:ac1:y1:qe",
		"d1:ad2:" ID_A "6:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
		"d1:ad2:" ID_A "6:target20:mnopqrstuvwxyz123457e1:q9:find_node1:t2:aa1:y1:qe",
	};
	for (size_t i = 0; i < COUNT(different); i++) {
		start_udp(&p);
		send_text(&p, C, different[i]);
		value[i] = last_value(BITTORRENT_FRESH);
		for (size_t j = 0; j < i; j++)
			assert_in_range(bytes_changed(value[i], value[j]), 3, 4);
	}
	send_text(&p, C, different[4]);
	assert_int_equal(last_value(BITTORRENT_FRESH), value[4]);
}

/* Frames 3 and 4 of targusdataspeed_false_positives.pcap (nDPI's test captures), nodes shortened to one. */
#define REAL_QUERY                                                                                           \
	"64313a6164323a696432303af60277019862c11c95bef4f300ef5056b7684a70363a74617267657432303a09fd88fe679d" \
	"3ee36a410b0cff10afa94897b58e65313a71393a66696e645f6e6f6465313a74383acaa118dd9cec7275313a79313a7165"
#define REAL_ANSWER                                                                                          \
	"64323a6970363a5d2fe1f8b635313a7264323a696432303a0a2c6473f02bb17709ed4df0b257d3a55d3ef90a"           \
	"353a6e6f64657332363a09e84d6727e43cf55ac0bb3091a2d7d5ba9077d7c0832c59feec"                           \
	"313a706934363634356565313a74383acaa118dd9cec7275313a76343a4c540102313a79313a7265"

static void test_dht_real(void **state)
{
	(void)state;
	struct play p;
	uint8_t bytes[256];
	start_udp(&p);
	assert_int_equal(play_datagram(&p, C, 0.0, bytes, from_hex(bytes, REAL_QUERY)), MATCH_MAYBE);
	assert_int_equal(play_datagram(&p, S, 0.7, bytes, from_hex(bytes, REAL_ANSWER)), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 5);
	assert_int_equal(last_value(BITTORRENT_REFLECTED), 0x5d2fe1f8); /* 93.47.225.248 */
	assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 1);
	/* Unasked, an address means nothing. */
	start_udp(&p);
	play_datagram(&p, S, 0.7, bytes, from_hex(bytes, REAL_ANSWER));
	assert_int_equal(times_seen(BITTORRENT_REFLECTED), 0);
	/* BEP 42 has 18 bytes for IPv6, and 127.0.0.1 is nobody's public address. */
	start_udp(&p);
	send_text(&p, C, PING);
	send_text(&p, S, "d2:ip18:0123456789abcdef011:rd2:" ID_A "e1:t2:aa1:y1:re");
	send_text(&p, C, PING);
	send_text(&p, S, "d2:ip6:\x7f\x01\x01\x01zz1:rd2:" ID_A "e1:t2:aa1:y1:re");
	assert_int_equal(times_seen(BITTORRENT_DHT_ANSWERED), 1);
	assert_int_equal(times_seen(BITTORRENT_REFLECTED), 0);
}

static void test_dht_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		PING "x",                                                  /* behind the end */
		"d1:ad2:" ID_A "e1:q4:ping1:y1:qe",                        /* no t */
		"d1:ad2:" ID_A "e1:q4:ping1:t0:1:y1:qe",                   /* empty t */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aae",                       /* no y */
		"d1:ad2:" ID_A "e1:t2:aa1:y1:qe",                          /* no q */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:y1:re",                 /* a query that says response */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:y2:qqe",                /* y of two characters */
		"d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe", /* an id of 19 bytes */
		"d1:a2:"
		"id1:q4:ping1:t2:aa1:y1:qe",          /* a is no dictionary */
		"d2:" ID_A "1:q4:ping1:t2:aa1:y1:qe", /* the id outside */
		"d1:rd2:" ID_A "e1:t2:aa1:y1:qe",
		"d1:e3:2011:t2:aa1:y1:ee", /* e is no list */
		"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:re",
		"d01:ad2:" ID_A "e1:q4:ping1:t2:aa1:y1:qe",     /* leading zero */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:vie1:y1:qe", /* number without digits */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:vi12",       /* ... without end */
		"d1:ad2:" ID_A "e1:q4:ping1:t2:aa1:vi123456789012345678901e1:y1:qe",
		"d1:ad2:" ID_A "e1:q4:ping1:t123456:aa1:y1:qe",
		"d1:ad2:" ID_A "e1:q4:ping1:t99:aa1:y1:qe", /* longer than the datagram */
		"d1:ad2:" ID_A "e1:q4:ping1:t-1:1:y1:qe",
		"d4:name5:value7:another3:onee", /* bencoded, but something else */
		"d8:announce18:http://example.org4:infod6:lengthi1e4:name1:aee",
		"di1ei2ee",
		"deeeeeeeeeee",
		"dddddddddddd",
		"d123456789:",
		"domain example.org",
		"data:text/plain",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct play p;
		start_udp(&p);
		if (send_text(&p, C, bad[i]) != MATCH_NO || rec.seen_count != 0)
			fail_msg("accepted: %s", bad[i]);
	}
	/* Nested as deep as a datagram allows: only time, no stack. */
	static char deep[60000];
	struct play p;
	memset(deep, 'l', sizeof deep);
	memcpy(deep, "d1:v", 4);
	start_udp(&p);
	assert_int_equal(play_datagram(&p, C, 0.0, deep, sizeof deep), MATCH_NO);
}

static void test_dht_cut(void **state)
{
	(void)state;
	struct play p;
	uint8_t bytes[256];
	for (size_t i = 0; i < COUNT(queries); i++) {
		check_cuts(C, (const uint8_t *)queries[i], strlen(queries[i]), 1);
		check_cuts(S, (const uint8_t *)responses[i], strlen(responses[i]), 1);
	}
	check_cuts(C, (const uint8_t *)KRPC_ERROR, strlen(KRPC_ERROR), 0);
	check_cuts(C, bytes, from_hex(bytes, REAL_QUERY), 1);
	check_cuts(S, bytes, from_hex(bytes, REAL_ANSWER), 1);
	/* ... but not with a string that is longer than the whole datagram. */
	start_udp(&p);
	assert_int_equal(play_cut(&p, C, 0.0, "d4:name120:abcdef", 17, 100), MATCH_NO);
	/* A snap length of 96 leaves 54 bytes behind Ethernet, IPv4 and UDP: enough for the node id. */
	start_udp(&p);
	play_cut(&p, C, 0.0, queries[1], 54, strlen(queries[1]));
	assert_int_equal(rec.seen_count, 1);
	assert_int_equal(times_seen(BITTORRENT_DHT_QUERY), 1);
}

/* BEP 14; the second is the payload of bt_search.pcap (nDPI's test captures). */
static void test_lsd(void **state)
{
	(void)state;
	static const char *const good[] = {
		"BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\nPort: 6881\r\nInfohash: "
		"0123456789012345678901234567890123456789\r\n\r\n\r\n",
		"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 61197\r\nInfohash: "
		"ED4F1085E885F98F9A69B70EE89EB988B8FD9115\r\n\r\n\r\n",
	};
	struct play p;
	for (size_t i = 0; i < COUNT(good); i++) {
		start_udp(&p);
		assert_int_equal(send_text(&p, C, good[i]), MATCH_YES);
		assert_int_equal(times_seen(BITTORRENT_LSD), 1);
		assert_string_equal(rec.label, "bittorrent-lsd");
		for (size_t cut = 0; cut < strlen(good[i]); cut++) {
			start_udp(&p);
			assert_int_equal(play_cut(&p, C, 0.0, good[i], cut, strlen(good[i])),
					 cut < 22 ? MATCH_MAYBE : MATCH_YES);
			start_udp(&p);
			assert_int_equal(play_datagram(&p, C, 0.0, good[i], cut),
					 cut < 22 ? MATCH_NO : MATCH_YES);
		}
	}
	start_udp(&p);
	assert_int_equal(send_text(&p, C, "BT-SEARCH * HTTP/1.0\r\nHost: 239.192.152.143:6771\r\n"),
			 MATCH_NO);
	assert_int_equal(send_text(&p, C, "BROWSE example ......................"), MATCH_NO);
}

/* First messages of other protocols whose first bytes are those of uTP, of a tracker or of bencoding. */
static void test_others(void **state)
{
	(void)state;
	static const struct {
		const char *what, *hex;
	} rows[] = {
		{ "STUN success, RFC 8489",
		  "0101000c2112a442000102030405060708090a0b002000080001a147e112a643" },
		{ "STUN request", "000100002112a442000102030405060708090a0b" },
		{ "RIP version 1, RFC 1058", "010100000000000000000000000000000000000000000010" },
		{ "RADIUS, RFC 2865", "01000014000000000000000000000000000000000000" },
		{ "RTP, RFC 3550", "80004101000000a0deadbeef000000000000000000000000" },
		{ "CoAP, RFC 7252: token of one byte", "41017d3420bb74656d7065726174757265ff30313233343536" },
		{ "DNS, RFC 1035: id 0x0100", "010001000001000000000000076578616d706c65036f72670000010001" },
		{ "DNS: id 0x6431", "643101000001000000000000076578616d706c65036f72670000010001" },
		{ "DTLS, RFC 6347", "16feff000000000000000000360100002a000000000000002afefd" },
		{ "RPC call, RFC 5531", "000000000000000000000002000186a3" },
		{ "QUIC, RFC 9000", "41abcdef0123456789abcdef0123456789abcdef0123" },
		{ "TFTP, RFC 1350", "000164617461006f6374657400" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play p;
		start_udp(&p);
		/* What is long enough to be data of uTP may be looked at once more; it is evidence of
		 * nothing. */
		(void)send_hex(&p, C, rows[i].hex);
		(void)send_hex(&p, S, rows[i].hex);
		(void)send_hex(&p, C, rows[i].hex);
		if (rec.seen_count)
			fail_msg("%s is evidence", rows[i].what);
	}
	struct play p;
	uint8_t initiation[148] = { 1 }, response[92] = { 2 }; /* WireGuard: lengths and types of its paper */
	start_udp(&p);
	assert_int_equal(play_datagram(&p, C, 0.0, initiation, sizeof initiation), MATCH_MAYBE);
	assert_int_equal(play_datagram(&p, S, 0.1, response, sizeof response), MATCH_NO);
	assert_int_equal(rec.seen_count, 0);
}

static enum match one_segment(const struct dissector *d, const char *text, size_t len)
{
	struct play p;
	start(&p, d);
	return play_segment(&p, C, text, len);
}

/* BEP 3, "peer protocol": the connection's stream split anywhere. */
static void test_peer(void **state)
{
	(void)state;
	static const char bytes[68] = HANDSHAKE "mnopqrstuvwxyz123456-XX0100-123456789012";
	for (int dir = C; dir <= S; dir++) {
		for (size_t cut = 1; cut < sizeof bytes; cut++) {
			struct play p;
			start(&p, &dissector_bittorrent_peer);
			assert_int_equal(play_segment(&p, (enum direction)dir, bytes, cut),
					 cut < 20 ? MATCH_MAYBE : MATCH_YES);
			assert_int_equal(
				play_segment(&p, (enum direction)dir, bytes + cut, sizeof bytes - cut),
				cut < 20 ? MATCH_YES : MATCH_NO);
			assert_int_equal(rec.seen_count, 1);
			assert_int_equal(times_seen(BITTORRENT_PEER_HANDSHAKE), 1);
			assert_string_equal(rec.label, "bittorrent-tcp");
		}
	}
	for (size_t i = 0; i < 20; i++) {
		char spoilt[sizeof bytes];
		memcpy(spoilt, bytes, sizeof bytes);
		spoilt[i] ^= 1;
		assert_int_equal(one_segment(&dissector_bittorrent_peer, spoilt, sizeof spoilt), MATCH_NO);
		assert_int_equal(rec.seen_count, 0);
	}
}

/* Frame 4 of bt-http.pcapng (nDPI's test captures), shortened. */
#define HTTP_HASH "%aa7i%c4S%0d%de%06%24%18s%da%d4%3a%b5%cc%ec%2c%e6%22"
#define HTTP_ANNOUNCE                                                                                        \
	"GET /announce?info_hash=" HTTP_HASH                                                                 \
	"&peer_id=-TR2940-chho92c56pul&port=51413&event=started HTTP/1.1\r\n"                                \
	"Host: tracker.example.org\r\n\r\n"

static void test_http(void **state)
{
	(void)state;
	static const char text[] = HTTP_ANNOUNCE;
	size_t end = (size_t)(strstr(text, "&peer_id") - text) + 1;
	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		struct play p;
		start(&p, &dissector_bittorrent_http);
		assert_int_equal(play_segment(&p, C, text, cut), cut < end ? MATCH_MAYBE : MATCH_YES);
		assert_int_equal(play_segment(&p, C, text + cut, sizeof text - 1 - cut),
				 cut < end ? MATCH_YES : MATCH_NO);
		assert_int_equal(rec.seen_count, 1);
		assert_string_equal(rec.label, "bittorrent-http");
	}
	static const char *const good[] = {
		"GET /?info_hash=mnopqrstuvwxyz123456 HTTP/1.0\r\n",
		"GET /scrape?key=1&info_hash=mnopqrstuvwxyz12345%36&info_hash=x HTTP/1.0\r\n",
		"GET /a/b.php?passkey=x%&info_hash=mnopqrstuvwxyz123456\r\n",
	};
	static const char *const bad[] = {
		"GET /announce?info_hash=6d6e6f707172737475767778797a313233343536 HTTP/1.1\r\n", /* 40 digits
												  */
		"GET /announce?info_hash=mnopqrstuvwxyz12345 HTTP/1.1\r\n",
		"GET /announce?info_hash=mnopqrstuvwxyz12345%3g HTTP/1.1\r\n",
		"GET /announce?info_hash=mnopqrstuvwxyz12345%3 HTTP/1.1\r\n",
		"GET /announce?my_info_hash=mnopqrstuvwxyz123456 HTTP/1.1\r\n",
		"GET /announce&info_hash=mnopqrstuvwxyz123456 HTTP/1.1\r\n", /* no query */
		"GET /announce HTTP/1.1\r\nReferer: /?info_hash=mnopqrstuvwxyz123456\r\n",
		"GET /announce?\r\ninfo_hash=mnopqrstuvwxyz123456 ",
		"POST /announce?info_hash=mnopqrstuvwxyz123456 HTTP/1.1\r\n",
		"get /announce?info_hash=mnopqrstuvwxyz123456 HTTP/1.1\r\n",
		"GET http://example.org/\r\n",
	};
	for (size_t i = 0; i < COUNT(good); i++)
		if (one_segment(&dissector_bittorrent_http, good[i], strlen(good[i])) != MATCH_YES)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (one_segment(&dissector_bittorrent_http, bad[i], strlen(bad[i])) != MATCH_NO ||
		    rec.seen_count)
			fail_msg("accepted: %s", bad[i]);
	static const char path[] = "GET /info_hash=mnopqrstuvwxyz123456?a";
	assert_int_equal(one_segment(&dissector_bittorrent_http, path, strlen(path)), MATCH_MAYBE);
	char endless[1500];
	memset(endless, 'a', sizeof endless);
	memcpy(endless, "GET /?", 6);
	assert_int_equal(one_segment(&dissector_bittorrent_http, endless, 600), MATCH_MAYBE);
	assert_int_equal(one_segment(&dissector_bittorrent_http, endless, sizeof endless), MATCH_NO);
}

/* Random payload: nearly all is refused at the first look, at most (5/256) / 256 is not; and no evidence. */
static void test_random(void **state)
{
	(void)state;
	static const uint8_t first[] = { 'd', 0x00, 'B', 0x01, 0x11, 0x21, 0x31, 0x41 };
	uint64_t seed = 6881;
	uint8_t bytes[64];
	struct play p;
	unsigned accepted = 0;
	start_udp(&p);
	for (unsigned i = 0; i < 1000000; i++) {
		random_bytes(&seed, bytes, sizeof bytes);
		memset(p.state, 0, 256);
		accepted += play_datagram(&p, C, 0.0, bytes, 8 + bytes[63] % 50U) != MATCH_NO;
	}
	assert_in_range(accepted, 0, 1000000 * 5 / 65536);
	for (unsigned i = 0; i < 1000000; i++) {
		random_bytes(&seed, bytes, sizeof bytes);
		memset(p.state, 0, 256);
		bytes[0] = first[i % sizeof first];
		(void)play_datagram(&p, C, 0.0, bytes, 8 + bytes[63] % 50U);
	}
	assert_int_equal(rec.seen_count, 0);
}

/* What the comment in bittorrent.c promises about sums; 20 is a verdict, 10 a suspicion. */
static void test_sums(void **state)
{
	(void)state;
	const struct evidence_kind *k = protocol_bittorrent.kinds;
	float query = k[BITTORRENT_DHT_QUERY].cap, answered = k[BITTORRENT_DHT_ANSWERED].cap;
	float many = k[BITTORRENT_MANY_PEERS].cap, fresh = k[BITTORRENT_FRESH].bits;
	float syn = k[BITTORRENT_UTP_SYN].cap, clock = k[BITTORRENT_UTP_CLOCK].cap;
	float connected = k[BITTORRENT_UTP_CONNECTED].bits, tcp = k[BITTORRENT_TCP_AFTER_UDP].cap;
	float connect = k[BITTORRENT_TRACKER_CONNECT].cap, tracker = k[BITTORRENT_TRACKER_ANSWERED].cap;
	assert_true(query + 3 * fresh >= 20.0F && query + 2 * fresh < 20.0F); /* four that differ */
	assert_true(query + answered >= 20.0F);
	assert_true(k[BITTORRENT_DHT_RESPONSE].cap + answered >= 20.0F);
	assert_true(query + many < 20.0F); /* the scanner */
	assert_true(connect + tracker >= 20.0F && connect + many < 20.0F);
	assert_true(tracker + k[BITTORRENT_TRACKER_ANNOUNCE].cap >= 20.0F); /* the tracker itself */
	assert_true(syn + connected + clock >= 20.0F && 2 * connected + clock >= 20.0F);
	assert_true(syn + clock + many < 20.0F && connected + clock < 20.0F);
	assert_true(k[BITTORRENT_UTP_CONNECTED].cap + many + tcp < 20.0F);
	assert_true(syn < 10.0F && clock < 10.0F && connected < 10.0F && many < 10.0F);
	assert_true(k[BITTORRENT_PEER_HANDSHAKE].bits >= 20.0F && k[BITTORRENT_UTP_HANDSHAKE].bits >= 20.0F);
	assert_true(k[BITTORRENT_HTTP_ANNOUNCE].bits >= 20.0F && k[BITTORRENT_LSD].bits >= 20.0F);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dht),         cmocka_unit_test(test_dht_answers),
		cmocka_unit_test(test_dht_fresh),   cmocka_unit_test(test_dht_real),
		cmocka_unit_test(test_dht_refused), cmocka_unit_test(test_dht_cut),
		cmocka_unit_test(test_lsd),         cmocka_unit_test(test_others),
		cmocka_unit_test(test_peer),        cmocka_unit_test(test_http),
		cmocka_unit_test(test_random),      cmocka_unit_test(test_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
