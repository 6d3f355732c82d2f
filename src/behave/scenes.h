/*
 * What a message-sequence chart can be drawn of (B17): a start-up, a search or a call, with the flows of its
 * client that have messages in it. Bounded: so many scenes of a kind, the first ones, and SCENE_FLOWS_MAX
 * flows of each; what is beyond is counted.
 */
#ifndef FS_BEHAVE_SCENES_H
#define FS_BEHAVE_SCENES_H
#include "base/error.h"
#include "behave/calls.h"
#include "behave/labelled.h"

#define SCENE_KINDS(X) X(login, 400U) X(search, 200U) X(call, 400U)
enum scene_kind {
#define X(name, most) SCENE_##name,
	SCENE_KINDS(X)
#undef X
		SCENE_KIND_COUNT
};
extern const char *const scene_kind_names[SCENE_KIND_COUNT];

#define SCENE_FLOWS_MAX 400U
/* Of these, for flows that are not signalling over UDP: a chart without its login would be none. */
#define SCENE_FLOWS_KEPT_FREE 64U
/* What follows a login (wire B4: notices 1.1 s to 11.7 s after it). */
#define SCENE_LOGIN_NS INT64_C(15000000000)
/* Signalling of a call: before its media, while they begin, and around their end. BS IV.D gives no times. */
#define SCENE_CALL_BEFORE_NS INT64_C(10000000000)
#define SCENE_CALL_AROUND_NS INT64_C(5000000000)

struct scene_window {
	int64_t from, to;
};
struct scene {
	enum scene_kind kind;
	uint32_t number, client;       /* client 0: none */
	struct scene_window window[2]; /* in order; the second one may be empty */
	uint32_t flows;
};
struct scene_flow {
	uint32_t scene;
	uint64_t flow;
};

struct scenes { /* zeroed: empty */
	struct scene *scene;
	uint32_t count, room;
	uint32_t of_kind[SCENE_KIND_COUNT];
	int64_t longest_ns;
	struct scene_flow *flow;
	uint32_t flows, flow_room;
	uint64_t refused, refused_flows;
};

void scenes_drop(struct scenes *s);
/* In order of time for each kind. False only when out of memory. */
bool scenes_add(struct scenes *s, const struct scene *scene, struct error *err);
bool scenes_add_call(struct scenes *s, const struct call *call, uint32_t number, int64_t first_ns,
		     struct error *err);
/* After the last scene, before the first flow. */
void scenes_sort(struct scenes *s);
/* call: that the flow is media of, or 0. *wanted: it is in a scene, and its messages are to be kept. */
bool scenes_flow(struct scenes *s, const struct labelled_flow *f, uint32_t call, bool *wanted,
		 struct error *err);
/* A media flow of a call, whether it is a client's or not. */
bool scenes_call_flow(struct scenes *s, uint32_t call, uint64_t flow, struct error *err);
/* After the last flow, for writing: by scene and flow, each once. */
void scenes_finish(struct scenes *s);
#endif
