/* What came of it: the figures, and whether everything that should have happened did. */
#ifndef DEMO_SUMMARY_H
#define DEMO_SUMMARY_H

#include "story.h"

/* Prints the summary, whose last line programs may rely on; false if anything is missing. */
bool summary_print(const struct demo *demo);

#endif
