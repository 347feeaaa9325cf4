#pragma once

/* What is known of each uploaded file. The bytes are server/api/file_store's. */

#include "core/base/error.h"
#include "server/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct file_row {
	char *sha256;  /* of the content, lower-case hex */
	char *name;    /* as the first uploader called it; "" where nobody did */
	char *kind;    /* "raw", "elf32", "elf64" */
	char *machine; /* what an ELF header says, or NULL */
	int64_t size_bytes;
	bool has_entry;
	uint64_t entry; /* address */
	int64_t created_at_ms;
	bool is_kept; /* false: it came with runs alone, and goes with the last of them */
};

void file_row_finish(struct file_row *row);
#define cleanup_file_row cleanup(file_row_finish)

/* A row that is there already stays as it is; ret_is_new (may be NULL) tells which it was. */
int files_insert(struct store *store, const struct file_row *row, bool *ret_is_new, struct error *error);

/* -ENOENT with code "not_found". Finish ret_row. */
int files_get(struct store *store, const char *sha256, struct file_row *ret_row, struct error *error);

/* From now on it stays without a run. -ENOENT with code "not_found". */
int files_keep(struct store *store, const char *sha256, struct error *error);

/* -ENOENT with code "not_found"; -EBUSY with "file_in_use" while an instance or a run refers to it. */
int files_delete(struct store *store, const char *sha256, struct error *error);

/* Deletes it if it is not kept and nothing refers to it; *ret_is_gone tells. One that is not there: success.
 */
int files_release(struct store *store, const char *sha256, bool *ret_is_gone, struct error *error);

/* By name, then digest. The cursor is the last row of the page before: both after_ or none. */
struct files_page {
	const char *after_name;
	const char *after_sha256;
	int64_t limit; /* 0: all */
};

/* on_row and ret_has_more as with instances_list. */
int files_list(struct store *store, const struct files_page *page,
	       int (*on_row)(struct file_row *row, void *data), void *data, bool *ret_has_more,
	       struct error *error);
