#pragma once

#include <stddef.h>

/* RFC 4648 base64 with padding. The result is NUL-terminated and the caller's; NULL: no memory. */
char *base64_encode(const void *data, size_t length);

/* 0, -EINVAL (not base64) or -ENOMEM. *ret_data is the caller's. */
int base64_decode(const char *text, size_t text_length, void **ret_data, size_t *ret_length);
