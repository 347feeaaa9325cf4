/* cppcheck reads no system headers: the macros it must know to read ours. */

#define LIST_HEAD(name, type) \
	struct name { \
		struct type *first; \
	}
#define LIST_ENTRY(type) \
	struct { \
		struct type *next, **previous; \
	}
#define TAILQ_HEAD(name, type) \
	struct name { \
		struct type *first, **last; \
	}
#define TAILQ_ENTRY(type) \
	struct { \
		struct type *next, **previous; \
	}
#define LIST_FOREACH(var, head, field) for ((var) = (head)->first; (var); (var) = (var)->field.next)
#define TAILQ_FOREACH(var, head, field) for ((var) = (head)->first; (var); (var) = (var)->field.next)
#define TAILQ_FOREACH_REVERSE(var, head, name, field) \
	for ((var) = last_of(head); (var); (var) = previous_of(var))
#define json_array_foreach(array, i, value) \
	for ((i) = 0; (i) < json_array_size(array) && ((value) = json_array_get(array, i)); (i)++)
#define json_object_foreach(object, key, value) \
	for ((key) = next_key(object); (key) && ((value) = json_object_get(object, key)); \
	     (key) = next_key(object))
#define json_object_foreach_safe(object, next, key, value) json_object_foreach (object, key, value)
