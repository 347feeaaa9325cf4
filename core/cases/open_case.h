#pragma once

/* A case that a format has begun and not ended. Zero-initialised is none. */

#include "core/cases/case_list.h"

struct open_case {
	bool is_open;
	struct buffer suite, name;
	struct case_text text;
};

void open_case_finish(struct open_case *open);

/* Each 0 or -ENOMEM. One that is still open becomes an error. */
int open_case_begin(struct open_case *open, struct case_list *list, struct span suite, struct span name);
int open_case_add_line(struct open_case *open, struct span line); /* nothing where none is open */
/* What ended: if that is not the one that is open, then it is an error that the open one did not end. */
int open_case_end(struct open_case *open, struct case_list *list, const struct case_found *found);
int open_case_abandon(struct open_case *open, struct case_list *list);
