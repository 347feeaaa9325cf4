#include "core/shim/ending.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>

enum { LAST_WORDS_BYTES = 2000 };

static const char *reason_of(const struct ending *ending)
{
	if (ending->stop_asked)
		return ending->killed ? "killed" : "stopped";
	if (!ending->went_live)
		return "start_failed";
	if (ending->launcher_reason)
		return ending->launcher_reason;
	return ending->status.signal ? "crashed" : "guest_exit";
}

bool ending_is_failure(const char *reason)
{
	static const char *const failures[] = {"start_failed", "crashed", "supervisor_lost",
					       "host_restarted"};
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (text_equal(reason, failures[i]))
			return true;
	return false;
}

/* The emulator's own last words where it was its doing, else what we know. Caller frees. */
static char *detail_of(const struct ending *ending, int dirfd, const char *log_name)
{
	if (ending->start_was_given_up)
		return strdup(ending->start_error);
	cleanup_free char *words = file_tail_text(dirfd, log_name, LAST_WORDS_BYTES);
	if (words && words[0])
		return TAKE(words);
	char name[16];
	if (ending->start_error[0])
		return strdup(ending->start_error);
	if (ending->status.signal)
		return text_format("ended by %s without a word",
				   process_signal_name(ending->status.signal, name));
	if (ending->status.code < 0)
		return strdup("ended; how, its parent alone knows");
	return text_format("ended with exit code %d without a word", ending->status.code);
}

json_t *ending_describe(const struct ending *ending, int dirfd, const char *log_name)
{
	const char *reason = reason_of(ending);
	bool has_code = ending->exited && ending->status.code >= 0;
	bool has_signal = ending->exited && ending->status.signal;
	cleanup_free char *detail = ending_is_failure(reason) ? detail_of(ending, dirfd, log_name) : NULL;
	char name[16] = "";
	return json_pack("{s:o, s:s?, s:s, s:o}", "code",
			 has_code ? json_integer(ending->status.code) : json_null(), "signal",
			 has_signal ? process_signal_name(ending->status.signal, name) : NULL, "reason",
			 reason, "detail", json_text_of(detail));
}
