/*
 * Gnutella, eDonkey and FastTrack. Where a comment names a frame, the bytes are those of a real datagram or
 * message: of nDPI's gnutella.pcap and edonkey.pcap, or of SkypeIRC.pcap; the rest is made of the fields that
 * the sources in the dissectors' headers give. Kinds are found by their names, the keys of the database.
 */
#include "dissector_recorder.h"

extern const struct dissector dissector_gnutella_udp, dissector_gnutella_tcp, dissector_edonkey_udp,
	dissector_edonkey_tcp, dissector_fasttrack_udp, dissector_fasttrack_tcp;
extern const struct protocol protocol_gnutella, protocol_edonkey, protocol_fasttrack;

#define MESSAGE_MAX 512U

struct bytes {
	uint8_t at[MESSAGE_MAX];
	size_t len;
};

static uint8_t nibble(char c)
{
	return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* Hexadecimal digits, spaces between them as it reads best; 'text' stands for itself. */
static struct bytes hex(const char *s)
{
	struct bytes b = { .len = 0 };
	bool text = false;
	for (; *s; s++) {
		assert_in_range(b.len, 0, MESSAGE_MAX - 1);
		if (*s == '\'')
			text = !text;
		else if (text)
			b.at[b.len++] = (uint8_t)*s;
		else if (*s != ' ') {
			b.at[b.len++] = (uint8_t)(nibble(s[0]) << 4 | nibble(s[1]));
			s++;
		}
	}
	return b;
}

static unsigned kind_of(const struct protocol *p, const char *name)
{
	for (unsigned i = 0; i < p->kind_count; i++)
		if (strcmp(p->kinds[i].name, name) == 0)
			return i;
	fail_msg("%s has no kind %s", p->name, name);
	return 0;
}

static unsigned seen(const struct play *p, const char *name)
{
	return times_seen(kind_of(p->dissector->protocol, name));
}

static float bits_of(const struct protocol *p, const char *name)
{
	return p->kinds[kind_of(p, name)].cap;
}

/* The client is 10.0.2.15, as in gnutella.pcap; ports are those of the example. */
static void start(struct play *p, const struct dissector *d, uint16_t own, uint16_t theirs)
{
	play_start(p, d, at("10.0.2.15", own), at("113.252.86.162", theirs));
}

static enum match say(struct play *p, enum direction dir, const char *text)
{
	struct bytes b = hex(text);
	return play_datagram(p, dir, 1.0, b.at, b.len);
}

/* gnutella.pcap, frames 673, 674, 774, 781, 356, 2586, 2899. */
#define G_PING                                                                                               \
	"24d5310268fc1981ffbcc6e01fdbbe0300010018000000c30353435041020256434547544b47628644485449505040"
#define G_PONG                                                                                               \
	"24d5310268fc1981ffbcc6e01fdbbe0301010044000000172471fc56a21600000000000004c302555043010b06a3"       \
	"49505069789c011e00e1ffdaa4c61b2aeb24ea12a6dcf1b4da87dec411721b185fa32c01acb8307713ffa90ec2"
#define G_DHT_ASK                                                                                            \
	"f5793102bf2968dbc481d04918f0c563440000260000000147544b470000289d0a8d06deffc8263c33897c2c9179"       \
	"fd84ab61045d2fe235700901010000"
#define G_DHT_ANSWER                                                                                         \
	"f5793102bf2968dbc481d04918f0c5634400002f0000000247544b4700005c60fad684580601d6e9d7edf9525904"       \
	"46ddb78d04689ce248d00a01000000045d2fe23537a0013f"
#define G_DHT_OTHER                                                                                          \
	"f5793102bf2968dbc481d04918f0c563440000 24000000 04 47544b470000"                                    \
	"5c60fad684580601d6e9d7edf952590446ddb78d 04689ce248d00a 0100"
#define G_KEY "474e44103e8f0101540b514b525006524e415d2fe2350970"
#define G_QUERY                                                                                              \
	"5d2fe235310200641ac4f2e94e09700f80010021000000f90070696e6b666c6f796400c302514b445acaf69d0353"       \
	"435040015a4082505240"
#define G_QUERY_ANSWER                                                                                       \
	"5d2fe235310200641ac4f2e94e09700f01010023000000588f5699155d0000000008000000c30344485443000001"       \
	"034755454082555043000000"

static void test_gnutella_ping(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_gnutella_udp, 28681, 9239);
	assert_int_equal(say(&p, TO_RESPONDER, G_PING), MATCH_YES);
	assert_int_equal(seen(&p, "descriptor"), 1);
	assert_int_equal(seen(&p, "extensions"), 1);
	assert_int_equal(rec.seen_count, 2);
	/* 1724 is port 9239, that of the sender. */
	assert_int_equal(say(&p, TO_INITIATOR, G_PONG), MATCH_YES);
	assert_int_equal(seen(&p, "guid_echo"), 1);
	assert_int_equal(seen(&p, "own_port"), 1);
	assert_int_equal(seen(&p, "extensions"), 2);
	/* A second pong to one ping (draft 2.2.4) is no second echo, nor is one to nobody's ping. */
	say(&p, TO_INITIATOR, G_PONG);
	say(&p, TO_RESPONDER, G_PONG);
	assert_int_equal(seen(&p, "guid_echo"), 1);
	assert_null(rec.label);
	assert_int_equal(rec.event_count, 0);
}

