#pragma once

/* Scope-bound release and explicit transfer of ownership. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_free_pointer(void *pointer_to_pointer)
{
	free(*(void **) pointer_to_pointer);
}

static inline void cleanup_close_descriptor(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_json_decref(json_t **json)
{
	json_decref(*json);
}

static inline void cleanup_fclose_stream(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_free cleanup(cleanup_free_pointer)
#define cleanup_close cleanup(cleanup_close_descriptor)
#define cleanup_json cleanup(cleanup_json_decref)
#define cleanup_fclose cleanup(cleanup_fclose_stream)

/* Gives the pointer away: the variable is NULL afterwards, the value is the expression's. */
#define TAKE(pointer) \
	({ \
		__auto_type taken_from = &(pointer); \
		__auto_type taken = *taken_from; \
		*taken_from = NULL; \
		taken; \
	})

/* The same for a file descriptor; the variable is -1 afterwards. */
#define TAKE_FD(fd) \
	({ \
		int *taken_from = &(fd); \
		int taken = *taken_from; \
		*taken_from = -1; \
		taken; \
	})
