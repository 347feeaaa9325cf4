#pragma once

/*
 * What a launcher learnt about a running instance: channels, processes, gdb command. Saved as handles.json
 * in pw_emu's form, so that `pw emu` can work on the instance; also the channels and processes of the API.
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct handles;

/* emulator, target: copied; config: the path of config.json. NULL: no memory. */
struct handles *handles_create(const char *emulator, const char *target, const char *config,
			       const char *const *gdb_command);
void handles_destroy(struct handles *handles);

/* kind: "console", "gdb", "monitor", "control". */
void handles_add_tcp(struct handles *handles, const char *name, const char *kind, uint16_t port);
void handles_add_pty(struct handles *handles, const char *name, const char *kind, const char *path);
/* A channel without a raw endpoint (they are off where tokens are on). */
void handles_add_bare(struct handles *handles, const char *name, const char *kind, const char *type);

/* One that somebody else offers, as he tells it: {"type","host","port"} or {"type","path"}. */
void handles_add_foreign(struct handles *handles, const char *name, const char *kind, const json_t *endpoint);

void handles_add_process(struct handles *handles, const char *name, pid_t pid);
void handles_remove_process(struct handles *handles, const char *name);

/* {"serial0":{"type","host","port","kind"}}; borrowed. */
const json_t *handles_channels(const struct handles *handles);
/* {"qemu":{"pid"}}; borrowed. */
const json_t *handles_processes(const struct handles *handles);

/* Takes the endpoints out of all channels (they have ended) and forgets the processes. */
void handles_make_bare(struct handles *handles);

int handles_save(const struct handles *handles, int dirfd, struct error *error);
void handles_remove(int dirfd);
