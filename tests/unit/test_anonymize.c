/* What passes the anonymiser: every kind of record, and no address in any of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "identify/chi_square.h"
#include "store/anonymize.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char path[] = "/tmp/footsteps-anonymize-XXXXXX";
static struct cryptopan *pan;
static struct anonymizer *anonymizer;
static struct intake intake;

/* The last of each kind that came out behind. */
static struct {
	struct observation o;
	struct occurrence e;
	struct media_report m;
	struct flow_record r;
	const struct logged_message *log;
	unsigned observed, occurred, metered, flow, named;
} behind;

static void observed(void *self, const struct observation *o)
{
	assert_ptr_equal(self, &behind);
	behind.o = *o;
	behind.observed++;
}

static void occurred(void *self, const struct occurrence *o)
{
	assert_ptr_equal(self, &behind);
	behind.e = *o;
	behind.occurred++;
}

static void metered(void *self, const struct media_report *r)
{
	assert_ptr_equal(self, &behind);
	behind.m = *r;
	behind.metered++;
}

static void flow(void *self, const struct flow_record *r, const struct logged_message *log)
{
	assert_ptr_equal(self, &behind);
	behind.r = *r;
	behind.log = log;
	behind.flow++;
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	(void)self;
	(void)answer;
	(void)ts_ns;
	behind.named++;
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return ip;
}

static struct endpoint at(const char *text, uint16_t port)
{
	return (struct endpoint){ .ip = ip_of(text), .port = port };
}

static void is_pseudonym_of(const struct endpoint *got, const struct endpoint *real)
{
	struct ip pseudonym = cryptopan_ip(pan, &real->ip);

	assert_false(ip_equal(&pseudonym, &real->ip));
	assert_true(ip_equal(&got->ip, &pseudonym));
	assert_int_equal(got->port, real->port);
}

static uint32_t last_four(const struct ip *ip)
{
	return (uint32_t)ip->b[12] << 24 | (uint32_t)ip->b[13] << 16 | (uint32_t)ip->b[14] << 8 | ip->b[15];
}

/* The first kind of any protocol with this test. */
static struct observation observation_with(enum evidence_test test)
{
	struct observation o = { .from = at("192.168.1.2", 4000),
				 .to = at("198.51.100.7", 33033),
				 .ts_ns = 5,
				 .packet = 6,
				 .flow = 4,
				 .l4 = 17 };

	for (unsigned p = 0; p < protocol_count; p++)
		for (unsigned k = 0; k < protocols[p]->kind_count; k++)
			if (protocols[p]->kinds[k].test == test) {
				o.protocol = (uint8_t)p;
				o.kind = (uint8_t)k;
				return o;
			}
	fail_msg("no protocol has test %d", test);
	return o;
}

static const struct observation *told(const struct observation *o)
{
	unsigned before = behind.observed;

	intake.observed(intake.self, o);
	assert_int_equal(behind.observed, before + 1);
	is_pseudonym_of(&behind.o.from, &o->from);
	is_pseudonym_of(&behind.o.to, &o->to);
	assert_int_equal(behind.o.packet, o->packet);
	assert_int_equal(behind.o.flow, o->flow);
	assert_int_equal(behind.o.ts_ns, o->ts_ns);
	return &behind.o;
}

/* The receiver's own address, reflected: it must equal the receiver's pseudonym, for that is the test. */
static void a_reflected_address_equals_the_pseudonym(void **state)
{
	static const enum evidence_test tests[] = { TEST_REFLECTED, TEST_AGREED };

	(void)state;
	for (size_t i = 0; i < COUNT(tests); i++) {
		struct observation o = observation_with(tests[i]);
		o.value = last_four(&o.to.ip);
		const struct observation *out = told(&o);
		assert_int_equal(out->value, last_four(&out->to.ip));
		assert_int_not_equal(out->value, o.value);
		o.value = 0; /* "unspecified" is nobody's */
		assert_int_equal(told(&o)->value, 0);
	}
}

static void other_values_are_no_addresses(void **state)
{
	static const enum evidence_test unused[] = { TEST_NONE, TEST_PEERS, TEST_RANDOMNESS, TEST_AGAINST };

	(void)state;
	for (size_t i = 0; i < COUNT(unused); i++) {
		struct observation o = observation_with(unused[i]);
		o.value = 0xc0a80102;
		assert_int_equal(told(&o)->value, 0);
	}
	struct observation o = observation_with(TEST_COUNTER);
	o.value = 0xbeef;
	assert_int_equal(told(&o)->value, 0xbeef);
	o.value = 0xc0a80102;
	assert_int_equal(told(&o)->value, 0x0102);
}

