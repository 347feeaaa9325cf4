#pragma once

/* The robot port's calls and answers: Robot Framework's remote library interface over XML-RPC. No I/O. */

#include "core/base/buffer.h"
#include "core/base/error.h"

/* A whole HTTP request that runs a keyword with one argument (NULL: without any). 0 or -ENOMEM. */
int robot_encode(struct buffer *out, const char *keyword, const char *argument);

/*
 * What a keyword returned, with surrounding white space cut; "" for nothing. The caller frees it. NULL: error
 * has Renode's own words (code "emulator_error": the keyword failed, or there is none of that name), or says
 * that this is no answer.
 */
char *robot_decode(const char *body, size_t length, struct error *error);
