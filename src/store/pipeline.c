/* The whole pipeline behind the source; see pipeline.h. */
#include "store/pipeline.h"
#include "base/clock.h"
#include "store/anonymize.h"
#include <stdlib.h>

/* Counts are told so often of the capture clock, and at every silence: so that of several runs together it
 * can be told when nobody heard anything. */
#define COUNTS_EVERY_NS (10 * NS_PER_S)

struct pipeline {
	struct pipeline_options options;
	struct facts_writer *facts; /* NULL: nobody wants them */
	struct intake both[2];      /* the aggregator's, the facts' */
	int64_t first_ns, last_ns;  /* of the frames since counts were told; both 0: none */
	bool failed;                /* a chunk could not be kept */
	struct error failure;
	struct aggregate *aggregate;
	struct anonymizer *anonymizer; /* NULL: addresses as they are */
	struct worker *worker;         /* has the texts of what the aggregate was told */
	uint64_t frames;
};

/* --- told to both, where facts are wanted --- */

static void observed(void *self, const struct observation *o)
{
	const struct intake *both = ((const struct pipeline *)self)->both;

	both[0].observed(both[0].self, o);
	both[1].observed(both[1].self, o);
}

static void occurred(void *self, const struct occurrence *o)
{
	const struct intake *both = ((const struct pipeline *)self)->both;

	both[0].occurred(both[0].self, o);
	both[1].occurred(both[1].self, o);
}

static void metered(void *self, const struct media_report *r)
{
	const struct intake *both = ((const struct pipeline *)self)->both;

	both[0].metered(both[0].self, r);
	both[1].metered(both[1].self, r);
}

static void flow_closed(void *self, const struct flow_record *r, const struct logged_message *log)
{
	const struct intake *both = ((const struct pipeline *)self)->both;

	both[0].flow(both[0].self, r, log);
	both[1].flow(both[1].self, r, log);
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	const struct intake *both = ((const struct pipeline *)self)->both;

	both[0].named(both[0].self, answer, ts_ns);
	both[1].named(both[1].self, answer, ts_ns);
}

static void chunk_full(void *self, struct facts_chunk *chunk)
{
	struct pipeline *p = self;

	if (!p->failed)
		p->failed = !p->options.keep(p->options.keep_self, chunk, &p->failure);
	facts_chunk_drop(chunk);
}

static bool build(struct pipeline *p, struct error *err)
{
	p->aggregate = aggregate_new(&p->options.aggregate, err);
	if (!p->aggregate)
		return false;
	struct intake intake = aggregate_intake(p->aggregate);
	if (p->options.keep) {
		p->facts = facts_writer_new(1, 0, chunk_full, p, err);
		if (!p->facts)
			return false;
		p->both[0] = intake;
		p->both[1] = facts_writer_intake(p->facts);
		intake = (struct intake){ observed, occurred, metered, flow_closed, named, p };
	}
	if (p->options.pan) {
		p->anonymizer = anonymizer_new(p->options.pan, &intake, err);
		if (!p->anonymizer)
			return false;
		intake = anonymizer_intake(p->anonymizer);
	}
	p->worker = worker_new(&p->options.worker, &intake, err);
	return p->worker;
}

struct pipeline *pipeline_new(const struct pipeline_options *options, struct error *err)
{
	struct pipeline *p = calloc(1, sizeof *p);

	if (!p) {
		error_memory(err, "the pipeline");
		return NULL;
	}
	p->options = *options;
	if (!build(p, err)) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	aggregate_free(p->aggregate);
	worker_free(p->worker);
	anonymizer_free(p->anonymizer);
	facts_writer_free(p->facts);
	free(p);
}

static void tell_counts(struct pipeline *p, const struct stage_counts *counts)
{
	facts_writer_counts(p->facts, counts, p->first_ns, p->last_ns);
	p->first_ns = p->last_ns = 0;
}

