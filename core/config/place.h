#pragma once

/*
 * A place in a configuration file: the way from its root to a value, for the messages. Places live on the
 * stack of whoever walks the tree, each pointing to the one above it.
 */

#include <jansson.h>
#include <stddef.h>

struct place {
	const char *file;
	const struct place *parent; /* NULL: the root */
	const char *key;            /* NULL: the index-th item of a list */
	size_t index;
	const json_t *mark; /* NULL: what is looked for is not there */
};

struct place place_root(const char *file, const json_t *mark);
struct place place_member(const struct place *parent, const char *key);
struct place place_item(const struct place *parent, size_t index);

/* The line of the place, or of the nearest one above it that is there; 0: unknown. */
int place_line(const struct place *place);

enum { PLACE_PATH_SIZE = 512 };

/* "pw.pw_emu.targets.x.qemu.args[2]"; cut where it is longer than out. */
void place_path(const struct place *place, char out[static PLACE_PATH_SIZE]);
