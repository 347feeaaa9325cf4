#include "support.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

/* The targets on emulator "toy", whose executable is what a prestarted process depends on. */
static json_t *prestarts_of(struct loaded *loaded, const char *emulator, const char *targets)
{
	cleanup_free char *text = text_format("pw: {pw_emu: {toy: {%s}, targets: {%s}}}", emulator, targets);
	*loaded = load_clean(text);
	return config_prestarts(loaded->config);
}

static void none_stand_ready_unless_asked_for(void **state)
{
	(void) state;
	struct loaded loaded;
	cleanup_json json_t *prestarts = prestarts_of(&loaded, "executable: e", "a: {toy: {machine: m}}");
	assert_int_equal(json_array_size(prestarts), 0);
	loaded_finish(&loaded);
}

static void one_serves_every_target_with_what_it_depends_on(void **state)
{
	(void) state;
	struct loaded loaded;
	cleanup_json json_t *prestarts = prestarts_of(
	    &loaded, "executable: e, prestart: 3",
	    "a: {toy: {machine: m}}, b: {toy: {machine: other}}, c: {toy: {machine: m, executable: own}}");
	assert_int_equal(json_array_size(prestarts), 2);
	const json_t *first = json_array_get(prestarts, 0), *second = json_array_get(prestarts, 1);
	assert_int_equal(json_integer_value(json_object_get(first, "count")), 3);
	const json_t *common = json_object_get(first, "resolved"), *own = json_object_get(second, "resolved");
	assert_string_equal(json_string_value(json_object_get(common, "target")), "a");
	assert_string_equal(json_string_value(json_object_get(own, "target")), "c");
	cleanup_json json_t *b = config_resolve(loaded.config, "b", NULL, NULL);
	assert_true(config_prestart_serves(loaded.config, common, b));
	assert_false(config_prestart_serves(loaded.config, own, b));
	loaded_finish(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(none_stand_ready_unless_asked_for),
	    cmocka_unit_test(one_serves_every_target_with_what_it_depends_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
