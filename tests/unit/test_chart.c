/* Message-sequence charts: lanes, what becomes an arrow, the text, the drawing, and names from strangers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "views/chart.h"
#include "views/escape.h"
#include "views_build.h"
#include <stdlib.h>
#include <string.h>

#define T0 INT64_C(1156534326000000000) /* 2006-08-25T19:32:06Z */

/* --- charts made of events --- */

static void chart_begin(struct chart *c)
{
	*c = (struct chart){ .scene = { .kind = CHART_KIND_login,
					.number = 1,
					.first_ns = T0,
					.last_ns = T0 + 60 * NS_PER_S,
					.home_ip = "10.0.0.1",
					.home_port = 4000,
					.detail = "skype, success" } };
	c->words = intern_new();
	assert_non_null(c->words);
}

/* A message, at so many ms: ">" sent by the client, "<" received. */
static struct chart_event *say(struct chart *c, double ms, const char *peer, char way, uint64_t bytes)
{
	struct error err;
	int64_t ns = T0 + (int64_t)(ms * 1e6);
	uint32_t known = c->parties;
	const struct chart_event e = { .ns = ns,
				       .until_ns = ns,
				       .flow = 1,
				       .party = chart_party_of(c, peer),
				       .kind = EVENT_MESSAGE,
				       .sent = way == '>',
				       .messages = 1,
				       .bytes = bytes };

	assert_int_not_equal(e.party, UINT32_MAX);
	if (c->parties > known)
		c->party[e.party].is_first = way == '<';
	assert_true(chart_event_add(c, &e, &err));
	return &c->event[c->events - 1];
}

static void part_set(struct chart *c, const char *peer, enum party_part part)
{
	uint32_t party = chart_party_of(c, peer);

	c->party[party].part = part;
	c->party[party].by_role = true;
}

static void arrange(struct chart *c, uint32_t most)
{
	struct error err;

	assert_true(chart_arrange(c, most, &err));
}

/* "supernode 1, silent 2" */
static void expect_lanes(const struct chart *c, const char *expected)
{
	char text[300] = "";

	for (uint32_t i = 1; i < c->lanes; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %u", i > 1 ? ", " : "",
			 party_part_names[c->lane[i].part], c->lane[i].parties);
	assert_int_equal(c->lane[0].part, PARTY_client);
	assert_string_equal(text, expected);
}

/* Each row: ">" or "<", messages "x" bytes, "/" sockets. */
static void expect_rows(const struct chart *c, const char *expected)
{
	char text[600] = "";

	for (uint32_t i = 0; i < c->rows; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c%llux%llu/%u", i ? " " : "",
			 c->row[i].sent ? '>' : '<', (unsigned long long)c->row[i].messages,
			 (unsigned long long)c->row[i].bytes, c->row[i].parties);
	assert_string_equal(text, expected);
}

static void sockets_that_behave_alike(void **state)
{
	(void)state;
	struct chart c;
	chart_begin(&c);
	say(&c, 0, "1.1.1.1:1", '>', 18);
	say(&c, 1, "2.2.2.2:2", '>', 18);
	say(&c, 2, "3.3.3.3:3", '>', 18);
	say(&c, 3, "4.4.4.4:4", '<', 21);
	say(&c, 4, "4.4.4.4:4", '>', 11);
	say(&c, 5, "3.3.3.3:3", '<', 51);
	say(&c, 6, "5.5.5.5:5", '>', 14);
	/* A socket of a flow of the scene without a message in it has no lane. */
	(void)chart_party_of(&c, "6.6.6.6:6");
	part_set(&c, "5.5.5.5:5", PARTY_supernode);
	/* Over TCP: a role of its own, unless it called. */
	say(&c, 7, "7.7.7.7:7", '<', 14)->transport = TRANSPORT_TCP;
	part_set(&c, "7.7.7.7:7", PARTY_node);
	say(&c, 8, "8.8.8.8:8", '>', 14)->transport = TRANSPORT_TCP;
	part_set(&c, "8.8.8.8:8", PARTY_node);
	arrange(&c, 100);
	expect_lanes(&c, "supernode 1, answering 1, silent 2, calling 2, node 1");
	chart_free(&c);
}

