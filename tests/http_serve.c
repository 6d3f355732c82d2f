/*
 * Serves the web page with a state that a test makes up: http_serve ADDRESS [REPORT]. Says the URL, then
 * takes the state's JSON from stdin, a line each; ends with it.
 */
#include "live/http.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In place of live/state.c: the page cannot tell. */
struct live_state {
	pthread_mutex_t lock;
	char *json;
};

char *live_state_json(struct live_state *s)
{
	pthread_mutex_lock(&s->lock);
	char *copy = strdup(s->json);
	pthread_mutex_unlock(&s->lock);
	return copy;
}

char *live_state_metrics(struct live_state *s)
{
	(void)s;
	return strdup("# EOF\n");
}

static void say(void *self, const char *line)
{
	(void)self;
	fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
	struct live_state state = { PTHREAD_MUTEX_INITIALIZER, NULL };
	struct http_options options = { .address = argc > 1 ? argv[1] : "",
					.state = &state,
					.report = argc > 2 ? argv[2] : NULL,
					.say = say };
	struct error err = { 0 };
	size_t size = 0;
	char *line = NULL;

	state.json = strdup("{}");
	struct http *h = state.json ? http_start(&options, &err) : NULL;
	if (!h || !http_serve(h, &err)) {
		fprintf(stderr, "%s\n", err.text);
		http_stop(h);
		free(state.json);
		return (int)err.status;
	}
	puts(http_url(h));
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0) {
		char *next = strdup(line);
		pthread_mutex_lock(&state.lock);
		char *old = state.json;
		state.json = next ? next : old;
		pthread_mutex_unlock(&state.lock);
		if (next)
			free(old);
		puts("ok");
		fflush(stdout);
	}
	http_stop(h);
	free(line);
	free(state.json);
	return 0;
}