#define G_HIT_HEAD "5d2fe235310200641ac4f2e94e09700f 81 01 00"
#define G_HIT                                                                                                \
	"01 7a1a cf26a3e4 5e010000 01000000 e8030000 'a.ogg'0000 'GTKG' 04 3c1c0000"                         \
	"000102030405060708090a0b0c0d0e0f"

static void test_gnutella_dht_and_query(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_gnutella_udp, 28681, 53258);
	assert_int_equal(say(&p, TO_RESPONDER, G_DHT_ASK), MATCH_YES);
	assert_int_equal(seen(&p, "own_port"), 1); /* 7009, big endian */
	assert_int_equal(say(&p, TO_INITIATOR, G_DHT_ANSWER), MATCH_YES);
	assert_int_equal(seen(&p, "own_port"), 2); /* d00a, 53258 */
	assert_int_equal(seen(&p, "guid_echo"), 1);
	/* The same GUID with the opcode that answers another question. */
	start(&p, &dissector_gnutella_udp, 28681, 53258);
	say(&p, TO_RESPONDER, G_DHT_ASK);
	assert_int_equal(say(&p, TO_INITIATOR, G_DHT_OTHER), MATCH_YES);
	assert_int_equal(seen(&p, "guid_echo"), 0);

	start(&p, &dissector_gnutella_udp, 28681, 6778);
	assert_int_equal(say(&p, TO_RESPONDER, G_QUERY), MATCH_YES);
	assert_int_equal(seen(&p, "own_port"), 1); /* 0970 in the GUID */
	assert_int_equal(say(&p, TO_INITIATOR, G_QUERY_ANSWER), MATCH_YES);
	assert_int_equal(seen(&p, "guid_echo"), 1);

	/* A hit, draft 2.2.6: one result, port 6778, address, speed; its record of 15 bytes; 9 of the vendor;
	   GUID: 51 bytes. */
	start(&p, &dissector_gnutella_udp, 28681, 6778);
	say(&p, TO_RESPONDER, G_QUERY);
	assert_int_equal(say(&p, TO_INITIATOR, G_HIT_HEAD "33000000" G_HIT), MATCH_YES);
	assert_int_equal(seen(&p, "own_port"), 2);
	assert_int_equal(seen(&p, "guid_echo"), 1);
	assert_int_equal(say(&p, TO_INITIATOR, G_HIT_HEAD "34000000" G_HIT), MATCH_NO);
}

static void test_gnutella2(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_gnutella_udp, 28681, 6346);
	assert_int_equal(say(&p, TO_RESPONDER, G_KEY), MATCH_YES);
	assert_int_equal(seen(&p, "reliable"), 1);
	assert_int_equal(seen(&p, "g2_packet"), 1);
	assert_int_equal(seen(&p, "own_port"), 1);
	/* The acknowledgement: the same part, count 0. */
	assert_int_equal(say(&p, TO_INITIATOR, "'GND' 00 3e8f 01 00"), MATCH_YES);
	/* Fragments and deflated packets say no more than that they are there. */
	assert_int_equal(say(&p, TO_INITIATOR, "'GND' 03 0001 02 02 789c01"), MATCH_YES);
	assert_int_equal(seen(&p, "reliable"), 3);
	assert_int_equal(seen(&p, "g2_packet"), 1);
	/* A ping has no children and no length: control 08 and its name. */
	assert_int_equal(say(&p, TO_RESPONDER, "'GND' 00 0002 01 01 08'PI'"), MATCH_YES);
	assert_int_equal(seen(&p, "g2_packet"), 2);
	/* A name that is none, a length that does not fit, and a port that is not the sender's. */
	say(&p, TO_RESPONDER, "'GND' 00 0003 01 01 08'PX'");
	say(&p, TO_RESPONDER, "'GND' 00 0004 01 01 4802'PI'00");
	say(&p, TO_RESPONDER, "'GND' 00 0005 01 01 08'PI'00");
	assert_int_equal(seen(&p, "g2_packet"), 2);
	/* A length of two bytes, in both orders. */
	say(&p, TO_RESPONDER, "'GND' 00 0006 01 01 880300'PI'010203");
	say(&p, TO_RESPONDER, "'GND' 00 0007 01 01 8a0003'PI'010203");
	assert_int_equal(seen(&p, "g2_packet"), 4);
	say(&p, TO_RESPONDER, "'GND' 10 3e8f 01 01 540b'QKR'5006'RNA'5d2fe235 0971");
	assert_int_equal(seen(&p, "g2_packet"), 5);
	assert_int_equal(seen(&p, "own_port"), 1);
}

