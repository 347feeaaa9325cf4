#pragma once

/* The spec of an instance as clients send it: checked whole before anything is done. */

#include "server/api/app.h"
#include "server/http/request.h"

#include <jansson.h>
#include <stdbool.h>

/* Checks form and meaning. False: the problem was replied. put_id: the id of the URL, or NULL. */
bool instance_spec_check(struct request *request, const json_t *body, const char *put_id);

/* The body as it is kept, defaults filled in, without id and path:
 * {"target","emulator"?,"file"?,"args","paused", "debug","labels","start"}. Two that ask the same are
 * json_equal. New reference. */
json_t *instance_spec_normalize(const json_t *body);

struct field_faults;

/* What an instance's labels hold, at /labels; NULL: none. */
void labels_check(const json_t *labels, struct field_faults *faults);

/* Both forms of a file reference as the long one. New reference. */
json_t *file_reference_normalize(const json_t *file);

/* {"paused","file","args"} of start and restart; body may be NULL. False: replied. */
bool start_request_check(struct request *request, const json_t *body);