/* Frames without a silence between them, and what is behind them in the stream of facts. */
static void note_frames(struct pipeline *p, const struct frame *frames, size_t count)
{
	struct stage_counts counts;

	if (p->first_ns == 0 && p->last_ns == 0)
		p->first_ns = p->last_ns = frames[0].ts_ns;
	for (size_t i = 0; i < count; i++) {
		p->first_ns = frames[i].ts_ns < p->first_ns ? frames[i].ts_ns : p->first_ns;
		p->last_ns = frames[i].ts_ns > p->last_ns ? frames[i].ts_ns : p->last_ns;
	}
	if (p->last_ns - p->first_ns < COUNTS_EVERY_NS)
		return;
	worker_counts(p->worker, &counts);
	tell_counts(p, &counts);
}

static bool frames_with_facts(struct pipeline *p, const struct frame *frames, size_t count, struct error *err)
{
	struct stage_counts counts;

	for (size_t done = 0, part; done < count; done += part) {
		const struct frame *first = &frames[done];
		if (p->last_ns && first->ts_ns - p->last_ns > JUDGE_GAP_NS) {
			worker_counts(p->worker, &counts);
			tell_counts(p, &counts);
		}
		for (part = 1; done + part < count; part++)
			if (first[part].ts_ns - first[part - 1].ts_ns > JUDGE_GAP_NS)
				break;
		facts_writer_stamp(p->facts, first->ts_ns);
		if (!worker_frames(p->worker, first, part, p->frames + 1 + done, err))
			return false;
		note_frames(p, first, part);
	}
	if (p->failed && err)
		*err = p->failure;
	return !p->failed && !facts_writer_failed(p->facts, err);
}

bool pipeline_frames(struct pipeline *p, const struct frame *frames, size_t count, struct error *err)
{
	bool ok = p->facts ? frames_with_facts(p, frames, count, err)
			   : worker_frames(p->worker, frames, count, p->frames + 1, err);
	p->frames += count;
	return ok && !aggregate_failed(p->aggregate, err);
}

static struct run_facts facts_of(const struct pipeline *p, struct source *source)
{
	struct run_facts facts = { .inputs = source };
	struct source_stats read;

	source_stats(source, &read);
	worker_counts(p->worker, &facts.counts);
	facts.read = read.frames;
	facts.counts.filtered = read.filtered;
	return facts;
}

static bool some_frame_is_known(const struct stage_counts *counts, struct error *err)
{
	int linktype = counts->decode.unsupported_linktype;
	const char *name = linktype_name(linktype);

	return counts->frames == 0 || counts->account[REASON_unsupported_link] < counts->frames ||
	       error_set(err, EXIT_INPUT,
			 "no frame can be read: footsteps does not know the link type %s (%d)",
			 name ? name : "without a name", linktype);
}

static bool finish_facts(struct pipeline *p, const struct run_facts *facts, struct error *err)
{
	struct stage_counts counts = facts->counts;
	const struct input_info *input;

	for (size_t i = 0; (input = source_input(facts->inputs, i)); i++) {
		counts.dropped += input->dropped;
		counts.judge.value[JUDGE_untimed] += input->untimed;
	}
	tell_counts(p, &counts);
	facts_writer_flush(p->facts);
	if (p->failed && err)
		*err = p->failure;
	return !p->failed && !facts_writer_failed(p->facts, err);
}

bool pipeline_finish(struct pipeline *p, struct source *source, struct sink *sink, struct run_row *run,
		     struct problems *problems, struct aggregate_summary *summary, struct error *err)
{
	struct run_facts facts = facts_of(p, source);

	if (!some_frame_is_known(&facts.counts, err))
		return false;
	worker_finish(p->worker);
	facts = facts_of(p, source);
	if (p->facts && !finish_facts(p, &facts, err))
		return false;
	account_problems(&facts.counts, problems);
	run->idle_ns = p->options.worker.flows.idle_ns;
	return aggregate_finish(p->aggregate, sink, run, &facts, problems, summary, err);
}

void pipeline_print_account(const struct pipeline *p, struct source *source,
			    const struct aggregate_summary *summary, FILE *out)
{
	const struct run_facts facts = facts_of(p, source);

	account_print(&facts, summary->flows, summary->packets_in_flows, out);
}

uint64_t pipeline_frame_count(const struct pipeline *p)
{
	return p->frames;
}

void pipeline_flow_stats(const struct pipeline *p, struct flow_table_stats *out)
{
	struct stage_counts counts;

	worker_counts(p->worker, &counts);
	*out = counts.flows;
}
