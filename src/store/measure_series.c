/* N3: signalling, clients, logins and calls by the hour and day. */
#include "store/measure.h"
#include "behave/series.h"
#include <inttypes.h>
#include <stdlib.h>

struct measured_series {
	const struct measure_setup *setup;
	struct series *series;
};

static void drop(void *self)
{
	struct measured_series *m = self;

	series_free(m->series);
	free(m);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct measured_series *m = calloc(1, sizeof *m);

	if (!m) {
		error_memory(err, "the time series");
		return NULL;
	}
	m->setup = setup;
	m->series = series_new(setup->client, setup->clients, setup->last_ns - setup->first_ns,
			       setup->idle_ns, err);
	if (m->series)
		return m;
	drop(m);
	return NULL;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct measured_series *m = self;

	return f->r->l4 != IPPROTO_UDP || series_add(m->series, f, err);
}

static bool add_events(const struct measured_series *m, struct error *err)
{
	const struct measure_setup *setup = m->setup;

	for (uint32_t i = 0; i < exchange_table_count(setup->exchanges); i++) {
		const struct exchange *x = exchange_table_at(setup->exchanges, i);
		if (x->role && strcmp(x->role, "login") == 0 &&
		    !series_login(m->series, x->protocol, x->first_ns, err))
			return false;
	}
	for (uint32_t i = 0; i < call_table_count(setup->calls); i++) {
		const struct call *call = call_table_at(setup->calls, i);
		if (call->protocol >= 0 &&
		    !series_call(m->series, (unsigned)call->protocol, call->first_ns, err))
			return false;
	}
	return true;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct measured_series *m = self;

	if (!add_events(m, err) || !series_finish(m->series, err))
		return false;
	for (uint32_t i = 0; i < series_count(m->series); i++) {
		const struct period_row *p = series_at(m->series, i);
		const struct series_row row = {
			.protocol = protocols[p->protocol]->name,
			.period = period_names[p->period],
			.start_ns = p->start_ns,
			.flows = p->flows,
			.packets = p->packets,
			.payload = p->payload,
			.active_clients = p->active_clients,
			.new_clients = p->new_clients,
			.logins = p->logins,
			.calls = p->calls,
		};
		if (!sink->ops->put_series(sink, &row, err))
			return false;
	}
	if (series_refused(m->series))
		problems_add(problems,
			     "the time series has more than %u periods: what is beyond is left out, also of "
			     "the headline numbers (R13)",
			     SERIES_ROWS_MAX);
	if (series_refused_clients(m->series))
		problems_add(problems, "%" PRIu32 " clients lived too long to be counted as active (N3)",
			     series_refused_clients(m->series));
	return true;
}

const struct measurement measure_series = { .begin = begin, .flow = flow, .put = put, .drop = drop };