/* edonkey.pcap, frames 4 and 5. */
#define E_HELLO                                                                                              \
	"e37700000001101b42cd5b940ed779c20ab755fe256f977d4967e38a4d08000000020100010f005b43484e5d5b56"       \
	"65727943445d7866030100113c000000020100550a00786c206275696c643631030100ee0ce98914030100f9a24b"       \
	"a24b030100fa14421334030100fb00c00000030100fe940000005511ac22e110"
#define E_HELLO_ANSWER                                                                                       \
	"e37f0000004c3a3544a8310e281d51ed5182f4cf6fd48c71f4cf7f1d080000000201000115005b43484e5d5b5665"       \
	"727943445d796f75726e616d65030100113c000000030100f9891d891d030100fa1b421334030100feb401000003"       \
	"0100fb00c00000020100550d0056657279434420303930333034030100ee0ce98914d43fce239210"
/* Login: hash, id 0, port 4662, three tags of the new style. */
#define E_LOGIN                                                                                              \
	"e3 2a000000 01 000102030405060708090a0b0c0d0e0f 00000000 3612 03000000 9601'nobody' 8911 3c 8801 "  \
	"0102"
#define ID             "000102030405060708090a0b0c0d0e0f"
#define TARGET         "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define CONTACT        ID "01020304 4012 3612 08"
#define K_HELLO        "e411" ID "3612 08 01 09 0100 f2 04"
#define K_HELLO_ANSWER "e419" TARGET "3612 09 00"
#define K_LOOKUP       "e421 0b" TARGET ID
#define K_CONTACTS     "e429" TARGET "02" CONTACT CONTACT

static void test_edonkey_kademlia(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_edonkey_udp, 4672, 5000);
	assert_int_equal(say(&p, TO_RESPONDER, K_HELLO), MATCH_YES);
	assert_int_equal(seen(&p, "udp_header"), 1);
	assert_int_equal(seen(&p, "kad_hello"), 1);
	assert_int_equal(say(&p, TO_INITIATOR, K_HELLO_ANSWER), MATCH_YES);
	assert_int_equal(seen(&p, "answered"), 1);
	assert_int_equal(say(&p, TO_RESPONDER, "e422" ID "00"), MATCH_YES);
	assert_int_equal(seen(&p, "answered"), 2);
	assert_int_equal(say(&p, TO_RESPONDER, K_LOOKUP), MATCH_YES);
	assert_int_equal(seen(&p, "kad_lookup"), 1);
	assert_int_equal(say(&p, TO_INITIATOR, K_CONTACTS), MATCH_YES);
	assert_int_equal(seen(&p, "id_echo"), 1);
	say(&p, TO_INITIATOR, K_CONTACTS); /* nothing is open any more */
	assert_int_equal(seen(&p, "id_echo"), 1);
	assert_int_equal(seen(&p, "answered"), 2);
	assert_null(rec.label);
}

static void test_edonkey_own_address(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_edonkey_udp, 4672, 5000);
	say(&p, TO_INITIATOR, "e461 4012"); /* nobody pinged */
	assert_int_equal(seen(&p, "kad_port"), 0);
	say(&p, TO_RESPONDER, "e460");
	say(&p, TO_INITIATOR, "e461 4112");
	assert_int_equal(seen(&p, "kad_port"), 0);
	say(&p, TO_RESPONDER, "e460");
	say(&p, TO_INITIATOR, "e461 4012");
	assert_int_equal(seen(&p, "kad_port"), 1);
	say(&p, TO_INITIATOR, "e458 044a2fe2"); /* nobody asked */
	assert_int_equal(seen(&p, "reflected_address"), 0);
	say(&p, TO_RESPONDER, "e450 3612");
	say(&p, TO_INITIATOR, "e458 076433c6"); /* 198.51.100.7, last byte first */
	assert_int_equal(last_value(kind_of(&protocol_edonkey, "reflected_address")), 0xc6336407);
}

