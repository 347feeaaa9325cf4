#pragma once

/* Each prints its rows of the table. */

#include "tests/bench/service.h"

void bench_start(struct service *service);
void bench_commands(struct service *service);
void bench_console(struct service *service);
void bench_requests(struct service *service);
void bench_runs(struct service *service);
void bench_expect(struct service *service);
void bench_matching(struct service *service);
/* Skips where there is no Renode. */
void bench_renode(struct service *service);
/* Wants an emud that has done nothing yet. */
void bench_footprint(struct service *service);
