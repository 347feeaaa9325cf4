#pragma once

/*
 * One error on its way up: an errno for code, a stable slug for the HTTP problem, a sentence for a person.
 *
 * A fallible function returns 0 or a negative errno and takes a nullable `struct error *` last. The struct
 * owns nothing: it lives on the stack, needs no release, and is filled once, where the fault is found.
 */

#include <errno.h>

struct error {
	int number;       /* negative errno; 0 while unset */
	const char *code; /* problem code, static storage, e.g. "invalid_file"; NULL where none fits */
	char message[2048];
};

/* Fills error (if not NULL) and returns number, which must be a negative errno. */
int error_set(struct error *error, int number, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Like error_set with the text of errno's meaning appended: "<message>: <strerror(-number)>". A shortage of
 * descriptors or space has its own code, whatever was being done: "no_descriptors", "insufficient_storage".
 */
int error_set_errno(struct error *error, int number, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " before the message of an error that is already set; returns its number. */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code, or fallback where the error bears none. */
const char *error_code_or(const struct error *error, const char *fallback);
