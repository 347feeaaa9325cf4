#pragma once

/* The files of one directory, served to browsers: MIME types, ETag, Last-Modified, gzip, and the headers
 * that keep a page from being anything but ours. */

#include "core/base/error.h"
#include "server/http/request.h"

struct static_files;

/* directory is opened now and kept open. NULL with error set. */
struct static_files *static_files_create(const char *directory, struct error *error);
void static_files_destroy(struct static_files *files);

/* The reply: the file at the relative path below the directory ("" or one that ends in "/": its index.html),
 * 304 or 404. Nothing above the directory, no symlink and no hidden file can be reached. */
void static_files_reply(struct static_files *files, struct request *request, const char *path);