/* Two nodes are asked in a burst and answer; the supernode gets two messages. */
static void bursts(struct chart *c)
{
	chart_begin(c);
	say(c, 0, "1.1.1.1:1", '>', 18);
	say(c, 1000, "2.2.2.2:2", '>', 18); /* 1 s: the same burst */
	say(c, 1100, "9.9.9.9:9", '>', 14); /* of another lane: does not part it */
	say(c, 1200, "1.1.1.1:1", '>', 18);
	say(c, 1300, "1.1.1.1:1", '>', 20); /* another size */
	say(c, 1400, "2.2.2.2:2", '<', 51);
	say(c, 1500, "2.2.2.2:2", '<', 51);
	say(c, 1600, "1.1.1.1:1", '<', 11);
	say(c, 1700, "1.1.1.1:1", '>', 18);
	say(c, 2700.001, "1.1.1.1:1", '>', 18); /* more than 1 s later */
	say(c, 3000, "9.9.9.9:9", '<', 73);
	say(c, 7700.002, "1.1.1.1:1", '<', 11); /* more than 5 s after the last of its lane */
	say(c, 7800, "2.2.2.2:2", '>', 18);
	part_set(c, "9.9.9.9:9", PARTY_supernode);
}

static void puts_messages_together(void **state)
{
	(void)state;
	static const struct {
		uint32_t most;
		enum chart_level level;
		const char *rows;
	} cases[] = {
		{ 0, LEVEL_EACH,
		  ">1x18/1 >1x18/1 >1x14/1 >1x18/1 >1x20/1 <1x51/1 <1x51/1 <1x11/1 >1x18/1 >1x18/1 <1x73/1 "
		  "<1x11/1"
		  " >1x18/1" },
		{ 10, LEVEL_SAME,
		  ">3x54/2 >1x14/1 >1x20/1 <2x102/1 <1x11/1 >1x18/1 >1x18/1 <1x73/1 <1x11/1 >1x18/1" },
		{ 9, LEVEL_DIRECTION, ">4x74/2 >1x14/1 <3x113/2 >1x18/1 >1x18/1 <1x73/1 <1x11/1 >1x18/1" },
		{ 8, LEVEL_DIRECTION, ">4x74/2 >1x14/1 <3x113/2 >1x18/1 >1x18/1 <1x73/1 <1x11/1 >1x18/1" },
		{ 7, LEVEL_EXCHANGE, ">6x110/2 >1x14/1 <3x113/2 <1x73/1 <1x11/1 >1x18/1" },
		{ 5, LEVEL_SCENE, ">7x128/2 >1x14/1 <4x124/2 <1x73/1" },
		{ 1, LEVEL_SCENE, ">7x128/2 >1x14/1 <4x124/2 <1x73/1" },
	};
	struct chart c;
	bursts(&c);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		arrange(&c, cases[i].most);
		assert_int_equal(c.level, cases[i].level);
		expect_rows(&c, cases[i].rows);
		assert_int_equal(c.messages, 13);
	}
	chart_free(&c);
}

/* What is known of the messages of a row, and its label. */
static void labels(void **state)
{
	(void)state;
	struct chart c;
	char text[CHART_LINE];
	static const char *const expected[] = { "UDP 3 x 18 B, 1.2 s",
						"UDP 14 B",
						"UDP 20 B",
						"UDP 2 x 51 B",
						"UDP 11 B",
						"UDP 18 B",
						"UDP 18 B",
						"UDP 73 B",
						"UDP 11 B",
						"UDP 18 B" };
	bursts(&c);
	arrange(&c, 10);
	for (uint32_t i = 0; i < c.rows; i++) {
		row_label(&c.row[i], "x", text);
		assert_string_equal(text, expected[i]);
	}
	arrange(&c, 8);
	row_label(&c.row[0], "x", text);
	assert_string_equal(text, "UDP 74 B (4), 1.3 s");
	struct chart_row row = {
		.transport = TRANSPORT_TCP, .kind = EVENT_OPEN, .messages = 1, .what = "SYN"
	};
	row_label(&row, "x", text);
	assert_string_equal(text, "TCP SYN");
	row.messages = 4;
	row_label(&row, "x", text);
	assert_string_equal(text, "TCP 4 x SYN");
	row = (struct chart_row){ .transport = TRANSPORT_TCP, .messages = 1, .bytes = 5, .what = "hello" };
	row_label(&row, "x", text);
	assert_string_equal(text, "TCP 5 B hello");
	row = (struct chart_row){ .more = true };
	row_label(&row, "x", text);
	assert_string_equal(text, "UDP messages");
	row = (struct chart_row){ .more = true, .messages = 2, .bytes = 10, .each = 5 };
	row_label(&row, "x", text);
	assert_string_equal(text, "UDP 10 B (2+)");
	chart_free(&c);
}

