#include "core/cases/recognizers.h"

/* The table: ROW(x) stands for x_recognizer, which x.c defines. */
#define RECOGNIZERS(ROW) ROW(googletest) ROW(unity) ROW(ztest) ROW(tap)

#define DECLARE(name) extern const struct recognizer name##_recognizer;
RECOGNIZERS(DECLARE)

#define RECOGNIZER(name) &name##_recognizer,
const struct recognizer *const recognizers[] = {RECOGNIZERS(RECOGNIZER) NULL};
