#include "core/cases/cases.h"

#include "core/cases/case_list.h"
#include "core/cases/line_reader.h"
#include "core/cases/recognizers.h"

enum { RECOGNIZERS_MOST = 16 };

struct cases {
	struct line_reader reader;
	struct case_list list;
	void *states[RECOGNIZERS_MOST]; /* as the rows of the table */
};

static int on_line(struct span line, void *data)
{
	struct cases *cases = data;
	int result = 0;
	for (size_t i = 0; recognizers[i] && result == 0; i++)
		result = recognizers[i]->look(cases->states[i], line, &cases->list);
	return result < 0 ? result : 0;
}

struct cases *cases_create(struct error *error)
{
	struct cases *cases = calloc(1, sizeof(*cases));
	bool is_whole = cases;
	for (size_t i = 0; is_whole && recognizers[i]; i++) {
		cases->states[i] = calloc(1, recognizers[i]->state_bytes);
		is_whole = cases->states[i];
	}
	if (is_whole) {
		cases->reader.on_line = on_line;
		cases->reader.data = cases;
		return cases;
	}
	cases_destroy(cases);
	error_set(error, -ENOMEM, NULL, "no memory");
	return NULL;
}

void cases_destroy(struct cases *cases)
{
	if (!cases)
		return;
	for (size_t i = 0; recognizers[i]; i++) {
		if (cases->states[i])
			recognizers[i]->finish(cases->states[i]);
		free(cases->states[i]);
	}
	line_reader_finish(&cases->reader);
	case_list_finish(&cases->list);
	free(cases);
}

int cases_feed(struct cases *cases, const void *bytes, size_t length, struct error *error)
{
	if (line_reader_feed(&cases->reader, bytes, length) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return 0;
}

int cases_end(struct cases *cases, struct error *error)
{
	int result = line_reader_end(&cases->reader);
	for (size_t i = 0; result == 0 && recognizers[i]; i++)
		result = recognizers[i]->end(cases->states[i], &cases->list);
	return result < 0 ? error_set(error, -ENOMEM, NULL, "no memory") : 0;
}

json_t *cases_to_json(const struct cases *cases)
{
	return case_list_to_json(&cases->list);
}
