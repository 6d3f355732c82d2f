/* The subcommands of footsteps-peer: each is a cmd_*.c of its own, and a row in main.c. */
#ifndef FS_PEER_COMMANDS_H
#define FS_PEER_COMMANDS_H
#include "cmd.h"
#include "peer/scenario.h"

extern const struct subcommand subcommand_trace, subcommand_live, subcommand_check;

/*
 * The scenario that an argument means: a file, or by its bare name one of those that come with the program
 * ($FOOTSTEPS_DATA/scenarios, $FOOTSTEPS_DATA/traces/scenarios, or where it was installed). NULL: *err says
 * what there is instead.
 */
struct scenario *scenario_open(const char *argument, struct error *err);
/* Calls `each` with the bare name of each shipped scenario, in order. False: there is no folder of them. */
bool scenario_shipped(void (*each)(const char *name, void *self), void *self);
#endif
