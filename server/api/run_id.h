#pragma once

#include "server/http/request.h"

#include <stdbool.h>
#include <stdint.h>

/* The run that {id} names. False: 404 was replied, since it can be no run's. */
bool require_run_id(struct request *request, int64_t *ret_id);