static void test_edonkey_servers_and_friends(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_edonkey_udp, 4672, 4665);
	assert_int_equal(say(&p, TO_RESPONDER, "e396 3412aa55"), MATCH_YES);
	assert_int_equal(say(&p, TO_INITIATOR, "e397 3512aa55 01000000 02000000"), MATCH_YES);
	assert_int_equal(seen(&p, "id_echo"), 0); /* another challenge */
	assert_int_equal(say(&p, TO_INITIATOR, "e397 3412aa55 01000000 02000000"), MATCH_YES);
	assert_int_equal(seen(&p, "id_echo"), 1);
	say(&p, TO_RESPONDER, "e39a" ID);
	say(&p, TO_INITIATOR, "e39b" ID "01 01020304 3612");
	assert_int_equal(seen(&p, "id_echo"), 2);
	say(&p, TO_RESPONDER, "e3a2");
	say(&p, TO_INITIATOR, "e3a3 0200'ab'0000");
	assert_int_equal(seen(&p, "answered"), 1);
	say(&p, TO_RESPONDER, "c590" ID "0000");
	say(&p, TO_INITIATOR, "c593");
	assert_int_equal(seen(&p, "answered"), 2);
	assert_int_equal(seen(&p, "udp_loose"), 3);  /* 9b, a3 and 90 */
	say(&p, TO_INITIATOR, "e4 08 0100" CONTACT); /* answers 00, which nobody asked */
	say(&p, TO_RESPONDER, "e4 00" CONTACT);
	assert_int_equal(seen(&p, "answered"), 2);
	say(&p, TO_INITIATOR, "e4 08 0100" CONTACT);
	assert_int_equal(seen(&p, "answered"), 3);
	assert_int_equal(say(&p, TO_INITIATOR, "e53b 78da 0102030405"), MATCH_YES);
}

static void test_edonkey_tcp(void **state)
{
	(void)state;
	struct play p;
	struct bytes hello = hex(E_HELLO), answer = hex(E_HELLO_ANSWER), login = hex(E_LOGIN);
	start(&p, &dissector_edonkey_tcp, 1754, 7551);
	assert_int_equal(play_segment(&p, TO_RESPONDER, hello.at, hello.len), MATCH_YES);
	assert_int_equal(seen(&p, "hello"), 1);
	assert_string_equal(rec.label, "edonkey-tcp");
	assert_int_equal(play_segment(&p, TO_INITIATOR, answer.at, answer.len), MATCH_YES);
	assert_int_equal(seen(&p, "hello_answer"), 1);
	start(&p, &dissector_edonkey_tcp, 1754, 4661);
	assert_int_equal(play_segment(&p, TO_RESPONDER, login.at, login.len), MATCH_YES);
	assert_int_equal(seen(&p, "login"), 1);
	assert_string_equal(rec.label, "edonkey-server");
}

/* SkypeIRC.pcap, frames 987, 1006, 1027 and 999. */
#define F_PING  "27 00000029 80 'KaZaA'00"
#define F_PONG  "28 000000a9 00 0f59d94efa 'KaZaA'00"
#define F_FULL  "29 000000a9 02010000 375375a6403ecebdb08f0000"
#define F_HELLO "fa00b62b facb1238 3209d232"

static void test_fasttrack_udp(void **state)
{
	(void)state;
	struct play p;
	start(&p, &dissector_fasttrack_udp, 1214, 2362);
	assert_int_equal(say(&p, TO_RESPONDER, F_PING), MATCH_YES);
	assert_int_equal(seen(&p, "udp_ping"), 1);
	assert_int_equal(say(&p, TO_INITIATOR, F_PONG), MATCH_YES);
	assert_int_equal(seen(&p, "udp_pong"), 1);
	/* A pong that nobody asked for is accepted, and evidence of nothing. */
	start(&p, &dissector_fasttrack_udp, 1214, 2362);
	assert_int_equal(say(&p, TO_INITIATOR, F_PONG), MATCH_YES);
	assert_int_equal(rec.seen_count, 0);
	start(&p, &dissector_fasttrack_udp, 1214, 2362);
	assert_int_equal(say(&p, TO_INITIATOR, F_FULL), MATCH_NO);
	say(&p, TO_RESPONDER, F_PING);
	assert_int_equal(say(&p, TO_INITIATOR, F_FULL), MATCH_YES);
	assert_int_equal(seen(&p, "udp_full"), 1);
	say(&p, TO_INITIATOR, F_FULL);
	assert_int_equal(seen(&p, "udp_full"), 1);
}

