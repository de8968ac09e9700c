#include "story.h"

#include "clock.h"
#include "table.h"

#include <stdio.h>

#define TICK_NS (100 * NANOS_PER_MS)

/* One phase: something is done to the servers, and then something has to happen. */
struct phase {
    const char *title;
    bool (*begin)(struct demo *demo);
    bool (*has_happened)(struct demo *demo);
    double least_s; /* time to watch it */
    double most_s;  /* by then it has happened, or the demo has failed */
};

/* From `from_ns` to `to_ns`. Two clocks are at work, the library's events and ours, so that what
 * comes right away may seem to have come a moment before. */
static uint64_t elapsed(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

static bool do_nothing(struct demo *demo)
{
    (void)demo;
    return true;
}

static bool all_are_in_use(struct demo *demo)
{
    return watch_is_in_use(&demo->watch, SERVER_A) && watch_is_in_use(&demo->watch, SERVER_B)
        && watch_is_in_use(&demo->watch, SERVER_C);
}

static bool kill_b(struct demo *demo)
{
    watch_await(&demo->watch, SERVER_B);
    demo->b_killed_ns = clock_now_ns();
    return backend_kill(&demo->backends[SERVER_B]);
}

static bool b_is_ejected(struct demo *demo)
{
    uint64_t ejected_ns = watch_ejected_ns(&demo->watch, SERVER_B);
    if (ejected_ns != 0) {
        demo->b_ejected_after_ns = elapsed(demo->b_killed_ns, ejected_ns);
    }
    return ejected_ns != 0;
}

static bool let_c_fail(struct demo *demo)
{
    watch_await(&demo->watch, SERVER_C);
    demo->c_failing_ns = clock_now_ns();
    return backend_mode(&demo->backends[SERVER_C], "status=503");
}

static bool c_is_ejected(struct demo *demo)
{
    uint64_t opened_ns = demo->watch.servers[SERVER_C].first_event_ns[FAILOVER_EVENT_CIRCUIT_OPEN];
    if (opened_ns != 0) {
        demo->c_ejected_after_ns = elapsed(demo->c_failing_ns, opened_ns);
    }
    return opened_ns != 0;
}

/* Its checks pass all the while: that real calls hang, only real calls can tell. */
static bool let_c_hang(struct demo *demo)
{
    watch_await(&demo->watch, SERVER_C);
    demo->c_hanging_ns = clock_now_ns();
    return backend_mode(&demo->backends[SERVER_C], "hang?scope=work");
}

static bool c_has_timed_out(struct demo *demo)
{
    uint64_t timeout_ns = demo->watch.servers[SERVER_C].first_event_ns[FAILOVER_EVENT_TIMEOUT];
    if (timeout_ns != 0) {
        demo->c_timeout_after_ns = elapsed(demo->c_hanging_ns, timeout_ns);
    }
    return timeout_ns != 0;
}

static bool bring_both_back(struct demo *demo)
{
    load_await_success(&demo->load, SERVER_B);
    load_await_success(&demo->load, SERVER_C);
    bool are_back = backend_start(&demo->backends[SERVER_B]);
    demo->b_back_ns = clock_now_ns();
    are_back = are_back && backend_mode(&demo->backends[SERVER_C], "ok");
    demo->c_back_ns = clock_now_ns();
    return are_back;
}

static bool all_have_recovered(struct demo *demo)
{
    uint64_t b_used_ns = atomic_load(&demo->load.first_success_ns[SERVER_B]);
    uint64_t c_used_ns = atomic_load(&demo->load.first_success_ns[SERVER_C]);
    if (b_used_ns != 0) {
        demo->b_recovered_after_ns = elapsed(demo->b_back_ns, b_used_ns);
    }
    if (c_used_ns != 0) {
        demo->c_recovered_after_ns = elapsed(demo->c_back_ns, c_used_ns);
    }
    return b_used_ns != 0 && c_used_ns != 0 && all_are_in_use(demo);
}

static const struct phase PHASES[] = {
    { "1/5  All three servers are well.", do_nothing, all_are_in_use, 2.5, 8 },
    { "2/5  b is killed: its port refuses.", kill_b, b_is_ejected, 3, 8 },
    { "3/5  c answers 503 to everything. Only a is left.", let_c_fail, c_is_ejected, 3, 8 },
    { "4/5  c hangs, and its /health says 200.", let_c_hang, c_has_timed_out, 4, 8 },
    { "5/5  b is started again, c is cured.", bring_both_back, all_have_recovered, 4, 10 },
};
#define PHASE_COUNT (sizeof PHASES / sizeof *PHASES)

/* The whole page on a terminal, only what is new on a pipe. */
static void show(struct demo *demo, const struct phase *phase)
{
    struct page page = { .length = 0 };
    if (!demo->screen.is_live) {
        journal_add_new(&demo->journal, &demo->screen, &page);
        screen_show(&demo->screen, &page);
        return;
    }
    page_add(&page, "\n");
    page_add_cell(&page, &demo->screen, INK_BOLD, 0, phase->title);
    page_add(&page, "\n\n");
    table_add(&page, &demo->screen, &demo->watch, &demo->load);
    int room = screen_rows() - TABLE_LINES - 3;
    journal_add_tail(&demo->journal, &demo->screen, room > 0 ? (size_t)room : 0, &page);
    screen_show(&demo->screen, &page);
}

static void tick(struct demo *demo)
{
    uint64_t begun_ns = clock_now_ns();
    uint64_t taken_ns = 0;
    do {
        uint32_t rest_ms = (uint32_t)((TICK_NS - taken_ns) / NANOS_PER_MS);
        watch_events(&demo->watch, rest_ms, &demo->journal);
        taken_ns = elapsed(begun_ns, clock_now_ns());
    } while (taken_ns + NANOS_PER_MS < TICK_NS && !*demo->is_interrupted);
    watch_statistics(&demo->watch, &demo->load);
}

/* What a pipe is given at the end of a phase: the table that a terminal had all along. */
static void sum_up(struct demo *demo)
{
    if (!demo->screen.is_live) {
        struct page page = { .length = 0 };
        journal_add_repeats(&demo->journal, &page);
        page_add(&page, "\n");
        table_add(&page, &demo->screen, &demo->watch, &demo->load);
        screen_show(&demo->screen, &page);
    }
}

static bool live_through(struct demo *demo, const struct phase *phase)
{
    uint64_t begun_ns = clock_now_ns();
    /* What came until now belongs to the phase before. */
    watch_events(&demo->watch, 0, &demo->journal);
    journal_title(&demo->journal, begun_ns, phase->title);
    show(demo, phase);
    if (!phase->begin(demo)) {
        return false;
    }
    bool has_happened = false;
    double taken_s = 0;
    while (taken_s < (has_happened ? phase->least_s : phase->most_s) && !*demo->is_interrupted) {
        tick(demo);
        has_happened = phase->has_happened(demo) || has_happened;
        show(demo, phase);
        taken_s = (double)elapsed(begun_ns, clock_now_ns()) / 1e9;
    }
    sum_up(demo);
    if (!has_happened && !*demo->is_interrupted) {
        fprintf(stderr, "demo: within %.0f s nothing came of \"%s\"\n", phase->most_s,
                phase->title);
    }
    return has_happened && !*demo->is_interrupted;
}

bool story_run(struct demo *demo)
{
    demo->journal.started_ns = clock_now_ns();
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (!live_through(demo, &PHASES[i])) {
            return false;
        }
    }
    return true;
}
