/* What happened, line by line. An event that repeats within a phase is one line with a count:
 * an outage has hundreds of failovers, and the first of them is what one wants to see. */
#ifndef DEMO_JOURNAL_H
#define DEMO_JOURNAL_H

#include "screen.h"

#include <failover.h>
#include <stdint.h>

/* Five phases with at most some twenty different events each. */
#define JOURNAL_ENTRIES 256
#define JOURNAL_NOBODY ' ' /* an event of no server in particular */

struct entry {
    uint64_t time_ns;
    uint32_t kind;  /* FAILOVER_EVENT_*, or JOURNAL_TITLE */
    uint32_t count;
    char server;
    char text[96];
};

#define JOURNAL_TITLE UINT32_MAX

struct journal {
    uint64_t started_ns; /* times are shown from here */
    struct entry entries[JOURNAL_ENTRIES];
    size_t count;
    size_t phase;        /* where the entries of this phase begin */
    size_t printed;      /* entries that a pipe has been given */
};

/* Begins a phase. */
void journal_title(struct journal *journal, uint64_t time_ns, const char *text);

/* Takes in one event. */
void journal_event(struct journal *journal, const struct entry *event);

/* Adds the last `lines` entries. */
void journal_add_tail(const struct journal *journal, const struct screen *screen, size_t lines,
                      struct page *page);

/* Adds the entries that came since the last time, each once. */
void journal_add_new(struct journal *journal, const struct screen *screen, struct page *page);

/* Adds a line with the counts of what repeated in this phase; nothing if nothing did. */
void journal_add_repeats(const struct journal *journal, struct page *page);

#endif
