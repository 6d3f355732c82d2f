/*
 * Exchanges of messages over TCP (logins, contact lists) and version checks, put together from the events
 * that dissectors report. Bounded: at most EXCHANGES_MAX exchanges and EXCHANGE_MESSAGES_MAX messages each;
 * what is beyond is counted.
 */
#ifndef FS_BEHAVE_EXCHANGES_H
#define FS_BEHAVE_EXCHANGES_H
#include "base/error.h"
#include "identify/observer.h"

#define EXCHANGES_MAX         100000U
#define EXCHANGE_MESSAGES_MAX 64U /* a login has 4 to 8 (wire B3); heads of 2 KiB hold few more */

struct exchange_message {
	int64_t ts_ns;
	uint64_t packet;
	enum direction dir;
	uint32_t bytes;
	const char *what;
};

struct exchange {
	uint64_t flow;
	uint8_t protocol;
	const char *role, *form; /* NULL: not told */
	enum exchange_outcome outcome;
	struct endpoint client, server; /* initiator and responder of the flow */
	int64_t first_ns, last_ns;      /* of what was reported */
	uint32_t messages;              /* all; the first EXCHANGE_MESSAGES_MAX are kept */
	uint32_t room;
	struct exchange_message *message;
};

struct version_check {
	uint64_t flow, packet;
	int64_t ts_ns;
	uint8_t protocol;
	struct endpoint client, server;
	struct event event;
};

struct exchange_table;
struct exchange_table *exchange_table_new(struct error *err);
void exchange_table_free(struct exchange_table *t);
bool exchange_table_add(struct exchange_table *t, const struct occurrence *o, struct error *err);
uint32_t exchange_table_count(const struct exchange_table *t);
const struct exchange *exchange_table_at(const struct exchange_table *t,
					 uint32_t i); /* in order of their first event */
uint32_t version_check_count(const struct exchange_table *t);
const struct version_check *version_check_at(const struct exchange_table *t, uint32_t i);
uint64_t exchange_table_refused(const struct exchange_table *t);
const char *exchange_outcome_name(enum exchange_outcome outcome);
#endif