/* --- text --- */

static char *text_of(const struct chart *c, bool utf8, unsigned width)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	chart_put_text(c, utf8, width, f);
	fclose(f);
	return text;
}

static void small(struct chart *c)
{
	chart_begin(c);
	say(c, 0, "1.1.1.1:1", '>', 18);
	say(c, 5, "2.2.2.2:2", '>', 18);
	say(c, 150, "9.9.9.9:9", '<', 18);
	struct chart_event *e = say(c, 150.4, "9.9.9.9:9", '>', 0);
	e->kind = EVENT_OPEN;
	e->transport = TRANSPORT_TCP;
	e->what = "SYN";
	say(c, 12345, "8.8.8.8:8", '>', 451)->transport = TRANSPORT_TCP;
	e = say(c, 60000, "8.8.8.8:8", '>', 0);
	e->kind = EVENT_CLOSE;
	e->transport = TRANSPORT_TCP;
	e->what = "FIN";
	part_set(c, "9.9.9.9:9", PARTY_supernode);
	part_set(c, "8.8.8.8:8", PARTY_login);
	arrange(c, 100);
}

static void draws_text(void **state)
{
	(void)state;
	struct chart c;
	small(&c);
	char *text = text_of(&c, false, 80);
	assert_string_equal(text, "Login 1 of 10.0.0.1:4000: skype, success\n"
				  "from 2006-08-25T19:32:06.000000Z, 1 min, 4 messages\n"
				  "\n"
				  "  A  client          10.0.0.1:4000\n"
				  "  B  supernode       9.9.9.9:9\n"
				  "  C  2 silent nodes  1.1.1.1:1, 2.2.2.2:2\n"
				  "  D  login server    8.8.8.8:8\n"
				  "\n"
				  "                                      2\n"
				  "                         super-       silent       login\n"
				  "            client       node         nodes        server\n"
				  "   seconds  A            B            C            D\n"
				  "     0.000  |============+===========>|            |  UDP 2 x 18 B\n"
				  "     0.150  |<-----------|            |            |  UDP 18 B\n"
				  "     0.150  |...........>|            |            |  TCP SYN\n"
				  "    12.345  |------------+------------+----------->|  TCP 451 B\n"
				  "    60.000  |............+............+............|  TCP FIN\n"
				  "\n"
				  "Messages of one size within 1 s of each other are one arrow.\n");
	free(text);
	text = text_of(&c, true, 80);
	assert_non_null(strstr(text, "     0.000  ╞════════════╪═══════════►│            │  UDP 2 × 18 B\n"
				     "     0.150  │◄───────────┤            │            │  UDP 18 B\n"
				     "     0.150  ├┄┄┄┄┄┄┄┄┄┄┄►│            │            │  TCP SYN\n"
				     "    12.345  ├────────────┼────────────┼───────────►│  TCP 451 B\n"
				     "    60.000  ├┄┄┄┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┄┄┄┤  TCP FIN\n"));
	free(text);
	chart_free(&c);
}

/* Every part that there is, IPv6, the largest numbers: 80 columns, or as little as the lanes need. */
static void keeps_to_the_width(void **state)
{
	(void)state;
	for (unsigned parts = 1; parts < PARTY_PART_COUNT; parts++) {
		struct chart c;
		chart_begin(&c);
		snprintf(c.scene.home_ip, sizeof c.scene.home_ip, "2001:db8:1111:2222:3333:4444:5555:6666");
		memset(c.scene.detail, 'd', sizeof c.scene.detail - 1);
		for (unsigned part = 1; part <= parts; part++)
			for (unsigned i = 0; i < 120; i++) {
				char socket[CHART_SOCKET_TEXT];
				snprintf(socket, sizeof socket,
					 "[2001:db8:1111:2222:3333:4444:5555:%x%02x]:65535", part, i);
				struct chart_event *e =
					say(&c, part * 999, socket, i % 2 ? '>' : '<', 999999999);
				e->messages = 999999;
				e->what = "an answer that has a meaning of many words";
				part_set(&c, socket, (enum party_part)part);
			}
		arrange(&c, parts % 2 ? 100 : 20);
		for (int utf8 = 0; utf8 < 2; utf8++) {
			char *text = text_of(&c, utf8, 80), *rest = text, *line;
			while ((line = strsep(&rest, "\n"))) {
				size_t width = utf8_width(line);
				/* 12 for the time, 7 for each lane, 12 for the label. */
				size_t most = 12 + 7 * parts + 12 > 80 ? 12 + 7 * parts + 12 : 80;
				if (width > most)
					fail_msg("%zu columns with %u parts: %s", width, parts, line);
				if (width && line[width - 1] == ' ' && !utf8)
					fail_msg("blank at the end: '%s'", line);
			}
			free(text);
		}
		chart_free(&c);
	}
}

