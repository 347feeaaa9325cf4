#pragma once

/* The kept output of earlier starts: "<console>.out" moves to starts/<n>/ when start n+1 begins. */

#include "core/base/error.h"

#include <stdint.h>

/* Makes room for start start_number: moves what start_number - 1 left, removes what is older than
 * kept_starts. Leftovers of that start (pid files, FIFOs, exit.json) are removed. */
int archive_earlier_start(int dirfd, int64_t start_number, uint64_t kept_starts, struct error *error);
