#pragma once

/*
 * One start of an instance: its channels, helper processes and emulator, from spec.json to exit.json.
 *
 *   starting -> running <-> paused -> stopping -> exited | failed
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"
#include "core/handles/spec.h"
#include "core/loop/loop.h"

#include <jansson.h>

struct instance;
struct channels;

struct instance_events {
	/* The status has changed (state, processes, ...). */
	void (*on_change)(void *data);
	/* It has ended: exit.json is written, nothing of it is left. Called once, last. */
	void (*on_ended)(void *data);
};

/* Takes spec. dirfd and firmware_fd (-1: none) are borrowed. */
struct instance *instance_create(struct loop *loop, struct log *log, struct spec *spec, int dirfd,
				 int firmware_fd, const struct instance_events *events, void *data,
				 struct error *error);
void instance_destroy(struct instance *instance);

/* Begins the start. What comes of it is told by on_change: running, paused, or an end with start_failed. */
void instance_start(struct instance *instance);

/* Begins to end it: SIGTERM to all, SIGKILL after limits.stop_timeout. Twice is once. */
void instance_stop(struct instance *instance);

/* As the API tells it. New reference. */
json_t *instance_status(const struct instance *instance);

/* For the commands. NULL and an error ("not_running", "instance_busy") while there is no guest. */
struct launcher *instance_launcher(struct instance *instance, const struct connector_ops **ret_connector,
				   struct error *error);
struct channels *instance_channels(
    struct instance *instance); /* NULL before they are made and after the end */
/* One user of the channels that must let go before they are closed (NULL: none any more). */
void instance_on_closing(struct instance *instance, void (*on_closing)(void *data), void *data);
bool instance_is_paused(const struct instance *instance);
bool instance_is_live(const struct instance *instance); /* running or paused */
bool instance_is_disk_full(struct instance *instance);  /* looks now */
/* Steps of a run's input, counted from 0: the first that was not taken yet. */
int64_t instance_input_step(const struct instance *instance);
void instance_set_input_step(struct instance *instance, int64_t step);
const struct spec *instance_spec(const struct instance *instance);
const char *instance_state_dir(const struct instance *instance); /* absolute */
int instance_dirfd(const struct instance *instance);             /* the same, open */
struct loop *instance_loop(const struct instance *instance);
/* "EMUD_COOKIE=...", what each child gets; NULL-terminated. */
const char *const *instance_environment(const struct instance *instance);
/* Where every process of it is born; NULL: there are no cgroups here. */
const struct cgroup *instance_cgroup(const struct instance *instance);
