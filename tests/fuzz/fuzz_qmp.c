/* The first byte says in what pieces the rest reaches the codec. */

#include "core/emulators/qemu/qmp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

static void read_all(struct qmp_codec *codec)
{
	struct qmp_message message;
	struct error error;
	int result;
	while ((result = qmp_codec_next(codec, &message, &error)) != 0) {
		if (result < 0) {
			expect(error.number == result && error.message[0]);
			continue;
		}
		expect(message.whole && message.name && message.description);
		expect(message.kind != QMP_RETURN || message.data);
		qmp_message_finish(&message);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	size_t piece = data[0] ? data[0] : SIZE_MAX;
	struct qmp_codec codec;
	qmp_codec_init(&codec);
	for (size_t at = 1, count; at < size; at += count) {
		count = piece < size - at ? piece : size - at;
		if (qmp_codec_feed(&codec, data + at, count, NULL) < 0)
			break;
		read_all(&codec);
	}
	qmp_codec_finish(&codec);
	return 0;
}
