#pragma once

/* The values of header fields: lists, tags, media types. Each takes NULL for an absent field. */

#include <stdbool.h>
#include <stddef.h>

/* True if Accept-Encoding lets us send gzip (named, or by "*", with a weight above 0). */
bool field_accepts_gzip(const char *accept_encoding);

/* True if an If-None-Match list names the tag (weak comparison) or is "*". */
bool field_matches_tag(const char *if_none_match, const char *tag);

/* True if a Content-Type is the media type, whatever its parameters. */
bool field_is_media_type(const char *content_type, const char *media_type);

/* True if an Accept field names the media type itself, not only by a range. */
bool field_names_media_type(const char *accept, const char *media_type);

/* True if an Accept field admits the media type, by name or by a range; an absent one admits all. */
bool field_accepts_media_type(const char *accept, const char *media_type);

/* True if a comma-separated list has the token (case does not matter). */
bool field_has_token(const char *list, const char *token);

/* The value of a parameter (name=value or name="value") of a field such as Content-Type or
 * Content-Disposition, unquoted. True if it is there and fits. */
bool field_parameter(const char *field, const char *name, char *out, size_t out_size);
