/* The story: what happens to the servers, and what has to follow from it. */
#ifndef DEMO_STORY_H
#define DEMO_STORY_H

#include "backend.h"
#include "journal.h"
#include "load.h"
#include "screen.h"
#include "watch.h"

#include <signal.h>

enum server { SERVER_A, SERVER_B, SERVER_C };

/* Everything the demo has. */
struct demo {
    struct backend backends[LOAD_SERVERS];
    struct load load;
    struct watch watch;
    struct journal journal;
    struct screen screen;
    /* The signal that ends the demo, once it came. */
    const volatile sig_atomic_t *is_interrupted;
    /* When each thing was done to a server. */
    uint64_t b_killed_ns, b_back_ns;
    uint64_t c_failing_ns, c_hanging_ns, c_back_ns;
    /* How long it took until the library had noticed; UINT64_MAX for never. */
    uint64_t b_ejected_after_ns, b_recovered_after_ns;
    uint64_t c_ejected_after_ns, c_timeout_after_ns, c_recovered_after_ns;
};

#define NEVER UINT64_MAX

/* Lives through all phases; false at the first one that didn't happen, or when interrupted. */
bool story_run(struct demo *demo);

#endif
