/* A run's spec: checked; and one without faults, made complete, is a spec that is complete already. */

#include "core/base/json.h"
#include "server/api/fields.h"
#include "server/api/run_query.h"
#include "server/api/run_spec.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES = 64 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool check(const json_t *spec)
{
	struct field_faults faults = {0};
	run_spec_check(spec, INPUT_BYTES, &faults);
	bool is_sound = !faults.list;
	require(is_sound == (!faults.is_form && !faults.is_meaning));
	run_query_name_faults(&faults);
	for (size_t i = 0; i < json_array_size(faults.list); i++) {
		const json_t *fault = json_array_get(faults.list, i);
		require(json_member_string(fault, "pointer", "")[0] == '?');
		require(json_member_string(fault, "detail", "")[0]);
	}
	json_decref(faults.list);
	return is_sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body = json_parse((const char *) data, size, NULL);
	if (body && check(body)) {
		json_t *spec = run_spec_normalize(body);
		require(spec && check(spec));
		json_t *again = run_spec_normalize(spec);
		require(json_equal(spec, again));
		json_decref(again);
		json_decref(spec);
	}
	json_decref(body);
	return 0;
}
