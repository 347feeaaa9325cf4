#include "server/api/file_store.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "server/api/digest.h"
#include "server/api/firmware.h"

#include <dirent.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UPLOAD_PREFIX ".upload-"

struct file_store {
	struct store *store;
	char *directory;
	int dirfd;
	uint64_t max_file_bytes;
	uint64_t upload_count; /* names the next upload's temporary file */
};

struct file_upload {
	struct file_store *files;
	int fd;
	char name[32]; /* of the temporary file; "" once it is renamed */
	gnutls_hash_hd_t hash;
	uint64_t size_bytes;
};

static int no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, NULL, "no memory for a file");
}

/* ---- rows ---- */

static int insert_row(struct file_store *files, const char *sha256, const char *name,
		      const struct firmware *firmware, bool is_kept, struct error *error)
{
	const struct file_row row = {
	    .sha256 = (char *) sha256,
	    .name = (char *) (name ? name : ""),
	    .kind = (char *) firmware->kind,
	    .machine = firmware->machine[0] ? (char *) firmware->machine : NULL,
	    .size_bytes = (int64_t) firmware->size_bytes,
	    .has_entry = firmware->has_entry,
	    .entry = firmware->entry,
	    .created_at_ms = clock_wall_ms(),
	    .is_kept = is_kept,
	};
	return files_insert(files->store, &row, NULL, error);
}

/* ---- what an earlier emud left ---- */

static int hash_file(int fd, char out[static DIGEST_HEX_SIZE])
{
	gnutls_hash_hd_t hash;
	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return -ENOMEM;
	char chunk[64 * 1024];
	ssize_t got;
	int64_t offset = 0;
	while ((got = pread(fd, chunk, sizeof(chunk), offset)) > 0) {
		gnutls_hash(hash, chunk, (size_t) got);
		offset += got;
	}
	uint8_t digest[DIGEST_BYTES];
	gnutls_hash_deinit(hash, digest);
	digest_to_hex(digest, out);
	return got < 0 ? -EIO : 0;
}

