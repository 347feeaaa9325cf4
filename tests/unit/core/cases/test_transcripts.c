/* What each format prints (data/<name>.txt), and the cases that are in it (data/<name>.json). */

#include "support.h"

#include "core/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct transcript {
	char name[64];
	char *text;
	size_t length;
	json_t *wanted;
};

static struct transcript transcripts[64];
static size_t count;

static int read_transcripts(void **state)
{
	(void) state;
	DIR *folder = opendir(TEST_DATA);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		const char *end = strstr(entry->d_name, ".txt");
		if (!end)
			continue;
		struct transcript *transcript = &transcripts[count++];
		char path[128];
		snprintf(transcript->name, sizeof(transcript->name), "%.*s", (int) (end - entry->d_name),
			 entry->d_name);
		assert_int_equal(file_read(dirfd(folder), entry->d_name, 65536, &transcript->text,
					   &transcript->length, NULL),
				 0);
		snprintf(path, sizeof(path), "%s/%s.json", TEST_DATA, transcript->name);
		transcript->wanted = json_load_file(path, 0, NULL);
		if (!transcript->wanted)
			print_error("%s: cannot be read\n", path);
		assert_non_null(transcript->wanted);
	}
	closedir(folder);
	return 0;
}

static int free_transcripts(void **state)
{
	(void) state;
	for (size_t i = 0; i < count; i++) {
		free(transcripts[i].text);
		json_decref(transcripts[i].wanted);
	}
	return 0;
}

static void each_holds_the_cases_that_are_written_beside_it(void **state)
{
	(void) state;
	assert_true(count >= 16);
	for (size_t i = 0; i < count; i++)
		expect_cases(transcripts[i].wanted, find(transcripts[i].text, transcripts[i].length, 0),
			     transcripts[i].name);
}

static void it_does_not_matter_in_what_chunks_they_come(void **state)
{
	(void) state;
	for (size_t i = 0; i < count; i++)
		for (size_t chunk = 1; chunk < 20; chunk++)
			expect_cases(transcripts[i].wanted,
				     find(transcripts[i].text, transcripts[i].length, chunk),
				     transcripts[i].name);
}

/* At every place in two. */
static void it_does_not_matter_where_they_are_cut(void **state)
{
	(void) state;
	for (size_t i = 0; i < count; i++)
		for (size_t cut = 1; cut < transcripts[i].length; cut++) {
			struct cases *cases = cases_create(NULL);
			assert_int_equal(cases_feed(cases, transcripts[i].text, cut, NULL), 0);
			assert_int_equal(
			    cases_feed(cases, transcripts[i].text + cut, transcripts[i].length - cut, NULL),
			    0);
			assert_int_equal(cases_end(cases, NULL), 0);
			expect_cases(transcripts[i].wanted, cases_to_json(cases), transcripts[i].name);
			cases_destroy(cases);
		}
}

static void lines_may_end_in_other_ways(void **state)
{
	(void) state;
	static const char *const ends[] = {"\r\n", "\r"};
	for (size_t i = 0; i < 2 * count; i++) {
		const struct transcript *transcript = &transcripts[i / 2];
		const char *end = ends[i % 2];
		char *text = malloc(2 * transcript->length);
		size_t length = 0;
		for (size_t at = 0; at < transcript->length; at++) {
			if (transcript->text[at] != '\n') {
				text[length++] = transcript->text[at];
				continue;
			}
			memcpy(text + length, end, strlen(end));
			length += strlen(end);
		}
		for (size_t chunk = 0; chunk < 4; chunk++)
			expect_cases(transcript->wanted, find(text, length, chunk), transcript->name);
		free(text);
	}
}

static void they_may_come_behind_one_another(void **state)
{
	(void) state;
	char *text = malloc(count * 65536);
	size_t length = 0;
	json_t *wanted = json_array();
	for (size_t i = 0; i < count; i++) {
		/* One that a crash has cut short is ended by the next, which may be of another format: later.
		 */
		if (strstr(transcripts[i].name, "crash") || strstr(transcripts[i].name, "tap") ||
		    strcmp(transcripts[i].name, "ztest") == 0 || strstr(transcripts[i].name, "fixture") ||
		    strcmp(transcripts[i].name, "noise") == 0 || strstr(transcripts[i].name, "quiet"))
			continue;
		memcpy(text + length, transcripts[i].text, transcripts[i].length);
		length += transcripts[i].length;
		json_array_extend(wanted, transcripts[i].wanted);
	}
	json_t *found = find(text, length, 0);
	assert_int_equal(json_array_size(found), json_array_size(wanted));
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		size_t at = 0;
		while (at < json_array_size(found) &&
		       !json_equal(json_array_get(wanted, i), json_array_get(found, at)))
			at++;
		assert_true(at < json_array_size(found));
	}
	json_decref(found);
	json_decref(wanted);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_holds_the_cases_that_are_written_beside_it),
	    cmocka_unit_test(it_does_not_matter_in_what_chunks_they_come),
	    cmocka_unit_test(it_does_not_matter_where_they_are_cut),
	    cmocka_unit_test(lines_may_end_in_other_ways),
	    cmocka_unit_test(they_may_come_behind_one_another),
	};
	return cmocka_run_group_tests(tests, read_transcripts, free_transcripts);
}