/* TCP: what each side says, and what must come of it. */
struct dialogue {
	const struct dissector *dissector;
	const char *first, *second; /* initiator, responder; NULL: silent */
	const char *kind, *label;   /* NULL: no label */
};

#define CRLF "0d0a"
static const struct dialogue dialogues[] = {
	{ &dissector_gnutella_tcp, "'GNUTELLA CONNECT/0.6'" CRLF "'User-Agent: x'" CRLF CRLF,
	  "'GNUTELLA/0.6 200 OK'" CRLF CRLF, "handshake", "gnutella-tcp" },
	{ &dissector_gnutella_tcp, "'GNUTELLA CONNECT/0.4'0a0a", "'GNUTELLA OK'0a0a", "handshake",
	  "gnutella-tcp" },
	/* The example of HUGE 0.94 section 1. */
	{ &dissector_gnutella_tcp,
	  "'GET /uri-res/N2R?urn:sha1:PLSTHIPQGSSZTS5FJUPAKUZWUGYQYPFB HTTP/1.0'" CRLF,
	  "'HTTP/1.1 200 OK'" CRLF, "transfer", "gnutella-http" },
	{ &dissector_gnutella_tcp, "'GET /gnutella/thex/v1?urn:tree:tiger/'", NULL, "transfer",
	  "gnutella-http" },
	/* The form of the draft, section 4.2. */
	{ &dissector_gnutella_tcp, "'GIV 36:809BC12168A1852CFF5D7A785833F600/Foo.txt'0a0a", NULL, "transfer",
	  "gnutella-http" },
	{ &dissector_edonkey_tcp, E_HELLO, E_HELLO_ANSWER, "hello_answer", "edonkey-tcp" },
	{ &dissector_edonkey_tcp, E_LOGIN, "e3 05000000 40 01000000", "login", "edonkey-server" },
	{ &dissector_fasttrack_tcp, F_HELLO, "7d9550ba5211a0c5a2d04472142e", "hello", "fasttrack-tcp" },
	{ &dissector_fasttrack_tcp,
	  "'GET /.hash=9c1e0c03f1a38ba838feaf4b8ac0d560b43bc148 HTTP/1.1'" CRLF CRLF,
	  "'HTTP/1.0 503 Service Unavailable'" CRLF "'X-Kazaa-Username: johnl'" CRLF CRLF, "header",
	  "fasttrack-http" },
	{ &dissector_fasttrack_tcp, "'GIVE 2314567890'" CRLF,
	  "'GET /.hash=9c1e0c03f1a38ba838feaf4b8ac0d560b43bc148 HTTP/1.1'" CRLF CRLF, "request",
	  "fasttrack-http" },
	{ &dissector_fasttrack_tcp, "'GIVE 2314567890'" CRLF, NULL, "push", NULL },
	{ &dissector_fasttrack_tcp,
	  "'GET /2317/a.mp3 HTTP/1.1'" CRLF "'Host: x'" CRLF "'X-Kazaa-Network: KaZaA'" CRLF, NULL, "header",
	  "fasttrack-http" },
};

static void play_side(struct play *p, enum direction dir, const char *text, size_t split)
{
	if (!text)
		return;
	struct bytes b = hex(text);
	size_t front = split < b.len ? split : b.len;
	if (front)
		play_segment(p, dir, b.at, front);
	if (front < b.len)
		play_segment(p, dir, b.at + front, b.len - front);
}

/* Each dialogue whole, and with both sides cut in two at every position: the same observations and label. */
static void test_tcp_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
		const struct dialogue *d = &dialogues[i];
		struct recorded whole[RECORDED_MAX];
		unsigned count = 0;
		for (size_t split = 0; split < MESSAGE_MAX; split++) {
			struct play p;
			start(&p, d->dissector, 50000, 6346);
			play_side(&p, TO_RESPONDER, d->first, split);
			play_side(&p, TO_INITIATOR, d->second, split);
			if (split == 0) {
				count = rec.seen_count;
				memcpy(whole, rec.seen, sizeof whole);
			}
			if (seen(&p, d->kind) == 0)
				fail_msg("dialogue %zu, split %zu: no %s", i, split, d->kind);
			assert_int_equal(rec.seen_count, count);
			assert_memory_equal(rec.seen, whole, count * sizeof whole[0]);
			if (!d->label)
				assert_null(rec.label);
			else
				assert_string_equal(rec.label, d->label);
		}
	}
}

struct example {
	const struct dissector *dissector;
	const char *text;
};

