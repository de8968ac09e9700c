#include "summary.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

static void add_mark(struct page *page, const struct screen *screen, bool is_good)
{
    const char *good = screen->has_unicode ? "✓" : "ok";
    const char *bad = screen->has_unicode ? "✗" : "NO";
    page_add(page, "  %s%s%s ", screen_ink(screen, is_good ? INK_GREEN : INK_RED),
             is_good ? good : bad, screen_ink(screen, INK_PLAIN));
}

/* One thing that had to happen, and how long it took. */
static bool add_time(struct page *page, const struct demo *demo, const char *what,
                     uint64_t after_ns)
{
    bool has_happened = after_ns != NEVER;
    add_mark(page, &demo->screen, has_happened);
    page_add(page, "%-44s", what);
    if (has_happened) {
        page_add(page, "%7" PRIu64 " ms\n", after_ns / NANOS_PER_MS);
    } else {
        page_add(page, "%10s\n", "never");
    }
    return has_happened;
}

static bool add_times(struct page *page, const struct demo *demo)
{
    const struct {
        const char *what;
        uint64_t after_ns;
    } times[] = {
        { "b killed: taken out of use after", demo->b_ejected_after_ns },
        { "c answering 503: taken out of use after", demo->c_ejected_after_ns },
        { "c hanging: a call given up there after", demo->c_timeout_after_ns },
        { "b started again: used again after", demo->b_recovered_after_ns },
        { "c cured: used again after", demo->c_recovered_after_ns },
    };
    bool is_good = true;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        is_good &= add_time(page, demo, times[i].what, times[i].after_ns);
    }
    return is_good;
}

static bool add_calls(struct page *page, const struct demo *demo)
{
    const struct load *load = &demo->load;
    uint64_t calls = atomic_load(&load->calls);
    uint64_t failed = atomic_load(&load->failed);
    bool is_good = calls > 0 && failed == 0;
    add_mark(page, &demo->screen, is_good);
    page_add(page, "%" PRIu64 " calls, %" PRIu64 " failed%s%s\n", calls, failed,
             failed > 0 ? "; the first: " : "", load->first_fault);
    page_add(page, "    %" PRIu64 " attempts, %" PRIu64 " retries, %" PRIu64 " failovers\n",
             (uint64_t)atomic_load(&load->attempts), demo->watch.events[FAILOVER_EVENT_RETRY],
             demo->watch.events[FAILOVER_EVENT_FAILOVER]);
    return is_good;
}

/* -1 for what never happened, so that no one takes it for a fast one. */
static int64_t in_ms(uint64_t after_ns)
{
    return after_ns == NEVER ? -1 : (int64_t)(after_ns / NANOS_PER_MS);
}

bool summary_print(const struct demo *demo)
{
    struct page page = { .length = 0 };
    page_add(&page, demo->screen.is_live ? "\n" : "");
    bool is_good = add_times(&page, demo);
    is_good &= add_calls(&page, demo);
    uint64_t dropped = failover_queue_dropped(demo->watch.queue);
    if (dropped > 0) {
        page_add(&page, "    %" PRIu64 " events came too fast and are in no count\n", dropped);
    }
    page_add(&page,
             "\ndemo: calls=%" PRIu64 " failed=%" PRIu64 " failovers=%" PRIu64
             " ejected_after=%" PRId64 "ms recovered_after=%" PRId64 "ms\n",
             (uint64_t)atomic_load(&demo->load.calls), (uint64_t)atomic_load(&demo->load.failed),
             demo->watch.events[FAILOVER_EVENT_FAILOVER], in_ms(demo->b_ejected_after_ns),
             in_ms(demo->b_recovered_after_ns));
    fputs(page.text, stdout);
    fflush(stdout);
    return is_good;
}
