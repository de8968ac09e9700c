/* A local server as a process of its own (tests/backends): started, killed, started again on the
 * same port, and told to misbehave. */
#ifndef DEMO_BACKEND_H
#define DEMO_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct backend {
    const char *program; /* path of failover-backend */
    const char *name;
    pid_t pid;           /* 0 while it doesn't run */
    uint32_t port;       /* 0 before the first start; afterwards always the same */
    uint32_t control;    /* port for commands */
    int lifeline;        /* its standard input: it ends when we close this, or die */
    int reservation;     /* holds the port while it doesn't run; -1 for none */
};

/* Prepares a backend that doesn't run yet. */
struct backend backend_make(const char *program, const char *name);

/* Starts it and waits until it listens. The faults of all functions here go to stderr. */
bool backend_start(struct backend *backend);

/* Kills it the hard way, as a crash or an OOM killer would. */
bool backend_kill(struct backend *backend);

/* Puts a mode in force, such as "ok", "status=503" or "hang?scope=work". */
bool backend_mode(const struct backend *backend, const char *mode);

/* Ends it if it runs. */
void backend_stop(struct backend *backend);

#endif