/* A file that was kept just before emud died has no row yet; one whose last run went has one still. */
static void adopt(struct file_store *files, const char *name)
{
	cleanup_file_row struct file_row row = {0};
	int number = files_get(files->store, name, &row, NULL);
	if (number != -ENOENT) {
		if (!number)
			file_store_release(files, name, NULL);
		return;
	}
	cleanup_close int fd = openat(files->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct firmware firmware;
	char digest[DIGEST_HEX_SIZE];
	if (fd < 0 || firmware_inspect(fd, &firmware, NULL) || hash_file(fd, digest) ||
	    !text_equal(digest, name))
		unlinkat(files->dirfd, name, 0);
	else
		insert_row(files, name, NULL, &firmware, true, NULL);
}

static int put_right(struct file_store *files, struct error *error)
{
	int fd = openat(files->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		int number = error_set_errno(error, -errno, NULL, "%s cannot be read", files->directory);
		if (fd >= 0)
			close(fd);
		return number;
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		char digest[DIGEST_HEX_SIZE];
		if (text_starts_with(entry->d_name, UPLOAD_PREFIX))
			unlinkat(files->dirfd, entry->d_name, 0);
		else if (!digest_normalize_hex(entry->d_name, digest) && text_equal(entry->d_name, digest))
			adopt(files, entry->d_name);
	}
	closedir(directory);
	return 0;
}

struct file_store *file_store_create(const char *directory, struct store *store, uint64_t max_file_bytes,
				     struct error *error)
{
	struct file_store *files = calloc(1, sizeof(*files));
	if (files)
		files->directory = strdup(directory);
	if (!files || !files->directory) {
		free(files);
		no_memory(error);
		return NULL;
	}
	files->store = store;
	files->dirfd = -1;
	files->max_file_bytes = max_file_bytes;
	int number = file_make_directories(directory, 0700, error);
	if (!number) {
		files->dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (files->dirfd < 0)
			number = error_set_errno(error, -errno, NULL, "%s cannot be opened", directory);
	}
	if (!number)
		number = put_right(files, error);
	if (!number)
		return files;
	file_store_destroy(files);
	return NULL;
}

void file_store_destroy(struct file_store *files)
{
	if (!files)
		return;
	if (files->dirfd >= 0)
		close(files->dirfd);
	free(files->directory);
	free(files);
}

/* ---- uploads ---- */

/* A full disk or quota is the caller's to hear of; what else can fail on a write is the machine's. */
static int write_failed(int number, struct error *error)
{
	return error_set_errno(error, number, "internal_error", "the file cannot be stored");
}

struct file_upload *file_upload_create(struct file_store *files, struct error *error)
{
	struct file_upload *upload = calloc(1, sizeof(*upload));
	if (!upload || gnutls_hash_init(&upload->hash, GNUTLS_DIG_SHA256) < 0) {
		free(upload);
		no_memory(error);
		return NULL;
	}
	upload->files = files;
	snprintf(upload->name, sizeof(upload->name), UPLOAD_PREFIX "%" PRIu64, files->upload_count++);
	upload->fd =
	    openat(files->dirfd, upload->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (upload->fd >= 0)
		return upload;
	write_failed(-errno, error);
	upload->name[0] = '\0';
	file_upload_destroy(upload);
	return NULL;
}

int file_upload_append(struct file_upload *upload, const void *bytes, size_t length, struct error *error)
{
	uint64_t limit = upload->files->max_file_bytes;
	if (length > limit || upload->size_bytes > limit - length)
		return error_set(error, -EFBIG, "too_large",
				 "the file has more than %" PRIu64 " bytes (limits.file_bytes)", limit);
	for (size_t done = 0; done < length;) {
		ssize_t written = write(upload->fd, (const char *) bytes + done, length - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return write_failed(-errno, error);
		done += (size_t) written;
	}
	if (gnutls_hash(upload->hash, bytes, length) < 0)
		return no_memory(error);
	upload->size_bytes += length;
	return 0;
}

/* Gives the bytes that were just put in place their row, or takes them away again. */
static int describe_new(struct file_store *files, const char *sha256, const char *name,
			const struct firmware *firmware, bool is_kept, struct file_row *ret_row,
			struct error *error)
{
	int number = insert_row(files, sha256, name, firmware, is_kept, error);
	if (number)
		unlinkat(files->dirfd, sha256, 0);
	return number ? number : files_get(files->store, sha256, ret_row, error);
}

static int commit(struct file_upload *upload, const char *name, bool is_kept, struct file_row *ret_row,
		  bool *ret_is_new, struct error *error)
{
	struct file_store *files = upload->files;
	struct firmware firmware;
	int number = firmware_inspect(upload->fd, &firmware, error);
	if (number)
		return number;
	uint8_t digest[DIGEST_BYTES];
	char sha256[DIGEST_HEX_SIZE];
	gnutls_hash_output(upload->hash, digest);
	digest_to_hex(digest, sha256);
	number = files_get(files->store, sha256, ret_row, error);
	if (number && number != -ENOENT)
		return number;
	*ret_is_new = number == -ENOENT;
	/* Also over a file that is there: it has the same bytes, unless the disk lost some of them. */
	if (renameat(files->dirfd, upload->name, files->dirfd, sha256)) {
		number = write_failed(-errno, error);
		file_row_finish(ret_row);
		return number;
	}
	upload->name[0] = '\0';
	return *ret_is_new ? describe_new(files, sha256, name, &firmware, is_kept, ret_row, error) : 0;
}

int file_upload_commit(struct file_upload *upload, const char *name, struct file_row *ret_row,
		       bool *ret_is_new, struct error *error)
{
	int number = commit(upload, name, true, ret_row, ret_is_new, error);
	if (number || ret_row->is_kept)
		return number;
	number = files_keep(upload->files->store, ret_row->sha256, error);
	if (number)
		file_row_finish(ret_row);
	else
		ret_row->is_kept = true;
	return number;
}

int file_upload_commit_for_run(struct file_upload *upload, const char *name, struct file_row *ret_row,
			       bool *ret_is_new, struct error *error)
{
	return commit(upload, name, false, ret_row, ret_is_new, error);
}

void file_upload_destroy(struct file_upload *upload)
{
	if (!upload)
		return;
	if (upload->name[0])
		unlinkat(upload->files->dirfd, upload->name, 0);
	if (upload->fd >= 0)
		close(upload->fd);
	gnutls_hash_deinit(upload->hash, NULL);
	free(upload);
}

/* ---- use ---- */

int file_store_open(struct file_store *files, const char *sha256, struct error *error)
{
	char digest[DIGEST_HEX_SIZE];
	if (digest_normalize_hex(sha256, digest))
		return error_set(error, -EINVAL, "invalid_value", "a SHA-256 is 64 hexadecimal digits");
	cleanup_file_row struct file_row row = {0};
	int number = files_get(files->store, digest, &row, error);
	if (number == -ENOENT)
		return error_set(error, -ENOENT, "file_not_found",
				 "no file with the SHA-256 %s was uploaded: POST it to /files first", digest);
	if (number)
		return number;
	cleanup_close int fd = openat(files->dirfd, digest, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	if (fd < 0 && errno != ENOENT)
		return error_set_errno(error, -errno, "invalid_file", "the uploaded file %s cannot be read",
				       digest);
	if (fd < 0 || fstat(fd, &status) || status.st_size != row.size_bytes)
		return error_set(error, -EIO, "invalid_file",
				 "the bytes of the uploaded file %s are lost or cut short: upload it again",
				 digest);
	return TAKE_FD(fd);
}

int file_store_delete(struct file_store *files, const char *sha256, struct error *error)
{
	char digest[DIGEST_HEX_SIZE];
	if (digest_normalize_hex(sha256, digest))
		return error_set(error, -ENOENT, "not_found", "a SHA-256 is 64 hexadecimal digits");
	int number = files_delete(files->store, digest, error);
	if (!number)
		unlinkat(files->dirfd, digest, 0);
	return number;
}

int file_store_release(struct file_store *files, const char *sha256, struct error *error)
{
	bool is_gone = false;
	int number = files_release(files->store, sha256, &is_gone, error);
	if (is_gone)
		unlinkat(files->dirfd, sha256, 0);
	return number;
}

char *file_store_path(const struct file_store *files, const char *sha256)
{
	return text_format("%s/%s", files->directory, sha256);
}
