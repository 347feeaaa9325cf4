#pragma once

#include "server/http/router.h"

/* Every call of the API; ends with a NULL pattern. */
extern const struct route api_routes[];
