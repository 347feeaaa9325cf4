#include "core/config/mark.h"

json_t *mark_create(size_t line, json_t *children)
{
	return children ? json_pack("[I, o]", (json_int_t) line, children) : json_integer((json_int_t) line);
}

json_t *mark_at_line(json_t *mark, size_t line)
{
	json_t *children = json_array_get(mark, 1);
	return mark_create(line, children ? json_incref(children) : NULL);
}

int mark_line(const json_t *mark)
{
	return (int) json_integer_value(json_is_array(mark) ? json_array_get(mark, 0) : mark);
}

const json_t *mark_member(const json_t *mark, const char *key)
{
	return json_object_get(json_array_get(mark, 1), key);
}

const json_t *mark_item(const json_t *mark, size_t index)
{
	return json_array_get(json_array_get(mark, 1), index);
}
