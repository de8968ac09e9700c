/* Wall time in nanoseconds: the library's events carry it, so the demo measures with it too. */
#ifndef DEMO_CLOCK_H
#define DEMO_CLOCK_H

#include <stdint.h>

#define NANOS_PER_MS UINT64_C(1000000)
#define NANOS_PER_SECOND UINT64_C(1000000000)

uint64_t clock_now_ns(void);

/* Returns early if a signal arrives. */
void clock_sleep_ns(uint64_t nanos);

#endif