static const struct example datagrams[] = {
	{ &dissector_gnutella_udp, G_PING },
	{ &dissector_gnutella_udp, G_PONG },
	{ &dissector_gnutella_udp, G_DHT_ASK },
	{ &dissector_gnutella_udp, G_DHT_ANSWER },
	{ &dissector_gnutella_udp, G_QUERY },
	{ &dissector_gnutella_udp, G_KEY },
	{ &dissector_gnutella_udp, "'GND' 00 3e8f 01 00" },
	{ &dissector_edonkey_udp, K_HELLO },
	{ &dissector_edonkey_udp, K_HELLO_ANSWER },
	{ &dissector_edonkey_udp, K_LOOKUP },
	{ &dissector_edonkey_udp, K_CONTACTS },
	{ &dissector_edonkey_udp, "e397 3412aa55 01000000 02000000" },
	{ &dissector_edonkey_udp, "e460" },
	{ &dissector_edonkey_udp, "e53b 78da 0102030405" },
	{ &dissector_fasttrack_udp, F_PING },
	{ &dissector_fasttrack_udp, F_PONG },
};

/*
 * Cut by the snap length: never a no, and nothing but what the whole says. Cut on the wire: a shorter
 * datagram; what it is called does not matter, but nothing is read behind its end.
 */
static void test_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof datagrams / sizeof datagrams[0]; i++) {
		struct bytes b = hex(datagrams[i].text);
		struct play p;
		start(&p, datagrams[i].dissector, 28681, 9239);
		assert_int_equal(play_datagram(&p, TO_RESPONDER, 0.0, b.at, b.len), MATCH_YES);
		unsigned all = rec.seen_count;
		for (size_t n = 0; n < b.len; n++) {
			start(&p, datagrams[i].dissector, 28681, 9239);
			if (play_cut(&p, TO_RESPONDER, 0.0, b.at, n, b.len) == MATCH_NO)
				fail_msg("datagram %zu, %zu bytes captured: refused", i, n);
			assert_in_range(rec.seen_count, 0, all);
			start(&p, datagrams[i].dissector, 28681, 9239);
			play_datagram(&p, TO_RESPONDER, 0.0, b.at, n);
			assert_in_range(rec.seen_count, 0, all);
		}
	}
	for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
		struct bytes b = hex(dialogues[i].first);
		for (size_t n = 0; n <= b.len; n++) {
			struct play p;
			start(&p, dialogues[i].dissector, 50000, 6346);
			if (play_segment(&p, TO_RESPONDER, b.at, n) == MATCH_NO)
				fail_msg("dialogue %zu: refused after %zu bytes", i, n);
		}
	}
}

/* What must be refused at once, over UDP: one step beside each rule, and what other protocols send. */
static const struct example refused[] = {
	/* 23 zeros: a ping that is not marked as modern */
	{ &dissector_gnutella_udp, "0000000000000000 0000000000000000 00 01 00 00000000" },
	{ &dissector_gnutella_udp, "0001020304050607 ff09000000000000 00 01 00 01000000" }, /* length */
	{ &dissector_gnutella_udp, "0001020304050607 ff09000000000000 00 10 00 00000000" }, /* TTL */
	{ &dissector_gnutella_udp,
	  "0001020304050607 ff09000000000000 02 01 00 00000000" }, /* BYE: TCP only */
	{ &dissector_gnutella_udp, "0001020304050607 ff09000000000000 00 01 00 02000000 c203" }, /* no GGEP */
	{ &dissector_gnutella_udp, "0001020304050607 ff09000000000000 31 01 00 08000000 'gtkg'09000100" },
	{ &dissector_gnutella_udp, "'GND' 04 0001 01 01 00" }, /* a reserved flag */
	{ &dissector_gnutella_udp, "'GND' 00 0001 02 01 00" }, /* part 2 of 1 */
	{ &dissector_gnutella_udp, "'GND' 00 0001 00 01 00" }, /* part 0 */
	{ &dissector_gnutella_udp, "'GND' 00 0001 01 00 00" }, /* an acknowledgement of nine bytes */
	{ &dissector_gnutella_udp, "'GND' 00 0001 01 01" },    /* a fragment of none */
	{ &dissector_gnutella_udp, "'M-SEARCH * HTTP/1.1'0d0a" },
	{ &dissector_gnutella_udp, "0001 2112a442 000102030405060708090a0b" },
	{ &dissector_edonkey_udp, "e421 07" TARGET ID },                  /* 7 contacts */
	{ &dissector_edonkey_udp, "e421 0b" TARGET ID "00" },             /* a byte too much */
	{ &dissector_edonkey_udp, "e411" ID "3612 00 00" },               /* version 0 */
	{ &dissector_edonkey_udp, "e411" ID "0000 08 00" },               /* port 0 */
	{ &dissector_edonkey_udp, "e411" ID "3612 08 01" },               /* a tag is missing */
	{ &dissector_edonkey_udp, "e411" ID "3612 08 01 77 0100 f2 04" }, /* a tag of no type */
	{ &dissector_edonkey_udp, "e411" ID "3612 08 00 00" },            /* behind the tags */
	{ &dissector_edonkey_udp, "e429" TARGET "02" CONTACT "00" },
	{ &dissector_edonkey_udp, "e460 00" },
	{ &dissector_edonkey_udp, "e463" },
	{ &dissector_edonkey_udp, "e396 0000" },
	{ &dissector_edonkey_udp, "c596" },
	{ &dissector_edonkey_udp, "e53b 78db 0102030405" }, /* RFC 1950: no multiple of 31 */
	{ &dissector_edonkey_udp, "e5ff 78da 0102030405" },
	/* QUIC, RFC 9000 section 17.2: long headers of version 1 */
	{ &dissector_edonkey_udp, "e4 00000001 08 0001020304050607 00" },
	{ &dissector_edonkey_udp, "c5 00000001 08 0001020304050607 00" },
	{ &dissector_fasttrack_udp, "27 00000029 80 'KaZaB'00" },
	{ &dissector_fasttrack_udp, "27 00000029 00 'KaZaA'00" },
	{ &dissector_fasttrack_udp, "27 00000029 80 'KaZaA'" },
	{ &dissector_fasttrack_udp, "27 00000029 80 'KaZaA'0000" },
	{ &dissector_fasttrack_udp, "28 000000a9 01 0f59d94efa 'KaZaA'00" },
	{ &dissector_fasttrack_udp, "26 00000029 80 'KaZaA'00" },
};

