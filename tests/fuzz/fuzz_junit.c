/* A console of any bytes, its test cases, and a run whose words are taken from it: the XML is well-formed
 * (expat reads it), and tells as many cases as it counts. The first byte says how the run went. */

#include "core/base/text.h"
#include "core/cases/cases.h"
#include "server/runs/junit.h"

#include <expat.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

struct counted {
	long told, cases;
};

static void on_start(void *data, const char *name, const char **attributes)
{
	struct counted *counted = data;
	counted->cases += strcmp(name, "testcase") == 0;
	for (; *attributes && strcmp(name, "testsuites") == 0; attributes += 2)
		if (strcmp(attributes[0], "tests") == 0)
			counted->told = strtol(attributes[1], NULL, 10);
}

static void read_back(const char *text, size_t length)
{
	struct counted counted = {0};
	XML_Parser parser = XML_ParserCreate(NULL);
	XML_SetUserData(parser, &counted);
	XML_SetStartElementHandler(parser, on_start);
	expect(XML_Parse(parser, text, (int) length, 1) == XML_STATUS_OK);
	XML_ParserFree(parser);
	expect(counted.cases >= 1 && counted.cases == counted.told);
}

static json_t *make_run(uint8_t how, const uint8_t *bytes, size_t length)
{
	static const char *const verdicts[] = {"passed",  "failed",      "timed_out",
					       "crashed", "not_started", "canceled"};
	struct cases *cases = cases_create(NULL);
	cases_feed(cases, bytes, length, NULL);
	cases_end(cases, NULL);
	char *words = text_to_utf8((const char *) bytes, length < 100 ? length : 100);
	json_t *run = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:s, s:o, s:{s:s}}", "id", "1", "target",
				words, "verdict", verdicts[how % 6], "reason", words, "detail", words,
				"duration", (double) how, "created_at", words, "tests", cases_to_json(cases),
				"labels", words, words);
	expect(run != NULL);
	free(words);
	cases_destroy(cases);
	return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	json_t *run = make_run(data[0], data + 1, size - 1);
	size_t length = 0;
	char *text = junit_write(run, data + 1, size - 1, data[0] & 1, &length, NULL);
	expect(text != NULL);
	read_back(text, length);
	free(text);
	json_decref(run);
	return 0;
}
