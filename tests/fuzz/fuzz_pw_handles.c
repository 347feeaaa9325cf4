/* handles.json as anybody may have written it. */

#include "core/handles/pw_handles.h"

#include "core/base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
	if (!holds)
		abort();
}

/* It becomes part of a path. */
static void expect_name(const char *name)
{
	expect(name && name[0] && name[0] != '.' && !strchr(name, '/') && strlen(name) <= 200);
}

static void check(const struct pw_handles *handles)
{
	expect_name(handles->emulator);
	expect(handles->target && handles->target[0]);
	expect(pw_handles_emulator_pid(handles) > 1);
	for (size_t i = 0; i < handles->process_count; i++) {
		expect_name(handles->processes[i].name);
		expect(handles->processes[i].pid > 1);
	}
	for (size_t i = 0; i < handles->channel_count; i++) {
		const struct pw_channel *channel = &handles->channels[i];
		expect_name(channel->name);
		expect(pw_handles_channel(handles, channel->name) == channel);
		if (channel->pty)
			expect(text_starts_with(channel->path, "/dev/pts/") && !strstr(channel->path, ".."));
		else
			expect(channel->port > 0 && channel->host);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pw_handles handles;
	struct error error = {0};
	char *text = strndup((const char *) data, size);
	if (!text)
		return 0;
	int result = pw_handles_parse(text, strlen(text), &handles, &error);
	free(text);
	if (result < 0) {
		expect(error.number == result && error.message[0]);
		return 0;
	}
	check(&handles);
	pw_handles_finish(&handles);
	return 0;
}
