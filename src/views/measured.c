/* The streams of a database, for training; see measured.h. */
#include "views/measured.h"
#include "store/open.h"
#include "views/query.h"
#include <stdlib.h>
#include <string.h>

struct measured {
	struct train_stream stream[TRAIN_STREAMS_MAX];
	uint32_t streams;
	uint64_t with_video;
	struct train_choice choice;
	struct train_pool pool;
	struct train_result result;
};

/* Columns of the statement, in its order. */
enum {
	FLOW,
	DIRECTION,
	STREAM,
	CODEC,
	BASIS,
	FROM_IP,
	FROM_PORT,
	TO_IP,
	TO_PORT,
	PACKETS,
	SIZE,
	SIZE_SD,
	GAP,
	GAP_SD,
	LARGE
};
static const char statement[] =
	"SELECT flow, direction, stream, codec, basis, from_ip, from_port, to_ip, to_port, packets, "
	"size_mean, size_sd, gap_ms, gap_sd_ms, large FROM stream_list WHERE run = :run ORDER BY flow, n";

static struct endpoint endpoint_at(sqlite3_stmt *row, int ip, int port)
{
	struct endpoint e = { .port = (uint16_t)sqlite3_column_int(row, port) };

	(void)ip_parse(query_text(row, ip), &e.ip); /* for the list alone */
	return e;
}

static struct train_stream stream_at(sqlite3_stmt *row)
{
	bool out = strcmp(query_text(row, DIRECTION), "out") == 0;
	int64_t packets = sqlite3_column_int64(row, PACKETS);
	struct train_stream s = {
		.flow = (uint64_t)sqlite3_column_int64(row, FLOW),
		.from = endpoint_at(row, FROM_IP, FROM_PORT),
		.to = endpoint_at(row, TO_IP, TO_PORT),
		.direction = out ? TO_RESPONDER : TO_INITIATOR,
		.known = strcmp(query_text(row, BASIS), "format") == 0,
		.has_stream = sqlite3_column_type(row, STREAM) != SQLITE_NULL,
		.stream = (uint32_t)sqlite3_column_int64(row, STREAM),
		.messages = packets < 0            ? 0
			    : packets > UINT32_MAX ? UINT32_MAX
						   : (uint32_t)packets,
		.size = (float)sqlite3_column_double(row, SIZE),
		.gap_ms = (float)sqlite3_column_double(row, GAP),
	};

	snprintf(s.codec, sizeof s.codec, "%s", query_text(row, CODEC));
	return s;
}

static void add_row(struct measured *m, sqlite3_stmt *row)
{
	const struct train_stream s = stream_at(row);
	const struct train_moments moments = { .n = s.messages,
					       .size = sqlite3_column_double(row, SIZE),
					       .size_sd = sqlite3_column_double(row, SIZE_SD),
					       .gap_ms = sqlite3_column_double(row, GAP),
					       .gap_sd_ms = sqlite3_column_double(row, GAP_SD) };

	if (sqlite3_column_int64(row, LARGE) > 0) {
		m->with_video += train_choice_matches(&m->choice, &s);
		return;
	}
	if (m->streams < TRAIN_STREAMS_MAX)
		m->stream[m->streams++] = s;
	if (sqlite3_column_type(row, GAP) != SQLITE_NULL && train_choose(&m->result, &m->choice, &s))
		train_pool_add(&m->pool, &moments);
}

struct measured *measured_read(const char *path, const struct train_choice *choice, struct error *err)
{
	enum query_result result = QUERY_FAILED;
	struct measured *m = calloc(1, sizeof *m);
	struct view v;

	if (!m) {
		error_memory(err, "the list of streams");
		return NULL;
	}
	m->choice = *choice;
	sqlite3 *db = store_open_read(path, err);
	sqlite3_stmt *row = db && view_open(&v, db, path, 0, err) ? query_open(&v, statement, err) : NULL;
	while (row && (result = query_step(&v, row, err)) == QUERY_ROW)
		add_row(m, row);
	sqlite3_finalize(row);
	sqlite3_close(db);
	if (result == QUERY_END)
		return m;
	measured_free(m);
	return NULL;
}

void measured_free(struct measured *m)
{
	free(m);
}

uint32_t measured_stream_count(const struct measured *m)
{
	return m->streams;
}

const struct train_stream *measured_stream_at(const struct measured *m, uint32_t i)
{
	return &m->stream[i];
}

uint64_t measured_with_video(const struct measured *m)
{
	return m->with_video;
}

struct train_result measured_result(const struct measured *m)
{
	return m->result;
}

bool measured_fit(const struct measured *m, const char *name, struct voice_model *out, struct error *err)
{
	return train_pool_fit(&m->pool, name, out, err);
}
