#pragma once

#include "core/config/document.h"

/* Reads JSON with the line of each key. 0; -EINVAL: not JSON, or a key stands twice; -E2BIG: beyond the
 * document's limits. New references. */
int reader_json_parse(const char *text, size_t length, json_t **ret_root, json_t **ret_marks,
		      struct syntax_error *error);
