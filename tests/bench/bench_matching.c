/* How fast a log is matched that comes in chunks, against PCRE2 over all of it at once and against grep; and
 * how fast test cases are looked for in it. */

#include "core/cases/cases.h"
#include "core/patterns/pattern_watch.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_BYTES (64u << 20)
#define CHUNK_BYTES (48u << 10) /* as server/watch reads */
#define ROUNDS 3

/* What CI looks for. Nothing of it is in the log, so that all of it is looked at. */
static const char *const patterns[] = {
    "PASSED",
    "FAILED",
    "[Pp]anic: .*",
    "ASSERT(ION)? .* failed",
    "Hard ?Fault",
    "^Kernel panic - not syncing",
    "stack overflow in task (\\w+)",
    "tests? run: (\\d+), failed: [1-9]",
    "^\\[ *FAILED *\\]",
    "^not ok \\d+",
    "Segmentation fault",
    "Unable to handle kernel .* at virtual address",
    "Oops: [0-9a-f]{4}",
    "BUG: .*",
    "Backtrace:",
    "Guru Meditation Error",
    "abort\\(\\) was called at PC 0x[0-9a-f]+",
    "assert failed: .*:\\d+",
    "E: (Fatal|FATAL) .*",
    ">>> ZEPHYR FATAL ERROR \\d+",
    "PROJECT EXECUTION (SUCCESSFUL|FAILED)",
    "Tests \\d+ Failures [1-9]\\d*",
    "watchdog (reset|timeout)",
    "out of memory",
    "malloc failed",
    "timed out after \\d+ ms",
    "checksum (mismatch|error)",
    "(?i)uncaught exception",
    "CRC error on block \\d+",
    "double free or corruption",
    "login: $",
    "reboot: (Power down|System halted)",
};

static char *make_log(void)
{
	static const char *const lines[] = {
	    "<inf> sensor: temperature %u mC, humidity %u ppm",
	    "<dbg> net_tcp: segment of %u bytes acknowledged, window %u",
	    "<inf> main: loop took %u us, %u us idle",
	    "<wrn> flash: sector %u erased %u times",
	    "test_case_%u ok (%u us)",
	};
	char *log = malloc(LOG_BYTES + 256);
	unsigned seed = 1;
	for (size_t used = 0; used < LOG_BYTES;) {
		seed = seed * 1103515245u + 12345u;
		used += (size_t) sprintf(log + used, "[%08u.%03u] ", seed >> 12, seed % 1000);
		used += (size_t) sprintf(log + used, lines[(seed >> 16) % (sizeof(lines) / sizeof(lines[0]))],
					 seed >> 20, seed % 10007);
		log[used++] = '\n';
	}
	return log;
}

static double rate(double began_ms)
{
	return LOG_BYTES / 1048.576 / (now_ms() - began_ms);
}

/* ---- each way of looking ---- */

static double watch_rate(const char *log, size_t count)
{
	struct error error;
	struct pattern_set *set = pattern_set_create(&error);
	for (size_t i = 0; i < count; i++)
		if (pattern_set_add(set, patterns[i], strlen(patterns[i]), &error) < 0)
			fail("%s: %s", patterns[i], error.message);
	const struct pattern_beginning beginning = {0};
	struct pattern_watch *watch = pattern_watch_create(set, &beginning, &error);
	double start = now_ms();
	for (size_t at = 0; at < LOG_BYTES; at += CHUNK_BYTES) {
		struct pattern_match match;
		size_t left = LOG_BYTES - at;
		int result = pattern_watch_feed(watch, log + at, left < CHUNK_BYTES ? left : CHUNK_BYTES,
						&match, &error);
		if (result)
			fail("matching at %zu: %s", at, result > 0 ? patterns[match.pattern] : error.message);
	}
	double result = rate(start);
	pattern_watch_destroy(watch);
	pattern_set_unref(set);
	return result;
}

static double pcre2_rate(const char *log, size_t count)
{
	pcre2_code *codes[sizeof(patterns) / sizeof(patterns[0])];
	pcre2_match_data *data = pcre2_match_data_create(8, NULL);
	for (size_t i = 0; i < count; i++) {
		int number;
		size_t offset;
		codes[i] = pcre2_compile((PCRE2_SPTR) patterns[i], PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE,
					 &number, &offset, NULL);
		pcre2_jit_compile(codes[i], PCRE2_JIT_COMPLETE);
	}
	double start = now_ms();
	for (size_t i = 0; i < count; i++)
		if (pcre2_match(codes[i], (PCRE2_SPTR) log, LOG_BYTES, 0, 0, data, NULL) !=
		    PCRE2_ERROR_NOMATCH)
			fail("PCRE2 finds %s", patterns[i]);
	double result = rate(start);
	for (size_t i = 0; i < count; i++)
		pcre2_code_free(codes[i]);
	pcre2_match_data_free(data);
	return result;
}

/* Perl's syntax, each line once: what a shell script would do. */
static double grep_rate(const char *log_file, size_t count)
{
	char command[8192];
	size_t used = (size_t) sprintf(command, "LC_ALL=C grep -q -P '");
	for (size_t i = 0; i < count; i++)
		used += (size_t) sprintf(command + used, "%s(?:%s)", i ? "|" : "", patterns[i]);
	sprintf(command + used, "' %s", log_file);
	double start = now_ms();
	system(command);
	return rate(start);
}

static double cases_rate(const char *log)
{
	struct cases *cases = cases_create(NULL);
	double start = now_ms();
	for (size_t at = 0; at < LOG_BYTES; at += CHUNK_BYTES) {
		size_t left = LOG_BYTES - at;
		cases_feed(cases, log + at, left < CHUNK_BYTES ? left : CHUNK_BYTES, NULL);
	}
	double result = rate(start);
	cases_destroy(cases);
	return result;
}

/* ---- the rows ---- */

static void bench_patterns(const char *log, const char *log_file, size_t count)
{
	double watch[ROUNDS], at_once[ROUNDS], grep[ROUNDS];
	char what[64];
	for (int round = 0; round < ROUNDS; round++) {
		watch[round] = watch_rate(log, count);
		at_once[round] = pcre2_rate(log, count);
		grep[round] = grep_rate(log_file, count);
	}
	snprintf(what, sizeof(what), "matching, patterns: %zu; PCRE2 at once", count);
	table_ratio(what, "-", (struct sample){watch, ROUNDS}, (struct sample){at_once, ROUNDS}, "MB/s");
	snprintf(what, sizeof(what), "matching, patterns: %zu; grep", count);
	table_ratio(what, "-", (struct sample){watch, ROUNDS}, (struct sample){grep, ROUNDS}, "MB/s");
}

void bench_matching(struct service *service)
{
	static const size_t counts[] = {1, 8, 32};
	char log_file[128];
	char *log = make_log();
	snprintf(log_file, sizeof(log_file), "%s/log", service->state_dir);
	int fd = open(log_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, log, LOG_BYTES) != LOG_BYTES)
		fail("%s: %m", log_file);
	close(fd);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bench_patterns(log, log_file, counts[i]);
	double cases[ROUNDS];
	for (int round = 0; round < ROUNDS; round++)
		cases[round] = cases_rate(log);
	table_value("looking for test cases", "-", median(cases, ROUNDS), "MB/s", "");
	unlink(log_file);
	free(log);
}
