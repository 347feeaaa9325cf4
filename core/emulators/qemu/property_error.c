#include "core/emulators/qemu/property_error.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

/* QEMU has one error class for nearly everything, so its words must tell. In order: the first that fits. */
static const struct {
	const char *words, *code;
} refusals[] = {
    {"Invalid parameter", "invalid_value"},  {"is not writable", "invalid_value"},
    {"is not readable", "invalid_value"},    {"after it was realized", "invalid_value"},
    {"is ambiguous", "invalid_value"},       {"expects", "invalid_value"},
    {"doesn't take value", "invalid_value"}, {"does not accept value", "invalid_value"},
    {"out of range", "invalid_value"},       {"is unexpected", "invalid_value"},
    {"is missing", "invalid_value"},
};

/* "Property '<type>.<name>' not found"; one of the two may hold any other words. */
static bool is_missing_property(const char *words)
{
	static const char tail[] = "' not found";
	size_t length = strlen(words);
	return text_starts_with(words, "Property '") && length >= sizeof(tail) - 1 &&
	       strcmp(words + length - (sizeof(tail) - 1), tail) == 0;
}

const char *qemu_property_error_code(const struct qmp_message *refusal, const char *path)
{
	if (strcmp(refusal->name, "DeviceNotFound") == 0) {
		/* A link's value names an object, too, and that one may be the one missing. */
		cleanup_free char *quoted = text_format("'%s'", path);
		bool is_path = !quoted || strstr(refusal->description, quoted);
		return is_path ? "property_not_found" : "invalid_value";
	}
	if (is_missing_property(refusal->description))
		return "property_not_found";
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strstr(refusal->description, refusals[i].words))
			return refusals[i].code;
	return "emulator_error";
}

bool qemu_property_wants_integer(const struct qmp_message *refusal)
{
	static const char *const wanted[] = {"expected: integer", "expects int64", "expects uint64",
					     "expects size"};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(refusal->description, wanted[i]))
			return true;
	return false;
}