static void test_refused(void **state)
{
	(void)state;
	struct play p;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		start(&p, refused[i].dissector, 42000, 43000);
		if (say(&p, TO_RESPONDER, refused[i].text) != MATCH_NO)
			fail_msg("%zu: %s was not refused", i, refused[i].text);
		assert_int_equal(rec.seen_count, 0);
	}
	static const struct dissector *const all[] = { &dissector_gnutella_udp, &dissector_edonkey_udp,
						       &dissector_fasttrack_udp };
	for (size_t i = 0; i < 3; i++) {
		start(&p, all[i], 42000, 43000);
		assert_int_equal(say(&p, TO_RESPONDER, ""), MATCH_NO);
	}
}

/* The same over TCP: the last byte decides. */
static const struct example refused_streams[] = {
	{ &dissector_gnutella_tcp, "'GNUTELLAX'" },
	{ &dissector_gnutella_tcp, "'GET /uri-res/N2R?urn:isbn:0'" },
	{ &dissector_gnutella_tcp, "'GET /uri-res/N2R?urn:sha1:PLSTHIPQ1'" },
	{ &dissector_gnutella_tcp, "'GET /index.html'" },
	{ &dissector_gnutella_tcp, "'GIV x'" },
	{ &dissector_gnutella_tcp, "'GIV 36:809BC12168A1852CFF5D7A785833F600 '" },
	{ &dissector_gnutella_tcp, "16" },
	{ &dissector_edonkey_tcp, "e3 77000000 02" },
	{ &dissector_edonkey_tcp, "e3 77000001 01" },
	{ &dissector_edonkey_tcp, "e3 05000000 01" },
	{ &dissector_edonkey_tcp, "c5" },
	/* 33 tags; a hash of 15 bytes; a hello whose tail is too short; a login with a byte behind its tags
	 */
	{ &dissector_edonkey_tcp, "e3 1c000000 01 10" ID "00000000 3612 21000000" },
	{ &dissector_edonkey_tcp, "e3 22000000 01 0f" ID "00000000 3612 00000000 000000000000" },
	{ &dissector_edonkey_tcp, "e3 21000000 01 10" ID "00000000 3612 00000000 0000000000" },
	{ &dissector_edonkey_tcp, "e3 1c000000 01" ID "00000000 3612 00000000 00" },
	{ &dissector_fasttrack_tcp, "fa00b62c" },
	{ &dissector_fasttrack_tcp, "'GET /.hash=9c1e0c03x'" },
	{ &dissector_fasttrack_tcp, "'GET /a'" },
	{ &dissector_fasttrack_tcp, "'GET /1 HTTP/1.1'" CRLF "'Host: x'" CRLF CRLF },
	{ &dissector_fasttrack_tcp, "'GIVE 1234567'" CRLF },
	{ &dissector_fasttrack_tcp, "'GIVE 12345678901'" },
	{ &dissector_fasttrack_tcp, "'HTTP/1.1 200 OK'" },
};