/* --- names from strangers --- */

static char *svg_of(const struct chart *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	chart_put_svg(c, f);
	fclose(f);
	return text;
}

static void escapes_names(void **state)
{
	(void)state;
	struct chart c;
	chart_begin(&c);
	snprintf(c.scene.home_ip, sizeof c.scene.home_ip, "<b>");
	struct chart_event *e = say(&c, 0, "9.9.9.9:9", '>', 18);
	e->what = "\x1b[31m<i>&\"\xff";
	c.party[0].name = "evil.\x1b[2J<script>&\".example";
	part_set(&c, "9.9.9.9:9", PARTY_login);
	arrange(&c, 9);
	char *text = text_of(&c, true, 200), *svg = svg_of(&c), *json = NULL;
	size_t size;
	FILE *f = open_memstream(&json, &size);
	chart_put_json(&c, f);
	fclose(f);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "9.9.9.9:9 (evil.\\x1b[2J<script>&\".example)"));
	assert_null(strchr(svg, '\x1b'));
	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "<b>"));
	assert_null(strstr(svg, "<i>"));
	assert_non_null(strstr(svg, "evil.\\x1b[2J&lt;script&gt;&amp;&quot;.example"));
	assert_string_equal(json,
			    "{\"scene\":\"login\",\"number\":1,\"seconds\":0.000000,"
			    "\"ts_ns\":1156534326000000000,\"until_ns\":1156534326000000000,"
			    "\"from\":\"client\",\"to\":\"login\",\"kind\":\"message\",\"transport\":\"udp\","
			    "\"messages\":1,\"more\":false,\"bytes\":18,\"peers\":1,\"peer\":\"9.9.9.9:9\","
			    "\"flow\":1,\"what\":\"\\u001b[31m<i>&\\\"\xef\xbf\xbd\"}\n");
	free(text);
	free(svg);
	free(json);
	chart_free(&c);
}

/* --- from a database --- */

/* Times are ns from 0. The client 10.0.0.1:4000; one login from 1 s to 11 s, and a call. */
#define RUN                                                                                                  \
	"INSERT INTO runs VALUES(1,'','','',200000000000,0,60000000000,9,1,'');"                             \
	"INSERT INTO clients(run,client,protocol,verdict,ip,port,internal,bits,first_packet,peers,flows,"    \
	"packets_out,packets_in,payload_out,payload_in,media_out,media_in,tcp_out,tcp_in,"                   \
	"callers,callers_answered,role) VALUES(1,1,'skype','skype','10.0.0.1',4000,1,30,1,0,0,0,0,0,0,0,0,"  \
	"0,0,0,0,'client');"                                                                                 \
	"INSERT INTO scenes VALUES(1,'login',1,1,1000000000,11000000000),(1,'login',2,1,0,1),"               \
	"(1,'call',1,1,20000000000,30000000000);"
/* flow, proto, from, to, first, last, payload, messages, reply, ended, flags, role */
#define FLOW(n, proto, cip, cport, sip, sport, first, last, pout, pin, mout, min, reply, ended, flags, role) \
	"INSERT INTO flows VALUES(1," #n ",'" proto "','" cip "'," #cport ",'" sip "'," #sport "," #first    \
	"," #last "," #n ",9,9,0,0," #pout "," #pin ",0,0,0," #reply "," #mout "," #min ",0,0,0,0,'" ended   \
	"'," #flags ",0,NULL,'skype-udp','skype','socket',30,1,NULL," role ",NULL,0);"                       \
	"INSERT INTO scene_flows VALUES(1,'login',1," #n ");"

