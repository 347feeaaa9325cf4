#pragma once

/*
 * What has happened, in one row of the store each, numbered without gaps by the order in which it happened:
 * every change of instances, runs and configuration, with who asked for it.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/loop/loop.h"
#include "server/store/store.h"

#include <jansson.h>
#include <stdint.h>

struct events;

struct event {
	const char *type;     /* "instance.state" */
	const char *actor;    /* who asked for it; NULL: nobody did */
	const char *instance; /* id, or NULL */
	const char *run;      /* id, or NULL */
	json_t *data;         /* stolen; NULL: nothing more to tell */
};

/* Keeps it and tells every listener in the next turn of the loop. A store that fails is logged: what
 * happened has happened. */
void events_publish(struct events *events, const struct event *event);
