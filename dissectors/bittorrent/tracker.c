/*
 * UDP trackers (BEP 15). The client connects, and returns the connection id of the answer with every request.
 *
 *	connect:  0-7 0000041727101980 | 8-11 action 0 | 12-15 transaction id
 *	answer:   0-3 action | 4-7 transaction id | 8-15 connection id
 *	announce: 0-7 connection id | 8-11 action 1 | 12-15 transaction id | 16-97 info hash ... port
 *	scrape:   0-7 connection id | 8-11 action 2 | 12-15 transaction id | 16- info hashes
 *	error:    0-3 action 3 | 4-7 transaction id | 8- text
 *
 * BEP 15: "do not expect packets to be exactly of a certain size".
 */
#include "dissectors/bittorrent/bittorrent.h"

#define MAGIC_HIGH    0x00000417U
#define MAGIC_LOW     0x27101980U
#define CONNECT_SIZE  16U
#define ANSWER_MIN    8U
#define ANNOUNCE_SIZE 98U
#define SCRAPE_MIN    36U /* one info hash */

enum action { ACTION_CONNECT, ACTION_ANNOUNCE, ACTION_SCRAPE, ACTION_ERROR };

struct request {
	uint32_t high, low, action, transaction;
};

static bool rd_request(const struct look *l, struct request *q)
{
	struct reader r = reader_on(l->data);
	q->high = rd_be32(&r);
	q->low = rd_be32(&r);
	q->action = rd_be32(&r);
	q->transaction = rd_be32(&r);
	return !r.failed;
}

static void note_request(const struct look *l, struct tracker_state *st, uint32_t transaction)
{
	bittorrent_ask(l, &st->question, st->asked && transaction == st->transaction);
	st->transaction = transaction;
}

enum match tracker_look_connect(const struct look *l, struct tracker_state *st)
{
	struct request q;
	if (l->wire < CONNECT_SIZE)
		return MATCH_NO;
	if (!rd_request(l, &q))
		return MATCH_MAYBE;
	if (q.high != MAGIC_HIGH || q.low != MAGIC_LOW || q.action != ACTION_CONNECT)
		return MATCH_NO;
	if (!st->asked)
		observe(l, BITTORRENT_TRACKER_CONNECT, q.transaction);
	observe(l, BITTORRENT_FRESH, q.transaction);
	note_request(l, st, q.transaction);
	st->asked = (uint8_t)(1U + l->dir);
	return MATCH_MAYBE;
}

static bool look_at_request(const struct look *l, struct tracker_state *st)
{
	struct request q;
	if (!st->has_id || !rd_request(l, &q) || q.high != st->id_high || q.low != st->id_low)
		return false;
	bool announce = q.action == ACTION_ANNOUNCE && l->wire >= ANNOUNCE_SIZE;
	if (!announce && !(q.action == ACTION_SCRAPE && l->wire >= SCRAPE_MIN))
		return false;
	if (!st->announced)
		observe(l, BITTORRENT_TRACKER_ANNOUNCE, q.action);
	st->announced = true;
	note_request(l, st, q.transaction);
	return true;
}

static bool look_at_answer(const struct look *l, struct tracker_state *st)
{
	struct reader r = reader_on(l->data);
	uint32_t action = rd_be32(&r), transaction = rd_be32(&r);
	if (r.failed || l->wire < ANSWER_MIN || action > ACTION_ERROR || transaction != st->transaction)
		return false;
	if (!st->answered)
		observe(l, BITTORRENT_TRACKER_ANSWERED, action);
	st->answered = true;
	bittorrent_reply(l, &st->question);
	if (action == ACTION_CONNECT) {
		st->id_high = rd_be32(&r);
		st->id_low = rd_be32(&r);
		st->has_id = !r.failed;
	}
	return true;
}

bool tracker_look_later(const struct look *l, struct tracker_state *st)
{
	return st->asked == 1U + l->dir ? look_at_request(l, st) : look_at_answer(l, st);
}
