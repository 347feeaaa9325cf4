#include "harness.h"

#include "server/http/static_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#define HOST "Host: localhost\r\n"

static struct static_files *files;
static char directory[] = "/tmp/emud-static-XXXXXX";
static struct harness harness;

static void get_file(struct request *request, void *app)
{
	(void) app;
	static_files_reply(files, request, request_parameter(request, "rest"));
}

static const struct route routes[] = {
    {"GET", "/ui/{rest*}", get_file, BODY_NONE, NULL, "getFile", 0, ROUTE_OPEN | ROUTE_UNVERSIONED},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static void write_file(const char *name, size_t length)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < length; i++)
		fputc("abcdefgh"[i % 8], file);
	fclose(file);
}

static int set_up(void **state)
{
	(void) state;
	char path[256];
	struct error error = {0};
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sub", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/link.js", directory);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	write_file("index.html", 20);
	write_file("app.js", 5000);
	write_file("sub/data.bin", 3000);
	write_file(".hidden", 5);
	files = static_files_create(directory, &error);
	assert_non_null(files);
	harness_start(&harness, routes, (struct http_gate){0}, 60);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	static const char *const names[] = {"index.html", "app.js", "sub/data.bin", ".hidden", "link.js"};
	char path[256];
	harness_stop(&harness);
	static_files_destroy(files);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/sub", directory);
	rmdir(path);
	rmdir(directory);
	return 0;
}

static void test_index_bears_the_protective_headers(void **state)
{
	(void) state;
	struct response response = exchange(&harness, "GET /ui/ HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(response.status, 200);
	assert_int_equal(response.body_length, 20);
	assert_true(head_has(&response, "Content-Type: text/html; charset=utf-8\r\n"));
	assert_true(head_has(&response, "Content-Security-Policy: default-src 'self';"));
	assert_false(head_has(&response, "unsafe-inline"));
	assert_true(head_has(&response, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(head_has(&response, "Referrer-Policy: no-referrer\r\n"));
	assert_true(head_has(&response, "Cross-Origin-Opener-Policy: same-origin\r\n"));
	assert_true(head_has(&response, "Cross-Origin-Resource-Policy: same-origin\r\n"));
	assert_true(head_has(&response, "X-DNS-Prefetch-Control: off\r\n"));
	assert_true(head_has(&response, "Last-Modified: "));
}

static void test_asset_is_compressed_and_conditional(void **state)
{
	(void) state;
	struct response response =
	    exchange(&harness, "GET /ui/app.js HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
	assert_true(head_has(&response, "Content-Encoding: gzip\r\n"));
	assert_true(head_has(&response, "Vary: Accept-Encoding\r\n"));
	assert_true(head_has(&response, "Content-Type: text/javascript; charset=utf-8\r\n"));
	assert_true(response.body_length < 500);
	char tag[64], modified[64], request[512];
	assert_int_equal(sscanf(strstr(response.head, "ETag: "), "ETag: %63[^\r]", tag), 1);
	assert_int_equal(
	    sscanf(strstr(response.head, "Last-Modified: "), "Last-Modified: %63[^\r]", modified), 1);
	snprintf(request, sizeof(request), "GET /ui/app.js HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
		 tag);
	assert_int_equal(exchange(&harness, request).status, 304);
	snprintf(request, sizeof(request), "GET /ui/app.js HTTP/1.1\r\n" HOST "If-Modified-Since: %s\r\n\r\n",
		 modified);
	assert_int_equal(exchange(&harness, request).status, 304);
	response = exchange(&harness, "GET /ui/app.js HTTP/1.1\r\n" HOST "If-None-Match: \"other\"\r\n\r\n");
	assert_int_equal(response.status, 200);
	assert_int_equal(response.body_length, 5000);
	response =
	    exchange(&harness, "GET /ui/sub/data.bin HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
	assert_true(head_has(&response, "Content-Type: application/octet-stream\r\n"));
	assert_int_equal(response.body_length, 3000);
}

static void test_nothing_outside_can_be_reached(void **state)
{
	(void) state;
	static const char *const paths[] = {
	    "../../../../etc/passwd",
	    "%2e%2e/%2e%2e/etc/passwd",
	    "sub/..%2f..%2f..%2fetc/passwd",
	    "%2fetc/passwd",
	    "link.js",
	    ".hidden",
	    "sub",
	    "sub/",
	    "no.js",
	    "sub/../index.html",
	    "index.html/",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char request[256];
		snprintf(request, sizeof(request), "GET /ui/%s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
		struct response response = exchange(&harness, request);
		if (response.status != 404)
			fail_msg("%s: %u", paths[i], response.status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_index_bears_the_protective_headers),
	    cmocka_unit_test(test_asset_is_compressed_and_conditional),
	    cmocka_unit_test(test_nothing_outside_can_be_reached),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
