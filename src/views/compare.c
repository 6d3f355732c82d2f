/* `footsteps compare`: computes the parts that are wanted, then prints them. */
#include "views/compare.h"
#include "views/compare_parts.h"

static bool wanted(const struct compare_request *request, enum compare_part part)
{
	return request->part == part || request->part == COMPARE_PART_COUNT;
}

static bool parts_compute(struct comparison *c, const struct compare_request *request, struct error *err)
{
	return compare_runs(c, err) && (!wanted(request, COMPARE_counts) || compare_counts(c, err)) &&
	       (!wanted(request, COMPARE_distributions) || compare_distributions(c, err)) &&
	       (!(wanted(request, COMPARE_sockets) || c->members) || compare_sockets(c, err)) &&
	       (!(wanted(request, COMPARE_flows) || wanted(request, COMPARE_labels)) ||
		compare_flows(c, err));
}

bool compare(const struct view *a, const struct view *b, const struct compare_request *request, FILE *out,
	     struct error *err)
{
	struct comparison c = {
		.side = { a, b },
		.members = request->part == COMPARE_members ||
			   (request->all && request->part == COMPARE_PART_COUNT),
	};
	bool ok = results_open(&c, err) && parts_compute(&c, request, err) &&
		  compare_print(&c, request, out, err);

	results_close(&c);
	return ok;
}
