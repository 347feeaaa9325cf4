#pragma once

#include "core/config/document.h"

/*
 * Reads one YAML document with the line of each key. -EINVAL with error filled: not YAML, or beyond the
 * document's limits. On 0 there may be findings still: keys that stand twice and the like. New references.
 */
int reader_yaml_parse(const char *text, size_t length, const char *file, json_t **ret_root,
		      json_t **ret_marks, struct findings *findings, struct syntax_error *error);
