/* Transcripts: data/qmp/<name>.json is what QEMU sends, <name>.result what the codec tells of it. */

#include "core/emulators/qemu/qmp.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *read_fixture(const char *name, const char *ending, size_t *ret_length)
{
	char path[512];
	snprintf(path, sizeof(path), TEST_DATA "/qmp/%s.%s", name, ending);
	char *text = NULL;
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, ret_length, NULL), 0);
	return text;
}

static void tell(struct buffer *told, const struct qmp_message *message)
{
	static const char *const kinds[] = {"greeting", "return", "error", "event"};
	cleanup_free char *data = message->data ? json_to_text(message->data) : strdup("none");
	assert_int_equal(buffer_append_format(told, "%s id=%lld name=%s description=%s data=%s\n",
					      kinds[message->kind], (long long) message->id, message->name,
					      message->description, data),
			 0);
}

static void tell_all(struct qmp_codec *codec, struct buffer *told)
{
	struct qmp_message message;
	struct error error;
	int result;
	while ((result = qmp_codec_next(codec, &message, &error)) != 0) {
		if (result < 0) {
			buffer_append_text(told, "unreadable\n");
			continue;
		}
		tell(told, &message);
		qmp_message_finish(&message);
	}
}

static void check_transcript(const char *name)
{
	size_t length, expected_length;
	cleanup_free char *bytes = read_fixture(name, "json", &length);
	cleanup_free char *expected = read_fixture(name, "result", &expected_length);
	static const size_t steps[] = {1, 7, 64, SIZE_MAX};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct qmp_codec codec;
		cleanup_buffer struct buffer told = {0};
		qmp_codec_init(&codec);
		for (size_t at = 0, count; at < length; at += count) {
			count = steps[i] < length - at ? steps[i] : length - at;
			assert_int_equal(qmp_codec_feed(&codec, bytes + at, count, NULL), 0);
			tell_all(&codec, &told);
		}
		qmp_codec_finish(&codec);
		assert_string_equal(told.data, expected);
	}
}

static void reads_a_start(void **state)
{
	(void) state;
	check_transcript("start");
}

static void reads_errors_and_events(void **state)
{
	(void) state;
	check_transcript("errors");
}

static void keeps_integers_beyond_64_bits(void **state)
{
	(void) state;
	check_transcript("wide");
}

static void goes_on_behind_unreadable_lines(void **state)
{
	(void) state;
	check_transcript("unreadable");
}

static void refuses_a_line_that_does_not_end(void **state)
{
	(void) state;
	struct qmp_codec codec;
	struct error error = {0};
	static char bytes[1 << 20];
	memset(bytes, 'x', sizeof(bytes));
	qmp_codec_init(&codec);
	int result = 0;
	int fed = 0;
	for (; fed < 64 && result == 0; fed++)
		result = qmp_codec_feed(&codec, bytes, sizeof(bytes), &error);
	qmp_codec_finish(&codec);
	assert_int_equal(result, -EMSGSIZE);
	assert_int_equal(fed, 17);
}

static void check_encoded(const char *arguments_text, const char *wide_value, const char *expected)
{
	cleanup_buffer struct buffer out = {0};
	cleanup_json json_t *arguments = arguments_text ? json_loads(arguments_text, 0, NULL) : NULL;
	assert_int_equal(qmp_encode(&out, 7, "qom-set", arguments, wide_value), 0);
	assert_string_equal(out.data, expected);
}

static void encodes_requests(void **state)
{
	(void) state;
	check_encoded(NULL, NULL, "{\"id\":7,\"execute\":\"qom-set\"}\n");
	check_encoded("{\"path\":\"a\\\"b\"}", NULL,
		      "{\"id\":7,\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\\\"b\"}}\n");
	check_encoded("{\"path\":\"}}\"}", "18446744073709551615",
		      "{\"id\":7,\"execute\":\"qom-set\",\"arguments\":{\"path\":\"}}\","
		      "\"value\":18446744073709551615}}\n");
}

static void encodes_nothing_but_an_integer_bare(void **state)
{
	(void) state;
	static const char *const others[] = {"", "-", "1}", "1,\"x\":2", "01", "1.5", "0x10", " 1", "1 "};
	cleanup_json json_t *arguments = json_pack("{s:s}", "path", "/");
	cleanup_buffer struct buffer out = {0};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(qmp_encode(&out, 1, "qom-set", arguments, others[i]), -EINVAL);
	assert_int_equal(qmp_encode(&out, 1, "qom-set", NULL, "1"), -EINVAL);
	assert_int_equal(out.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_start),
	    cmocka_unit_test(reads_errors_and_events),
	    cmocka_unit_test(keeps_integers_beyond_64_bits),
	    cmocka_unit_test(goes_on_behind_unreadable_lines),
	    cmocka_unit_test(refuses_a_line_that_does_not_end),
	    cmocka_unit_test(encodes_requests),
	    cmocka_unit_test(encodes_nothing_but_an_integer_bare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
