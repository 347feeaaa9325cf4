#include "server/http/static_files.h"

#include "core/base/buffer.h"
#include "core/base/text.h"
#include "server/http/content.h"
#include "server/http/field.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	TAG_BYTES = 64,
	GZIP_LEVEL = 6,
	GZIP_MAXIMUM = 4 * 1024 * 1024, /* larger files are sent as they are */
	CACHED_MOST = 128,
};

/* A file's compressed form, made once: most assets are asked for again and again. */
struct compressed {
	struct compressed *next;
	char tag[TAG_BYTES]; /* of the file it was made from */
	char *data;
	size_t length;
};

struct static_files {
	int dirfd;
	struct compressed *cache;
	unsigned cached;
};

struct asset {
	int fd;
	struct stat status;
	const char *content_type;
	char tag[TAG_BYTES];
};

struct static_files *static_files_create(const char *directory, struct error *error)
{
	struct static_files *files = calloc(1, sizeof(*files));
	if (!files) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	files->dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (files->dirfd >= 0)
		return files;
	error_set_errno(error, -errno, NULL, "cannot open %s", directory);
	free(files);
	return NULL;
}

static void drop_cache(struct static_files *files)
{
	for (struct compressed *entry; (entry = files->cache);) {
		files->cache = entry->next;
		free(entry->data);
		free(entry);
	}
	files->cached = 0;
}

void static_files_destroy(struct static_files *files)
{
	if (!files)
		return;
	drop_cache(files);
	close(files->dirfd);
	free(files);
}

static const char *content_type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
	    {".html", "text/html; charset=utf-8"},
	    {".js", "text/javascript; charset=utf-8"},
	    {".mjs", "text/javascript; charset=utf-8"},
	    {".css", "text/css; charset=utf-8"},
	    {".json", "application/json"},
	    {".map", "application/json"},
	    {".yaml", "application/yaml"},
	    {".txt", "text/plain; charset=utf-8"},
	    {".md", "text/plain; charset=utf-8"},
	    {".svg", "image/svg+xml"},
	    {".png", "image/png"},
	    {".ico", "image/x-icon"},
	    {".webmanifest", "application/manifest+json"},
	    {".wasm", "application/wasm"},
	    {".woff2", "font/woff2"},
	};
	const char *suffix = strrchr(path, '.');
	for (size_t i = 0; suffix && i < sizeof(types) / sizeof(types[0]); i++)
		if (text_equal(suffix, types[i].suffix))
			return types[i].type;
	return "application/octet-stream";
}

/* The kernel keeps the path below the directory; hidden names are nobody's business besides. */
static int open_asset(const struct static_files *files, const char *path, struct asset *asset)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	if (path[0] == '.' || path[0] == '/' || strstr(path, "/."))
		return -ENOENT;
	asset->fd = (int) syscall(SYS_openat2, files->dirfd, path, &how, sizeof(how));
	if (asset->fd < 0)
		return -errno;
	if (fstat(asset->fd, &asset->status) < 0 || !S_ISREG(asset->status.st_mode)) {
		close(asset->fd);
		return -ENOENT;
	}
	asset->content_type = content_type_of(path);
	snprintf(asset->tag, sizeof(asset->tag), "\"%llx-%llx-%llx\"",
		 (unsigned long long) asset->status.st_ino, (unsigned long long) asset->status.st_size,
		 (unsigned long long) asset->status.st_mtim.tv_sec * 1000000000ull +
		     (unsigned long long) asset->status.st_mtim.tv_nsec);
	return 0;
}

static void add_headers(struct request *request, const struct asset *asset)
{
	static const struct {
		const char *name, *value;
	} fixed[] = {
	    {"Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; "
					"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Cross-Origin-Opener-Policy", "same-origin"},
	    {"Cross-Origin-Resource-Policy", "same-origin"},
	    {"Cache-Control", "no-cache"},
	    /* A link to another server is no reason to look up its name. */
	    {"X-DNS-Prefetch-Control", "off"},
	};
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		reply_header(request, fixed[i].name, fixed[i].value);
	char modified[64];
	struct tm broken_down;
	gmtime_r(&asset->status.st_mtim.tv_sec, &broken_down);
	strftime(modified, sizeof(modified), "%a, %d %b %Y %H:%M:%S GMT", &broken_down);
	reply_header(request, "ETag", asset->tag);
	reply_header(request, "Last-Modified", modified);
	if (content_is_compressible(asset->content_type) && asset->status.st_size >= CONTENT_GZIP_MINIMUM)
		reply_header(request, "Vary", "Accept-Encoding");
}

/* If-Modified-Since counts only where there is no If-None-Match (RFC 9110, 13.1.3). */
static bool is_unchanged(const struct request *request, const struct asset *asset)
{
	const char *tags = request_header(request, "If-None-Match");
	const char *since = request_header(request, "If-Modified-Since");
	if (tags)
		return field_matches_tag(tags, asset->tag);
	struct tm broken_down = {0};
	const char *end = since ? strptime(since, "%a, %d %b %Y %H:%M:%S GMT", &broken_down) : NULL;
	return end && !*end && asset->status.st_mtim.tv_sec <= timegm(&broken_down);
}

static struct compressed *compress(struct static_files *files, const struct asset *asset)
{
	cleanup_buffer struct buffer plain = {0}, packed = {0};
	size_t size = (size_t) asset->status.st_size;
	if (buffer_reserve(&plain, size) < 0 || pread(asset->fd, plain.data, size, 0) != (ssize_t) size ||
	    content_gzip(plain.data, size, GZIP_LEVEL, &packed) < 0)
		return NULL;
	struct compressed *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	if (files->cached >= CACHED_MOST)
		drop_cache(files);
	memcpy(entry->tag, asset->tag, sizeof(entry->tag));
	entry->length = packed.length;
	entry->data = TAKE(packed.data);
	entry->next = files->cache;
	files->cache = entry;
	files->cached++;
	return entry;
}

static const struct compressed *compressed_form(struct static_files *files, const struct request *request,
						const struct asset *asset)
{
	if (!content_is_compressible(asset->content_type) || asset->status.st_size < CONTENT_GZIP_MINIMUM ||
	    asset->status.st_size > GZIP_MAXIMUM ||
	    !field_accepts_gzip(request_header(request, "Accept-Encoding")))
		return NULL;
	for (struct compressed *entry = files->cache; entry; entry = entry->next)
		if (text_equal(entry->tag, asset->tag))
			return entry;
	return compress(files, asset);
}

void static_files_reply(struct static_files *files, struct request *request, const char *path)
{
	size_t length = strlen(path);
	cleanup_free char *index = NULL;
	struct asset asset = {.fd = -1};
	if (!length || path[length - 1] == '/') {
		index = text_format("%sindex.html", path);
		path = index;
	}
	if (!path || open_asset(files, path, &asset) < 0) {
		reply_problem(request, "not_found", "there is no such file");
		return;
	}
	add_headers(request, &asset);
	const struct compressed *compressed;
	if (is_unchanged(request, &asset)) {
		close(asset.fd);
		reply_empty(request, 304);
	} else if ((compressed = compressed_form(files, request, &asset))) {
		close(asset.fd);
		reply_header(request, "Content-Encoding", "gzip");
		reply_bytes(request, 200, asset.content_type, compressed->data, compressed->length);
	} else {
		reply_file(request, 200, asset.content_type, asset.fd, 0, asset.status.st_size);
	}
}
