#pragma once

/* A run's output as a reply, as it comes or from its record. */

#include "server/api/app.h"
#include "server/http/request.h"

struct run_stream_options {
	int64_t id;
	int64_t offset, limit; /* of the output; INT64_MAX: all */
	bool is_followed;      /* until the run has ended; else what is there */
	bool has_summary;      /* one line behind the last byte that tells the verdict */
	bool is_strict;        /* a verdict other than "passed" leaves the body unfinished */
	bool is_owner;         /* a client that goes away ends the run */
};

/* The headers that tell of the run were set before. */
void reply_run_stream(struct request *request, struct app *app, unsigned status, const char *content_type,
		      const struct run_stream_options *options);
