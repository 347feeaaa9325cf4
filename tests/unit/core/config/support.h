#pragma once

/* Configurations from memory, and a made-up emulator, so that these tests need neither files nor QEMU. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_FILE "/project/pigweed.json"

/* "toy": executable at either level, machine required, channels of the type given. */
extern const struct config_emulator *const toy_emulators[];

struct memory_file {
	const char *path;
	const char *text;
};

struct loaded {
	struct config *config;
	struct config_report report;
};

/* Loads MAIN_FILE from text, with up to NULL-path terminated other files. */
struct loaded load_files(const char *text, const struct memory_file *others);
struct loaded load_text(const char *text);
void loaded_finish(struct loaded *loaded);

/* The report holds exactly these lines, in any order; NULL ends the list. Frees loaded. */
void assert_findings(struct loaded loaded, ...) __attribute__((sentinel));

/* JSON equality, told by text. Takes both references. */
void assert_json(json_t *found, const char *expected);

static inline struct loaded load_clean(const char *text)
{
	struct loaded loaded = load_text(text);
	for (size_t i = 0; i < loaded.report.count; i++)
		print_error("unexpected: %s\n", loaded.report.problems[i].message);
	assert_int_equal(loaded.report.count, 0);
	assert_non_null(loaded.config);
	return loaded;
}
