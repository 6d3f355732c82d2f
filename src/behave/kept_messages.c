/* Copies of message logs; see kept_messages.h. */
#include "behave/kept_messages.h"
#include "base/huge.h"
#include <stdlib.h>
#include <string.h>

void kept_messages_drop(struct kept_messages *k)
{
	row_index_drop(&k->by_flow);
	free(k->flow);
	free(k->message);
	*k = (struct kept_messages){ 0 };
}

static bool reserve(struct kept_messages *k, uint32_t count)
{
	uint64_t wanted = k->messages + count, room = k->message_room ? k->message_room : 1024;

	if (wanted <= k->message_room)
		return true;
	while (room < wanted)
		room *= 2;
	struct logged_message *message = realloc(k->message, room * sizeof *message);
	if (!message)
		return false;
	huge_wish(message, room * sizeof *message);
	k->message = message;
	k->message_room = room;
	return true;
}

bool kept_messages_add(struct kept_messages *k, const struct flow_record *r, const struct logged_message *log,
		       struct error *err)
{
	uint64_t hash = hash_words(&k->key, &r->first_packet, sizeof r->first_packet);
	uint32_t at = 0, i, count = (uint32_t)r->sizes + r->thinned;

	if (count == 0)
		return true;
	while ((i = row_index_probe(&k->by_flow, hash, &at)) != ROW_NONE)
		if (k->flow[i].flow == r->first_packet)
			break;
	if (i != ROW_NONE && k->flow[i].count >= count)
		return true;
	if (k->messages + count > KEPT_MESSAGES_MAX) {
		k->refused++;
		return true;
	}
	if (!reserve(k, count))
		return error_memory(err, "the messages of a chart");
	if (i == ROW_NONE) {
		void *rows = k->flow;
		bool room = rows_reserve(&rows, k->flows, &k->flow_room, sizeof *k->flow);
		k->flow = rows;
		if (!room || !row_index_add(&k->by_flow, hash, k->flows))
			return error_memory(err, "the messages of a chart");
		i = k->flows++;
	}
	memcpy(k->message + k->messages, log, count * sizeof *log);
	/* A shorter log of the flow stays where it was, unused. */
	k->flow[i] = (struct kept_flow){ r->first_packet, flow_record_log_from(r), k->messages, count };
	k->messages += count;
	return true;
}

static int by_flow(const void *x, const void *y)
{
	const struct kept_flow *a = x, *b = y;

	return (a->flow > b->flow) - (a->flow < b->flow);
}

void kept_messages_sort(struct kept_messages *k)
{
	if (k->flows)
		qsort(k->flow, k->flows, sizeof *k->flow, by_flow);
}
