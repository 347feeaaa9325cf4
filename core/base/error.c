#include "core/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct error *error, int number, const char *code, const char *format, va_list arguments)
{
	error->number = number;
	error->code = code;
	vsnprintf(error->message, sizeof(error->message), format, arguments);
}

int error_set(struct error *error, int number, const char *code, const char *format, ...)
{
	if (!error)
		return number;
	va_list arguments;
	va_start(arguments, format);
	fill(error, number, code, format, arguments);
	va_end(arguments);
	return number;
}

/* NULL: it is none. */
static const char *shortage_code(int number)
{
	switch (-number) {
	case EMFILE:
	case ENFILE:
		return "no_descriptors";
	case ENOSPC:
	case EDQUOT:
		return "insufficient_storage";
	default:
		return NULL;
	}
}

int error_set_errno(struct error *error, int number, const char *code, const char *format, ...)
{
	if (!error)
		return number;
	const char *shortage = shortage_code(number);
	va_list arguments;
	va_start(arguments, format);
	fill(error, number, shortage ? shortage : code, format, arguments);
	va_end(arguments);
	size_t used = strlen(error->message);
	snprintf(error->message + used, sizeof(error->message) - used, ": %s", strerror(-number));
	return number;
}

int error_wrap(struct error *error, const char *format, ...)
{
	if (!error)
		return -EIO;
	char inner[sizeof(error->message)];
	memcpy(inner, error->message, sizeof(inner));
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	size_t used = strlen(error->message);
	snprintf(error->message + used, sizeof(error->message) - used, ": %s", inner);
	return error->number;
}

const char *error_code_or(const struct error *error, const char *fallback)
{
	return error && error->code ? error->code : fallback;
}