static void load(struct chart *c, sqlite3 *db, enum chart_kind kind, int64_t number)
{
	struct view v = { .db = db, .path = "x.db", .run = 1 };
	struct error err;

	*c = (struct chart){ 0 };
	assert_true(view_open(&v, db, "x.db", 1, &err));
	if (!chart_scene(&v, kind, number, &c->scene, &err) || !chart_load(c, &v, &err))
		fail_msg("%s", err.text);
}

static void loads_a_login(void **state)
{
	(void)state;
	struct chart c;
	sqlite3 *db = database_make(
		RUN
			/* Before, inside, at the end and after the scene; the first one is rounded down by
			   its 10 us. */
			FLOW(1, "udp", "10.0.0.1", 4000, "1.1.1.1", 1, 0, 60000000000, 99, 99, 9, 9, NULL,
			     "idle", NULL,
			     "'signalling'") "INSERT INTO messages VALUES(1,1,1,500000000,'out',17),"
					     "(1,1,2,999990001,'out',18),(1,1,3,2000000000,'in',51),"
					     "(1,1,4,11000000000,'out',22),(1,1,5,11000000001,'out',"
					     "23);"
		/* The exchange's own messages are preferred, and its peer has a name. */
		FLOW(2, "tcp", "10.0.0.1", 5555, "2.2.2.2", 33033, 3000000000, 9000000000, 99, 99, 2, 1, NULL,
		     "fin", 27,
		     "'login'") "INSERT INTO messages VALUES(1,2,1,3000000000,'out',1448);"
				"INSERT INTO exchange_messages VALUES(1,2,1,3100000000,7,'out',5,'hello'),"
				"(1,2,2,3200000000,8,'in',222,'answer');"
				"INSERT INTO names VALUES(1,'2.2.2.2','login.example','login.example',1);"
		/* Thinned: 2 of 10 and 1 of 4 are known, with 36 of 180 and 51 of 151 bytes. */
		FLOW(3, "udp", "3.3.3.3", 3, "10.0.0.1", 4000, 4000000000, 8000000000, 180, 151, 10, 4, NULL,
		     "idle", NULL, "'signalling'") "INSERT INTO messages VALUES(1,3,1,4000000000,'out',18),"
						   "(1,3,2,4000000000,'in',51),(1,3,3,4100000000,'out',18),"
						   "(1,3,4,5000000000,'in',0),(1,3,5,6000000000,'out',0),"
						   "(1,3,6,7000000000,'out',0);"
		/* Nothing is kept, but its sums; it was open before, and is reset later. */
		FLOW(4, "tcp", "10.0.0.1", 5556, "4.4.4.4", 80, 5000000000, 5500000000, 166, 396, 1, 1,
		     60000000, "rst", 20, "'version_check'")
		/* It opens 5 us later than the tick of its first message. */
		FLOW(6, "tcp", "10.0.0.1", 5557, "6.6.6.6", 6, 6500005000, 60000000000, 14, 0, 1, 0, NULL,
		     "eof", 2, "'node'") "INSERT INTO messages VALUES(1,6,1,6500000000,'out',14);"
		/* Not the client's. */
		FLOW(5, "udp", "10.0.0.9", 1, "10.0.0.8", 2, 5000000000, 5500000000, 1, 1, 1, 1, 1, "idle",
		     NULL, "NULL"));
	static const struct {
		double ms;
		const char *peer;
		uint64_t messages, bytes;
		bool sent;
		int kind;
		const char *what;
	} expected[] = {
		{ 0, "1.1.1.1:1", 1, 18, true, EVENT_MESSAGE, NULL },
		{ 1000, "1.1.1.1:1", 1, 51, false, EVENT_MESSAGE, NULL },
		{ 2000, "2.2.2.2:33033", 1, 0, true, EVENT_OPEN, "SYN" },
		{ 2100, "2.2.2.2:33033", 1, 5, true, EVENT_MESSAGE, "hello" },
		{ 2200, "2.2.2.2:33033", 1, 222, false, EVENT_MESSAGE, "answer" },
		{ 3000, "3.3.3.3:3", 1, 18, false, EVENT_MESSAGE, NULL },
		{ 3000, "3.3.3.3:3", 1, 51, true, EVENT_MESSAGE, NULL },
		{ 3100, "3.3.3.3:3", 1, 18, false, EVENT_MESSAGE, NULL },
		{ 4000, "3.3.3.3:3", 3, 100, true, EVENT_MESSAGE, NULL },
		{ 4000, "4.4.4.4:80", 1, 0, true, EVENT_OPEN, "open before" },
		{ 4000, "4.4.4.4:80", 1, 166, true, EVENT_MESSAGE, NULL },
		{ 4060, "4.4.4.4:80", 1, 396, false, EVENT_MESSAGE, NULL },
		{ 4500, "4.4.4.4:80", 1, 0, true, EVENT_CLOSE, "RST" },
		{ 5000, "3.3.3.3:3", 8, 144, false, EVENT_MESSAGE, NULL },
		{ 5500, "6.6.6.6:6", 1, 0, true, EVENT_OPEN, "SYN" },
		{ 5500, "6.6.6.6:6", 1, 14, true, EVENT_MESSAGE, NULL },
		{ 8000, "2.2.2.2:33033", 1, 0, true, EVENT_CLOSE, "FIN" },
		{ 10000, "1.1.1.1:1", 1, 22, true, EVENT_MESSAGE, NULL },
	};
	load(&c, db, CHART_KIND_login, 1);
	assert_int_equal(c.foreign, 1);
	assert_int_equal(c.events, sizeof expected / sizeof expected[0]);
	for (uint32_t i = 0; i < c.events; i++) {
		const struct chart_event *e = &c.event[i];
		assert_true(e->ns >= 999990001);
		assert_in_range((uint64_t)(e->ns - 999990001), (uint64_t)(expected[i].ms * 1e6),
				(uint64_t)(expected[i].ms * 1e6) + 19999);
		assert_string_equal(c.party[e->party].socket, expected[i].peer);
		assert_int_equal(e->messages, expected[i].messages);
		assert_int_equal(e->bytes, expected[i].bytes);
		assert_int_equal(e->sent, expected[i].sent);
		assert_int_equal(e->kind, expected[i].kind);
		assert_true(expected[i].what ? e->what && strcmp(e->what, expected[i].what) == 0 : !e->what);
	}
	arrange(&c, 100);
	expect_lanes(&c, "answering 1, calling 1, node 1, login 1, version 1");
	char sockets[CHART_LINE], line[2 * CHART_LINE];
	lane_sockets(&c, 4, 3, sockets);
	assert_string_equal(sockets, "2.2.2.2:33033 (login.example)");
	chart_remarks(&c, line);
	assert_non_null(strstr(line, "1 flow without the client is left out."));
	chart_free(&c);
	sqlite3_close(db);
}

