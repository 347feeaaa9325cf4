/* From curl to verdict: a run of a firmware that prints PASSED, alone and many at once. */

#include "tests/bench/bare_qemu.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 31
#define RUNS 200
#define LOOP_ROUNDS 3
#define MOST_THREADS 256

static const char run_path[] = "/runs?target=qemu-lm3s6965evb&pass=PASSED";

struct firmware {
	char path[4200];
	char *bytes;
	size_t size;
};

static void read_firmware(const struct service *service, struct firmware *firmware)
{
	struct stat status;
	snprintf(firmware->path, sizeof(firmware->path), "%s/passed.elf", service->firmware_dir);
	int fd = open(firmware->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		fail("%s: %m", firmware->path);
	firmware->size = (size_t) status.st_size;
	firmware->bytes = malloc(firmware->size);
	if (read(fd, firmware->bytes, firmware->size) != status.st_size)
		fail("%s: %m", firmware->path);
	close(fd);
}

/* ---- one at a time ---- */

/* What is measured next shall not meet what this run leaves to be done: its board is gone. */
static void settle(struct service *service, const char *id)
{
	char path[128], wait[160];
	snprintf(path, sizeof(path), "/instances/run-%.*s", (int) strspn(id, "0123456789"), id);
	snprintf(wait, sizeof(wait), "%s/wait?for=ended", path);
	http_call(&service->http, "GET", wait, NULL, NULL, NULL);
	while (http_call(&service->http, "GET", path, NULL, NULL, NULL) != 404)
		continue;
}

static const char *header_value(const char *headers, const char *name)
{
	const char *field = strcasestr(headers, name);
	return field ? field + strlen(name) : "";
}

static void put_run(struct http *http, const struct firmware *firmware, char **ret_headers)
{
	int status = http_put(http, run_path, firmware->bytes, firmware->size, ret_headers);
	if (status != 200 || strncmp(header_value(*ret_headers, "\r\nEmud-Verdict: "), "passed", 6) != 0)
		fail("PUT %s: %s", run_path, *ret_headers);
}

static double run_of_upload(struct service *service, const struct firmware *firmware)
{
	char *headers;
	double start = now_ms();
	put_run(&service->http, firmware, &headers);
	double took = now_ms() - start;
	settle(service, header_value(headers, "\r\nEmud-Run: "));
	free(headers);
	return took;
}

/* file: as JSON. */
static double run_of_file(struct service *service, const char *file)
{
	char body[8192], *headers, *answer;
	snprintf(body, sizeof(body), "{\"target\":\"qemu-lm3s6965evb\",\"pass\":[\"PASSED\"],\"file\":%s}",
		 file);
	double start = now_ms();
	int status = http_call(&service->http, "POST", "/runs", body, &headers, &answer);
	double took = now_ms() - start;
	if (status != 200 || !strstr(answer, "\"verdict\":\"passed\""))
		fail("POST /runs: %s", answer);
	settle(service, header_value(headers, "\r\nEmud-Run: "));
	free(headers);
	free(answer);
	return took;
}

static double bare_run(const struct firmware *firmware)
{
	struct bare_qemu qemu;
	char output[256] = "";
	size_t used = 0;
	double start = now_ms();
	bare_start(&qemu, firmware->path, BARE_UNIX_CONSOLE);
	while (!strstr(output, "PASSED")) {
		ssize_t got = read(qemu.console, output + used, sizeof(output) - 1 - used);
		if (got <= 0)
			fail("bare QEMU printed %s", output);
		used += (size_t) got;
		output[used] = '\0';
	}
	double took = now_ms() - start;
	bare_stop(&qemu);
	return took;
}

static void bench_one_run(struct service *service, const struct firmware *firmware)
{
	double bare[ROUNDS], uploaded[ROUNDS], named[ROUNDS];
	char file[4300];
	snprintf(file, sizeof(file), "\"%s\"", firmware->path);
	for (int round = 0; round < ROUNDS; round++) {
		bare[round] = bare_run(firmware);
		uploaded[round] = run_of_upload(service, firmware);
		named[round] = run_of_file(service, file);
	}
	table_ratio("PUT /runs with the firmware, to the verdict", "1.3 or less",
		    (struct sample){uploaded, ROUNDS}, (struct sample){bare, ROUNDS}, "ms");
	table_ratio("POST /runs with its path, to the verdict", "1.3 or less", (struct sample){named, ROUNDS},
		    (struct sample){bare, ROUNDS}, "ms");
}

/* ---- many at once ---- */

struct crowd {
	const struct service *service;
	const struct firmware *firmware;
	atomic_int left;
};

static void *run_until_none_is_left(void *data)
{
	struct crowd *crowd = data;
	struct http *http = malloc(sizeof(*http));
	http_connect(http, crowd->service->port);
	while (atomic_fetch_sub(&crowd->left, 1) > 0) {
		char *headers;
		put_run(http, crowd->firmware, &headers);
		free(headers);
	}
	http_close(http);
	free(http);
	return NULL;
}

static double emud_runs(struct service *service, const struct firmware *firmware, int at_once)
{
	struct crowd crowd = {.service = service, .firmware = firmware, .left = RUNS};
	pthread_t threads[MOST_THREADS];
	double start = now_ms();
	for (int i = 0; i < at_once; i++)
		if (pthread_create(&threads[i], NULL, run_until_none_is_left, &crowd))
			fail("no thread");
	for (int i = 0; i < at_once; i++)
		pthread_join(threads[i], NULL);
	double took = now_ms() - start;
	/* The last one's QEMU may still be going. */
	run_of_upload(service, firmware);
	return took / 1e3;
}

/* As a script does it that ends QEMU as soon as it has seen enough, instead of when the time is over. */
static double shell_runs(const struct firmware *firmware, int at_once)
{
	char command[8192];
	snprintf(command, sizeof(command),
		 "seq %d | xargs -P %d -I N sh -c '"
		 "{ timeout 10 qemu-system-arm -machine lm3s6965evb -nographic -kernel \"%s\" 2>&1 & echo "
		 "$!; wait; }"
		 " | { read -r pid; grep -q -m 1 PASSED; status=$?; kill $pid; exit $status; }'",
		 RUNS, at_once, firmware->path);
	double start = now_ms();
	int status = system(command);
	if (status)
		fail("the shell loop ended with %d", status);
	return (now_ms() - start) / 1e3;
}

static void bench_many_runs(struct service *service, const struct firmware *firmware)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int at_once = cores < MOST_THREADS ? (int) cores : MOST_THREADS;
	double bare[LOOP_ROUNDS], emud[LOOP_ROUNDS];
	char what[64];
	for (int round = 0; round < LOOP_ROUNDS; round++) {
		bare[round] = shell_runs(firmware, at_once);
		emud[round] = emud_runs(service, firmware, at_once);
	}
	snprintf(what, sizeof(what), "%d runs, %d at once, against a shell loop", RUNS, at_once);
	table_ratio(what, "-", (struct sample){emud, LOOP_ROUNDS}, (struct sample){bare, LOOP_ROUNDS}, "s");
}

void bench_runs(struct service *service)
{
	struct firmware firmware;
	read_firmware(service, &firmware);
	bench_one_run(service, &firmware);
	bench_many_runs(service, &firmware);
	free(firmware.bytes);
}
