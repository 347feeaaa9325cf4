#include "core/config/place.h"

#include "core/config/mark.h"

#include <stdio.h>
#include <string.h>

struct place place_root(const char *file, const json_t *mark)
{
	return (struct place){.file = file, .mark = mark};
}

struct place place_member(const struct place *parent, const char *key)
{
	return (struct place){
	    .file = parent->file,
	    .parent = parent,
	    .key = key,
	    .mark = mark_member(parent->mark, key),
	};
}

struct place place_item(const struct place *parent, size_t index)
{
	return (struct place){
	    .file = parent->file,
	    .parent = parent,
	    .index = index,
	    .mark = mark_item(parent->mark, index),
	};
}

int place_line(const struct place *place)
{
	while (!place->mark && place->parent)
		place = place->parent;
	return mark_line(place->mark);
}

static size_t append_path(const struct place *place, char *out, size_t size)
{
	if (!place->parent)
		return 0;
	size_t used = append_path(place->parent, out, size);
	if (used >= size)
		return used;
	int added = place->key ? snprintf(out + used, size - used, "%s%s", place->parent->parent ? "." : "",
					  place->key)
			       : snprintf(out + used, size - used, "[%zu]", place->index);
	return added < 0 ? used : used + (size_t) added;
}

void place_path(const struct place *place, char out[static PLACE_PATH_SIZE])
{
	out[0] = '\0';
	static const char cut[] = "...";
	if (append_path(place, out, PLACE_PATH_SIZE) >= PLACE_PATH_SIZE)
		memcpy(out + PLACE_PATH_SIZE - sizeof(cut), cut, sizeof(cut));
}