static void test_refused_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused_streams / sizeof refused_streams[0]; i++) {
		struct bytes b = hex(refused_streams[i].text);
		struct play p;
		start(&p, refused_streams[i].dissector, 50000, 80);
		if (play_segment(&p, TO_RESPONDER, b.at, b.len) != MATCH_NO)
			fail_msg("%zu: %s was not refused", i, refused_streams[i].text);
		assert_int_equal(rec.seen_count, 0);
		assert_null(rec.label);
	}
}

/* Random payload: no kind comes more often than its bits promise, with 50 % to spare for few of them. */
#define RANDOM_DATAGRAMS (1U << 19)
static void random_rates(const struct dissector *d)
{
	uint64_t seed = 20250131;
	unsigned count[EVIDENCE_KINDS_MAX] = { 0 };
	struct play p;
	for (unsigned i = 0; i < RANDOM_DATAGRAMS; i++) {
		uint8_t payload[64];
		size_t len = 1 + random_byte(&seed) % sizeof payload;
		random_bytes(&seed, payload, len);
		start(&p, d, 42000, 43000);
		play_datagram(&p, TO_RESPONDER, 0.0, payload, len);
		for (unsigned k = 0; k < rec.seen_count; k++)
			count[rec.seen[k].kind]++;
	}
	for (unsigned k = 0; k < d->protocol->kind_count; k++) {
		double promised = RANDOM_DATAGRAMS;
		for (float bits = d->protocol->kinds[k].bits; bits > 0; bits--)
			promised /= 2;
		if (count[k] > promised * 1.5)
			fail_msg("%s: %u of %u", d->protocol->kinds[k].name, count[k], RANDOM_DATAGRAMS);
	}
}

static void test_random(void **state)
{
	(void)state;
	random_rates(&dissector_gnutella_udp);
	random_rates(&dissector_edonkey_udp);
	random_rates(&dissector_fasttrack_udp);
}

/* What the comments of the tables promise about sums; 20 is a verdict, 10 a suspicion. */
static void test_sums(void **state)
{
	(void)state;
	const struct protocol *g = &protocol_gnutella, *e = &protocol_edonkey, *f = &protocol_fasttrack;
	float echo = g->kinds[kind_of(g, "guid_echo")].bits;
	assert_true(bits_of(g, "descriptor") + echo + bits_of(g, "own_port") >= 20.0F);
	assert_true(bits_of(g, "descriptor") + bits_of(g, "extensions") + bits_of(g, "many_peers") >= 20.0F);
	assert_true(bits_of(g, "reliable") + bits_of(g, "g2_packet") + bits_of(g, "own_port") >= 20.0F);
	assert_true(bits_of(g, "descriptor") + bits_of(g, "own_port") + bits_of(g, "many_peers") < 20.0F);
	float id = e->kinds[kind_of(e, "id_echo")].bits, header = bits_of(e, "udp_header");
	float hello = bits_of(e, "kad_hello"), lookup = bits_of(e, "kad_lookup");
	assert_true(header + hello + lookup + bits_of(e, "many_peers") >= 20.0F);
	assert_true(header + lookup + id < 20.0F && header + lookup + 2 * id >= 20.0F);
	assert_true(header + hello + bits_of(e, "answered") + bits_of(e, "kad_port") >= 20.0F);
	assert_true(header + 2 * id + bits_of(e, "answered") >= 20.0F);
	assert_true(bits_of(f, "udp_ping") < 20.0F &&
		    bits_of(f, "udp_ping") + bits_of(f, "many_peers") >= 20.0F);
	assert_true(bits_of(f, "push") < 20.0F && bits_of(f, "request") >= 20.0F);
	assert_true(bits_of(f, "header") >= 20.0F && bits_of(f, "hello") >= 20.0F);
	assert_true(bits_of(e, "hello") >= 20.0F && bits_of(e, "login") >= 20.0F);
	assert_true(bits_of(e, "hello_answer") >= 20.0F && bits_of(g, "handshake") >= 20.0F);
	assert_true(bits_of(g, "transfer") >= 20.0F);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gnutella_ping),
		cmocka_unit_test(test_gnutella_dht_and_query),
		cmocka_unit_test(test_gnutella2),
		cmocka_unit_test(test_edonkey_kademlia),
		cmocka_unit_test(test_edonkey_own_address),
		cmocka_unit_test(test_edonkey_servers_and_friends),
		cmocka_unit_test(test_edonkey_tcp),
		cmocka_unit_test(test_fasttrack_udp),
		cmocka_unit_test(test_tcp_splits),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_streams),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
