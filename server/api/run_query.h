#pragma once

/* A run told by query parameters, where the body is the firmware itself. */

#include "server/http/request.h"

#include <jansson.h>
#include <stdbool.h>

struct field_faults;

/* What the parameters say, as the JSON that a body would have borne; what cannot be read is left out and
 * added to *faults. New reference; NULL: no memory. */
json_t *run_query_read(struct request *request, struct field_faults *faults);

/* Adds each parameter that was given: where the body is JSON there are none. */
void run_query_refuse(struct request *request, struct field_faults *faults);

/* The JSON pointers of the faults as the parameters that they are about: /pass/1 as ?pass/1. */
void run_query_name_faults(struct field_faults *faults);
