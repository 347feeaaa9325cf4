#pragma once

/* Answers that tell what came of a run, in the form the client asked for. */

#include "server/api/app.h"
#include "server/api/run_body.h"
#include "server/http/request.h"
#include "server/runs/runs.h"

enum run_form { RUN_FORM_JSON, RUN_FORM_TEXT, RUN_FORM_JUNIT };

/* Which one Accept asks for. False: a problem was replied. */
bool run_form_choose(struct request *request, const struct run_answer *answer, enum run_form *ret_form);

/* To POST /runs: at once with detach, with stream as it comes, else when it has ended. Its client going away
 * ends the run, unless detached. */
void reply_new_run(struct request *request, struct app *app, struct run *run, const struct run_answer *answer,
		   enum run_form form);

/* 200 with the run as JSON when it has ended. */
void reply_ended_run(struct request *request, struct app *app, struct run *run);

/* The run's JUnit report, made on the pool. */
void reply_junit(struct request *request, struct app *app, unsigned status, int64_t id);
