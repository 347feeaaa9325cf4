#pragma once

/* `file` as clients give it: a path below a configured root, or the digest of an uploaded file. */

#include "core/base/error.h"
#include "server/api/digest.h"
#include "server/api/file_store.h"

#include <jansson.h>
#include <stdint.h>

/* Where files may come from. Borrowed. */
struct file_sources {
	const char *const *roots; /* absolute paths, NULL-terminated; NULL: none */
	struct file_store *uploads;
};

struct opened_file {
	int fd;                       /* O_RDONLY, close-on-exec; a regular file */
	char *path;                   /* without symlinks: where it really lies */
	char sha256[DIGEST_HEX_SIZE]; /* "" where it was given by its path */
	uint64_t size_bytes;
};

/* An opened_file that holds nothing. */
#define OPENED_FILE_NONE ((struct opened_file){.fd = -1})

void opened_file_finish(struct opened_file *file);
#define cleanup_opened_file cleanup(opened_file_finish)

/*
 * Opens what value names: {"path": "/abs"}, {"sha256": "..."}, "/abs" or "sha256:<hex>". Codes:
 * "invalid_request" (not one of these forms), "invalid_value" (a path that is not absolute, no digest),
 * "path_not_allowed" (below none of the roots, or a symlink leads out of them), "file_not_found",
 * "invalid_file" (no regular file, or unreadable). ret_file is untouched on failure.
 */
int paths_open_file(const struct file_sources *sources, const json_t *value, struct opened_file *ret_file,
		    struct error *error);
