#include "core/config/substitute.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <string.h>

#define KIND_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static const char *const known_kinds[] = {
    "pw_env", "pw_emu_wdir", "pw_emu_channel_port", "pw_emu_channel_host", "pw_emu_channel_path", NULL,
};

/* "$pw_kind{name}" within a text. */
struct expression {
	const char *start; /* at the dollar */
	const char *brace; /* at the opening brace: the kind ends there */
	const char *end;   /* behind the closing brace, or the end of the text where there is none */
	bool is_closed;
};

/* The first expression at or behind text. "$pw_" without a brace behind its word is plain text. */
static bool find_expression(const char *text, struct expression *ret_expression)
{
	for (const char *at = text; (at = strstr(at, "$pw_")); at++) {
		const char *brace = at + 1 + strspn(at + 1, KIND_CHARACTERS);
		if (*brace != '{')
			continue;
		const char *close = strchr(brace, '}');
		*ret_expression = (struct expression){
		    .start = at,
		    .brace = brace,
		    .end = close ? close + 1 : brace + strlen(brace),
		    .is_closed = close != NULL,
		};
		return true;
	}
	return false;
}

static int refuse_open_end(const struct expression *expression, struct error *error)
{
	return error_set(error, -EINVAL, "invalid_configuration", "\"%.60s\" has no closing brace",
			 expression->start);
}

static int append_value(struct buffer *out, const struct expression *expression, substitute_lookup *lookup,
			void *data, struct error *error)
{
	if (!expression->is_closed)
		return refuse_open_end(expression, error);
	const char *kind_start = expression->start + 1, *name_start = expression->brace + 1;
	cleanup_free char *kind = strndup(kind_start, (size_t) (expression->brace - kind_start));
	cleanup_free char *name = strndup(name_start, (size_t) (expression->end - 1 - name_start));
	if (!kind || !name)
		return error_set(error, -ENOMEM, NULL, "out of memory");
	cleanup_free char *value = lookup(kind, name, data, error);
	if (!value)
		return error && error->number ? error->number : -EINVAL;
	return buffer_append_text(out, value);
}

char *substitute_text(const char *text, const char *prefix, substitute_lookup *lookup, void *data,
		      struct error *error)
{
	cleanup_buffer struct buffer out = {0};
	struct expression expression;
	int result = 0;
	while (!result && find_expression(text, &expression)) {
		result = buffer_append(&out, text, (size_t) (expression.start - text));
		text = expression.start;
		if (result)
			break;
		if (text_starts_with(expression.start + 1, prefix)) {
			result = append_value(&out, &expression, lookup, data, error);
			text = expression.end;
		} else {
			result = buffer_append(&out, text, (size_t) (expression.brace - text));
			text = expression.brace;
		}
	}
	if (!result)
		result = buffer_append_text(&out, text);
	if (result == -ENOMEM)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return result ? NULL : buffer_take_text(&out);
}

static int check_kind(const struct expression *expression, struct error *error)
{
	const char *kind_start = expression->start + 1;
	int length = (int) (expression->brace - kind_start);
	cleanup_free char *kind = strndup(kind_start, (size_t) length);
	if (!kind)
		return error_set(error, -ENOMEM, NULL, "out of memory");
	for (size_t i = 0; known_kinds[i]; i++)
		if (text_equal(kind, known_kinds[i]))
			return expression->is_closed ? 0 : refuse_open_end(expression, error);
	const char *nearest = text_nearest(kind, known_kinds);
	if (nearest)
		return error_set(error, -EINVAL, "invalid_configuration",
				 "unknown substitution $%.60s{...}, did you mean $%s{...}?", kind, nearest);
	return error_set(error, -EINVAL, "invalid_configuration", "unknown substitution $%.60s{...}", kind);
}

int substitute_check_kinds(const char *text, struct error *error)
{
	struct expression expression;
	while (find_expression(text, &expression)) {
		int result = check_kind(&expression, error);
		if (result < 0)
			return result;
		text = expression.end;
	}
	return 0;
}
