#pragma once

/* A run as JUnit XML, as CI systems read it. */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Of the output, so much at most (its end) is put into <system-out>. */
enum { JUNIT_OUTPUT_BYTES = 1024 * 1024 };

/*
 * run: the run as the API tells it ("id", "target", "verdict", "reason", "detail", "duration" in seconds,
 * "created_at", "tests" as core/cases has them). output: the console's last bytes, any bytes; is_cut: there
 * was more before them. A run without test cases is one case itself; one whose verdict is not told by its
 * cases (say a crash after the last) has one case more that tells it. The caller frees the text. Blocks: not
 * in the loop's thread for much output. NULL with error set: no memory.
 */
char *junit_write(const json_t *run, const void *output, size_t length, bool is_cut, size_t *ret_length,
		  struct error *error);
