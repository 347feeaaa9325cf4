#pragma once

/* How a configuration comes together; config_load is its public face. */

#include "core/config/document.h"
#include "core/config/findings.h"
#include "core/config/tree.h"

/* Where files come from: the disk, or memory in tests. */
struct config_source {
	/* *ret_text ends with a NUL at [length] and is the caller's. */
	int (*read)(const char *path, char **ret_text, size_t *ret_length, void *data, struct error *error);
	void *data;
};

/* As config_load; path is absolute. */
struct config *config_load_from(const struct config_source *source, const char *path,
				const struct config_emulator *const *emulators, struct config_report *report);

/* One load under way. */
struct loader {
	const struct config_source *source;
	struct config *config; /* being filled */
	struct findings findings;
	char **emulator_names;   /* every emulator that may have sections, built in or not */
	char **broken_emulators; /* those with errors in the section of their own, or in their declaration */
};

/* Reads a file; 0, or negative with errors added. place: what names the file. */
int load_document(struct loader *loader, const char *path, const struct place *place,
		  struct document *ret_document);

bool load_is_listed(char *const *names, const char *name);
