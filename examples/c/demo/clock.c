#define _POSIX_C_SOURCE 200809L
#include "clock.h"

#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * NANOS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void clock_sleep_ns(uint64_t nanos)
{
    const struct timespec length = {
        .tv_sec = (time_t)(nanos / NANOS_PER_SECOND),
        .tv_nsec = (long)(nanos % NANOS_PER_SECOND),
    };
    nanosleep(&length, NULL);
}
