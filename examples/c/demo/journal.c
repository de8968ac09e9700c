#include "journal.h"

#include "clock.h"

#include <stdio.h>

/* The events' names in the documents of the library, and a colour that says how to feel. */
static const struct {
    const char *name;
    enum ink ink;
} KINDS[] = {
    [FAILOVER_EVENT_HEALTH_CHECK] = { "health_check", INK_PLAIN },
    [FAILOVER_EVENT_FAILOVER] = { "failover", INK_BLUE },
    [FAILOVER_EVENT_RECOVERY] = { "recovery", INK_GREEN },
    [FAILOVER_EVENT_ENDPOINT_UP] = { "endpoint_up", INK_GREEN },
    [FAILOVER_EVENT_ENDPOINT_DOWN] = { "endpoint_down", INK_RED },
    [FAILOVER_EVENT_CIRCUIT_OPEN] = { "circuit_open", INK_RED },
    [FAILOVER_EVENT_CIRCUIT_HALF_OPEN] = { "circuit_half_open", INK_YELLOW },
    [FAILOVER_EVENT_CIRCUIT_CLOSE] = { "circuit_close", INK_GREEN },
    [FAILOVER_EVENT_RETRY] = { "retry", INK_BLUE },
    [FAILOVER_EVENT_TIMEOUT] = { "timeout", INK_YELLOW },
    [FAILOVER_EVENT_PANIC_ENTER] = { "panic_enter", INK_RED },
    [FAILOVER_EVENT_PANIC_LEAVE] = { "panic_leave", INK_GREEN },
    [FAILOVER_EVENT_BUDGET_EXHAUSTED] = { "budget_exhausted", INK_RED },
};

static const char *name_of(uint32_t kind)
{
    bool is_known = kind < sizeof KINDS / sizeof *KINDS && KINDS[kind].name != NULL;
    return is_known ? KINDS[kind].name : "event";
}

static enum ink ink_of(uint32_t kind)
{
    return kind < sizeof KINDS / sizeof *KINDS ? KINDS[kind].ink : INK_PLAIN;
}

static void append(struct journal *journal, const struct entry *entry)
{
    /* Full only if a great many different things happened; the first ones tell the story. */
    if (journal->count < JOURNAL_ENTRIES) {
        journal->entries[journal->count++] = *entry;
    }
}

void journal_title(struct journal *journal, uint64_t time_ns, const char *text)
{
    struct entry title = { .time_ns = time_ns, .kind = JOURNAL_TITLE, .count = 1 };
    snprintf(title.text, sizeof title.text, "%s", text);
    append(journal, &title);
    journal->phase = journal->count;
}

void journal_event(struct journal *journal, const struct entry *event)
{
    for (size_t i = journal->phase; i < journal->count; i++) {
        struct entry *earlier = &journal->entries[i];
        if (earlier->kind == event->kind && earlier->server == event->server) {
            earlier->count++;
            return;
        }
    }
    append(journal, event);
}

static void add_entry(const struct journal *journal, const struct screen *screen,
                      const struct entry *entry, struct page *page)
{
    if (entry->kind == JOURNAL_TITLE) {
        page_add_cell(page, screen, INK_BOLD, 0, entry->text);
        page_add(page, "\n");
        return;
    }
    /* Wall time may be set back under us, and an event be older than the demo. */
    bool is_later = entry->time_ns > journal->started_ns;
    uint64_t since_ns = is_later ? entry->time_ns - journal->started_ns : 0;
    char count[16] = "";
    if (entry->count > 1) {
        snprintf(count, sizeof count, "x%u", (unsigned)entry->count);
    }
    page_add(page, "  %7.3f s  %c  ", (double)since_ns / 1e9, entry->server);
    page_add_cell(page, screen, ink_of(entry->kind), 17, name_of(entry->kind));
    page_add(page, " %-5s ", count);
    page_add_cell(page, screen, INK_DIM, 0, entry->text);
    page_add(page, "\n");
}

void journal_add_tail(const struct journal *journal, const struct screen *screen, size_t lines,
                      struct page *page)
{
    size_t first = journal->count > lines ? journal->count - lines : 0;
    for (size_t i = first; i < journal->count; i++) {
        add_entry(journal, screen, &journal->entries[i], page);
    }
}

void journal_add_new(struct journal *journal, const struct screen *screen, struct page *page)
{
    for (; journal->printed < journal->count; journal->printed++) {
        /* Printed once and never corrected, so its count so far would only mislead. */
        struct entry entry = journal->entries[journal->printed];
        entry.count = 1;
        add_entry(journal, screen, &entry, page);
    }
}

void journal_add_repeats(const struct journal *journal, struct page *page)
{
    const char *lead = "  in all: ";
    for (size_t i = journal->phase; i < journal->count; i++) {
        const struct entry *entry = &journal->entries[i];
        if (entry->count > 1) {
            char whose[] = { ' ', entry->server, '\0' };
            whose[0] = entry->server == JOURNAL_NOBODY ? '\0' : ' ';
            page_add(page, "%s%s%s x%u", lead, name_of(entry->kind), whose, (unsigned)entry->count);
            lead = ", ";
        }
    }
    page_add(page, *lead == ',' ? "\n" : "");
}
