#pragma once

#include "server/api/app.h"

/* The instance `demo`: made if it is not there, started if it does not run. False where that fails, which is
 * logged. */
bool demo_start(struct app *app);
/* The URL and three curl lines to try, on stdout. base_url: without a slash at its end. */
void demo_print(const char *base_url);
