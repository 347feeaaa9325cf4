#pragma once

/*
 * Uploaded files: the bytes of each in <directory>/<sha256>, mode 0600, its row in the store.
 *
 * A file appears under its digest only when it is whole. What a killed emud has left is put right by
 * file_store_create: half an upload is removed, whole bytes without a row get one.
 */

#include "core/base/error.h"
#include "server/store/files.h"

#include <stddef.h>
#include <stdint.h>

struct file_store;

/* Makes the directory (0700) where it is missing. The store is borrowed. */
struct file_store *file_store_create(const char *directory, struct store *store, uint64_t max_file_bytes,
				     struct error *error);
/* Uploads must have been destroyed before. */
void file_store_destroy(struct file_store *files);

/* A file on its way in. Any number at a time. */
struct file_upload;
struct file_upload *file_upload_create(struct file_store *files, struct error *error);

/* -EFBIG with code "too_large"; -ENOSPC with "insufficient_storage". After a failure only destroy remains. */
int file_upload_append(struct file_upload *upload, const void *bytes, size_t length, struct error *error);

/* The bytes are all there: keeps them, under name (NULL or "": none), unless an ELF header says that they
 * are damaged ("invalid_file"). ret_row (finish it) is the row of the file, which is an older one where
 * the file was there before: then *ret_is_new is false and name is not used. */
int file_upload_commit(struct file_upload *upload, const char *name, struct file_row *ret_row,
		       bool *ret_is_new, struct error *error);

/* The same for a file that came with a run: unless it is kept anyhow, it goes when file_store_release finds
 * that nothing refers to it any more. The run's row is to follow in this turn of the loop. */
int file_upload_commit_for_run(struct file_upload *upload, const char *name, struct file_row *ret_row,
			       bool *ret_is_new, struct error *error);

/* Leaves nothing behind of an upload that was not committed. */
void file_upload_destroy(struct file_upload *upload);

/* The open file (O_RDONLY) or a negative errno: -ENOENT with code "file_not_found", -EINVAL with
 * "invalid_value" where sha256 is not a digest, -EIO with "invalid_file" when the bytes on disk are gone. */
int file_store_open(struct file_store *files, const char *sha256, struct error *error);

/* Row and bytes. As files_delete. */
int file_store_delete(struct file_store *files, const char *sha256, struct error *error);

/* A run that had it is no more (or was never stored): deletes it, row and bytes, if it came with runs alone
 * and neither a run nor an instance refers to it. What an instance still has then is looked at again by the
 * next emud. 0 whatever became of it; an error of the store. */
int file_store_release(struct file_store *files, const char *sha256, struct error *error);

/* The absolute path of a file of that digest; caller frees; NULL: no memory. */
char *file_store_path(const struct file_store *files, const char *sha256);
