#pragma once

/* What the tests of cases share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cases/cases.h"

/* What is found when the bytes are fed in chunks of that many (the last may be shorter; 0: in one). */
json_t *find(const char *bytes, size_t length, size_t chunk);

/* Fails, telling both, unless they are equal; takes found. */
void expect_cases(const json_t *wanted, json_t *found, const char *what);

/* One case's member as text, "" where it has none; fails where there is no such case. */
const char *case_text(const json_t *cases, size_t index, const char *key);
