#pragma once

/*
 * What boards are doing just now, for whoever looks: CPU and memory every SAMPLES_INTERVAL_MS, the last line
 * of the first console as it comes. Nothing of it is stored. A listener that takes no more for a while misses
 * samples, and is then told how every board stands. While nobody listens, nothing is watched, read or timed.
 */

#include "core/base/error.h"
#include "core/channels/growth.h"
#include "core/loop/loop.h"
#include "server/shims/fleet.h"

#include <jansson.h>

enum { SAMPLES_INTERVAL_MS = 2000 };

struct samples;
struct samples *samples_create(struct loop *loop, struct fleet *fleet, struct growth *growth,
			       struct error *error);
void samples_destroy(struct samples *samples); /* listeners must be gone */

/* A board has changed: within the fleet's on_change. */
void samples_look(struct samples *samples, const struct fleet_change *change);

struct sample_listener;
/* sample is as the API tells it, borrowed. Returns 0, or anything else where it has not taken it: nothing
 * more comes until sample_listener_resume. May not end a listener. */
typedef int sample_sink(const json_t *sample, void *data);

/* Of one instance (copied; NULL: of all). How they stand now comes first, from the next turn of the loop on.
 * NULL: no memory. */
struct sample_listener *sample_listener_create(struct samples *samples, const char *instance,
					       sample_sink *sink, void *data, struct error *error);
void sample_listener_destroy(struct sample_listener *listener); /* takes NULL */
void sample_listener_resume(struct sample_listener *listener);

/* What is remembered of this board's CPU and memory. New reference, NULL: no memory. */
json_t *samples_describe_history(const struct samples *samples, const struct board *board);
