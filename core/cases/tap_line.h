#pragma once

/* A line of TAP (Test Anything Protocol 12 to 14, and the kernel's KTAP). */

#include "core/cases/span.h"

enum tap_kind {
	TAP_OTHER,
	TAP_VERSION,
	TAP_PLAN,
	TAP_RESULT,
	TAP_SUBTEST, /* "# Subtest: text" */
	TAP_COMMENT,
	TAP_BLOCK, /* "---" */
	TAP_BAIL_OUT,
};
enum tap_directive { TAP_NO_DIRECTIVE, TAP_SKIP, TAP_TODO };

struct tap_line {
	enum tap_kind kind;
	size_t indent;    /* blanks before it */
	bool is_ok;       /* result */
	bool has_number;  /* result */
	uint64_t number;  /* result; of a plan, how many */
	struct span text; /* description; name; comment; why */
	enum tap_directive directive;
	struct span reason;
	double seconds; /* negative: not told */
};

void tap_line_read(struct span line, struct tap_line *ret_line);