/* Whether two values differ, and in which bytes, is what the tests look at. */
static void compared_values_compare_the_same(void **state)
{
	static const enum evidence_test tests[] = { TEST_NONCE, TEST_REPEATED };
	static const uint32_t values[] = { 0xc0a80102, 0xc0a80103, 0x12345678, 0, 0xffffffff };

	(void)state;
	for (size_t t = 0; t < COUNT(tests); t++)
		for (size_t i = 0; i < COUNT(values); i++)
			for (size_t j = 0; j < COUNT(values); j++) {
				struct observation o = observation_with(tests[t]);
				o.value = values[i];
				uint32_t a = told(&o)->value;
				o.value = values[j];
				uint32_t b = told(&o)->value;
				assert_int_equal(a ^ b, values[i] ^ values[j]);
				assert_int_not_equal(a, values[i]);
			}
}

/* The chi-square statistic of each group of four bits stays as it is, and the bytes do not. */
static void first_bytes_are_turned_over(void **state)
{
	struct csc before = { 0 }, after = { 0 };

	(void)state;
	for (unsigned n = 0; n < 200; n++) {
		struct observation o = observation_with(TEST_RANDOMNESS);
		const uint8_t head[8] = { (uint8_t)(n * 7), 2, 192, 168, 1, 2, (uint8_t)(n * n), (uint8_t)n };
		memcpy(o.head, head, sizeof head);
		o.has_head = true;
		const struct observation *out = told(&o);
		assert_true(out->has_head);
		assert_memory_not_equal(out->head + 2, head + 2, 4);
		csc_add(&before, (struct span){ head, sizeof head });
		csc_add(&after, (struct span){ out->head, sizeof out->head });
	}
	for (unsigned g = 0; g < CSC_GROUPS; g++) {
		float x = csc_statistic(&before, g), y = csc_statistic(&after, g);
		assert_memory_equal(&x, &y, sizeof x);
	}
}

static struct occurrence version_check(const char *host, const char *version)
{
	struct occurrence o = { .initiator = at("2001:db8::5", 1000),
				.responder = at("203.0.113.9", 80),
				.event.type = EVENT_VERSION_CHECK };

	o.event.of.version.action = "installed";
	snprintf(o.event.of.version.host, sizeof o.event.of.version.host, "%s", host);
	snprintf(o.event.of.version.version, sizeof o.event.of.version.version, "%s", version);
	return o;
}

static void host_becomes(const char *host, const char *expected)
{
	struct occurrence o = version_check(host, "1.3.0.66");

	intake.occurred(intake.self, &o);
	is_pseudonym_of(&behind.e.initiator, &o.initiator);
	is_pseudonym_of(&behind.e.responder, &o.responder);
	assert_string_equal(behind.e.event.of.version.host, expected);
	/* Four numbers with dots as well, but what a version looks like. */
	assert_string_equal(behind.e.event.of.version.version, "1.3.0.66");
	assert_string_equal(behind.e.event.of.version.action, "installed");
}

static void hosts_with_addresses_are_withheld(void **state)
{
	static const char *const kept[] = { "ui.skype.com",    "ui3.skype.com", "ui.skype.com:80", "",
					    "a-1-2-3.example", "cafe.example",  "1und1.de" };
	static const char *const withheld[] = { "203.0.113.9",
						"203.0.113.9:80",
						"[2001:db8::1]",
						"[2001:db8::1]:80",
						"2001:db8::1",
						"ec2-203-0-113-9.compute.example",
						"203.0.113.9.nip.example",
						"host.203.0.113.9",
						"3405803785",
						"0xcb007109",
						"0313.0.113.9" };

	(void)state;
	for (size_t i = 0; i < COUNT(kept); i++)
		host_becomes(kept[i], kept[i]);
	for (size_t i = 0; i < COUNT(withheld); i++)
		host_becomes(withheld[i], "(withheld)");
	/* ... but not what is the address of an end. */
	struct occurrence o = version_check("ui.skype.com", "203.0.113.9");
	intake.occurred(intake.self, &o);
	assert_string_equal(behind.e.event.of.version.version, "");
}