/* A call: its media are the streams, not the messages beside them; the other end is a relay. */
static void loads_a_call(void **state)
{
	(void)state;
	struct chart c;
	sqlite3 *db = database_make(RUN FLOW(
		7, "udp", "10.0.0.1", 4000, "7.7.7.7", 7, 20000000000, 31000000000, 99, 99, 9, 9, NULL,
		"idle", NULL, "'media'") "INSERT INTO scene_flows VALUES(1,'call',1,7);"
					 "INSERT INTO messages VALUES(1,7,1,20000000000,'out',18);"
					 "INSERT INTO "
					 "streams(run,flow,n,call,verdict,basis,proto,initiator_ip,initiator_"
					 "port,responder_ip,"
					 "responder_port,direction,first_ns,last_ns,first_packet,packets,"
					 "payload,size_min,size_max,"
					 "size_mean,size_sd,large,comfort_noise,csc_messages,csc_above,"
					 "windows,codec,estimate) VALUES"
					 "(1,7,1,1,'call','format','udp','10.0.0.1',4000,'7.7.7.7',7,'out',"
					 "19000000000,30000000000,1,500,"
					 "33500,67,67,67,0,0,0,0,0,0,'PCMU',NULL),"
					 "(1,7,2,1,'call','format','udp','10.0.0.1',4000,'7.7.7.7',7,'in',"
					 "21000000000,30000000000,1,400,"
					 "26800,67,67,67,0,0,0,0,0,0,NULL,'iSAC');"
					 "INSERT INTO "
					 "calls(run,call,protocol,basis,media,near_ip,near_port,far_ip,far_"
					 "port,near_began,transport,"
					 "route,first_ns,last_ns,flows,packets_out,payload_out,packets_in,"
					 "payload_in,holds,hold_ns) VALUES"
					 "(1,1,'skype','format','audio','10.0.0.1',4000,'7.7.7.7',7,1,'udp','"
					 "relayed',0,1,1,0,0,0,0,0,0);");
	load(&c, db, CHART_KIND_call, 1);
	arrange(&c, 100);
	expect_lanes(&c, "relay 1");
	expect_rows(&c, ">500x33500/1 <400x26800/1");
	assert_int_equal(c.row[0].ns, INT64_C(20000000000));
	assert_string_equal(c.row[0].what, "PCMU");
	assert_string_equal(c.row[1].what, "~iSAC");
	assert_string_equal(c.scene.detail, "skype, audio relayed");
	chart_free(&c);
	sqlite3_close(db);
}

static void names_what_there_is(void **state)
{
	(void)state;
	sqlite3 *db = database_make(RUN),
		*empty = database_make("INSERT INTO runs VALUES(1,'','','',1,0,1,9,1,'')");
	struct view v, none;
	struct chart_scene scene;
	struct error err;
	int64_t count, number = 0;
	enum chart_kind kind = CHART_KIND_login;

	assert_true(view_open(&v, db, "x.db", 1, &err));
	assert_true(view_open(&none, empty, "y.db", 1, &err));
	assert_true(chart_count(&v, &count, &err));
	assert_int_equal(count, 3);
	assert_false(chart_scene(&v, CHART_KIND_login, 3, &scene, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	assert_string_equal(err.text, "x.db has no login 3; it has logins 1 to 2, call 1");
	assert_false(chart_scene(&none, CHART_KIND_search, 1, &scene, &err));
	assert_string_equal(err.text, "y.db has no search 1; it has neither a login nor a search nor a call");
	assert_int_equal(sqlite3_exec(db, "DELETE FROM scenes WHERE kind = 'login'", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_true(chart_only(&v, &kind, &number, &err));
	assert_int_equal(kind, CHART_KIND_call);
	assert_int_equal(number, 1);
	sqlite3_close(db);
	sqlite3_close(empty);
}

/* --- bounds --- */

static void draws_many_messages(void **state)
{
	(void)state;
	struct chart c;
	sqlite3 *db = database_make(
		RUN FLOW(1, "udp", "10.0.0.1", 4000, "1.1.1.1", 1, 1000000000, 11000000000, 99, 99, 50000,
			 50000, NULL, "idle", NULL,
			 "'signalling'") "WITH RECURSIVE m(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM m "
					 "WHERE n < 100000)"
					 "INSERT INTO messages SELECT 1, 1, n, 1000000000 + n * 90000,"
					 " CASE n % 2 WHEN 0 THEN 'out' ELSE 'in' END, 1 + n % 500 FROM m;");
	load(&c, db, CHART_KIND_login, 1);
	assert_int_equal(c.events, 100000);
	arrange(&c, CHART_ROWS_DEFAULT);
	assert_in_range(c.rows, 1, CHART_ROWS_DEFAULT);
	uint64_t messages = 0, bytes = 0;
	for (uint32_t i = 0; i < c.rows; i++) {
		messages += c.row[i].messages;
		bytes += c.row[i].bytes;
	}
	assert_int_equal(messages, 100000);
	assert_int_equal(bytes, 100000 / 500 * (500 * 501 / 2));
	arrange(&c, 0);
	assert_int_equal(c.rows, 100000);
	chart_free(&c);
	sqlite3_close(db);
}

static void events_are_bounded(void **state)
{
	(void)state;
	struct chart c;
	char text[2 * CHART_LINE];
	chart_begin(&c);
	for (uint32_t i = 0; i < CHART_EVENTS_MAX; i++)
		say(&c, i * 0.05, "1.1.1.1:1", '>', 18);
	struct error err;
	const struct chart_event beyond = c.event[0];
	assert_true(chart_event_add(&c, &beyond, &err));
	assert_int_equal(c.events, CHART_EVENTS_MAX);
	arrange(&c, 10);
	expect_rows(&c, ">1000000x18000000/1");
	chart_remarks(&c, text);
	assert_string_equal(text, "Messages of one size within 1 s of each other are one arrow. "
				  "1 message is left out: the chart holds 1000000.");
	chart_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_behave_alike),
		cmocka_unit_test(puts_messages_together),
		cmocka_unit_test(labels),
		cmocka_unit_test(draws_text),
		cmocka_unit_test(keeps_to_the_width),
		cmocka_unit_test(escapes_names),
		cmocka_unit_test(loads_a_login),
		cmocka_unit_test(loads_a_call),
		cmocka_unit_test(names_what_there_is),
		cmocka_unit_test(draws_many_messages),
		cmocka_unit_test(events_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