static void media_paths_have_four_sockets(void **state)
{
	struct occurrence o = { .initiator = at("10.0.0.1", 1),
				.responder = at("10.0.0.2", 2),
				.event.type = EVENT_MEDIA_PATH };
	struct media_path *path_of = &o.event.of.path;

	(void)state;
	path_of->way = MEDIA_WAY_RELAYED;
	path_of->reflexive[0] = at("192.0.2.1", 3);
	path_of->reflexive[1] = at("192.0.2.2", 4);
	path_of->relayed = at("2001:db8::7", 5);
	intake.occurred(intake.self, &o);
	const struct media_path *out = &behind.e.event.of.path;
	assert_int_equal(out->way, MEDIA_WAY_RELAYED);
	is_pseudonym_of(&out->reflexive[0], &path_of->reflexive[0]);
	is_pseudonym_of(&out->reflexive[1], &path_of->reflexive[1]);
	is_pseudonym_of(&out->relayed, &path_of->relayed);
	/* Not told stays not told. */
	assert_memory_equal(&out->peer, &path_of->peer, sizeof out->peer);
}

static void flows_keep_all_but_their_addresses(void **state)
{
	struct logged_message log[2] = { { .gap = 1, .size = 28 }, { .gap = 2, .size = 18, .dir = 1 } };
	struct flow_record r = { .initiator = at("10.0.0.1", 1),
				 .responder = at("2001:db8::2", 2),
				 .first_packet = 9,
				 .sizes = 2,
				 .label = "skype-udp",
				 .side = { { .packets = 3, .fingerprint = 77 },
					   { .packets = 4, .fingerprint = 78 } } };

	(void)state;
	intake.flow(intake.self, &r, log);
	is_pseudonym_of(&behind.r.initiator, &r.initiator);
	is_pseudonym_of(&behind.r.responder, &r.responder);
	assert_int_equal(behind.r.side[0].fingerprint, 0);
	assert_int_equal(behind.r.side[1].fingerprint, 0);
	assert_ptr_equal(behind.log, log);
	struct flow_record rest = behind.r;
	rest.initiator = r.initiator;
	rest.responder = r.responder;
	rest.side[0].fingerprint = 77;
	rest.side[1].fingerprint = 78;
	assert_memory_equal(&rest, &r, sizeof r);
}

static void media_pass_and_names_do_not(void **state)
{
	static struct media_report m;
	static struct dns_answer answer = { .name = "alice-laptop.campus.example", .addresses = 1 };
	unsigned before = behind.metered;

	(void)state;
	m.flow = 12;
	m.streams = 3;
	intake.metered(intake.self, &m);
	assert_int_equal(behind.metered, before + 1);
	assert_memory_equal(&behind.m, &m, sizeof m);
	intake.named(intake.self, &answer, 1);
	assert_int_equal(behind.named, 0);
}

static int set_up(void **state)
{
	const struct intake record = { observed, occurred, metered, flow, named, &behind };
	struct error err;
	int fd = mkstemp(path);
	uint8_t key[CRYPTOPAN_KEY];

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(i * 37 + 11);
	if (fd < 0 || write(fd, key, sizeof key) != (ssize_t)sizeof key || close(fd) != 0)
		return -1;
	pan = cryptopan_open(path, &err);
	anonymizer = pan ? anonymizer_new(pan, &record, &err) : NULL;
	unlink(path);
	if (!anonymizer)
		return -1;
	intake = anonymizer_intake(anonymizer);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	anonymizer_free(anonymizer);
	cryptopan_close(pan);
	return 0;
}

static void not_built_in(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reflected_address_equals_the_pseudonym),
		cmocka_unit_test(other_values_are_no_addresses),
		cmocka_unit_test(compared_values_compare_the_same),
		cmocka_unit_test(first_bytes_are_turned_over),
		cmocka_unit_test(hosts_with_addresses_are_withheld),
		cmocka_unit_test(media_paths_have_four_sockets),
		cmocka_unit_test(flows_keep_all_but_their_addresses),
		cmocka_unit_test(media_pass_and_names_do_not),
	};
	const struct CMUnitTest without[] = { cmocka_unit_test(not_built_in) };

	if (!cryptopan_available())
		return cmocka_run_group_tests_name("without libcrypto", without, NULL, NULL);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
