#define _POSIX_C_SOURCE 200809L
#include "backend.h"

#include "clock.h"
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <failover.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Far more than a start takes, also under valgrind. */
#define START_TIMEOUT_MS 10000
#define COMMAND_TIMEOUT_NS (5 * NANOS_PER_SECOND)

static bool fail(const struct backend *backend, const char *what, const char *why)
{
    fprintf(stderr, "demo: server %s: %s: %s\n", backend->name, what, why);
    return false;
}

struct backend backend_make(const char *program, const char *name)
{
    return (struct backend){ .program = program, .name = name, .lifeline = -1, .reservation = -1 };
}

static void close_if_open(int *descriptor)
{
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
}

/* A pipe whose ends no later child inherits: a copy of a lifeline in another server would keep
 * this one alive. */
static bool private_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        return false;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

static int spawn(struct backend *backend, int input, int output)
{
    char port[16];
    snprintf(port, sizeof port, "%u", (unsigned)backend->port);
    char *const arguments[] = {
        (char *)backend->program, "--name",        (char *)backend->name, "--port", port,
        "--exit-with-stdin",      NULL,
    };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    /* A group of its own: Ctrl-C reaches the demo alone, which then ends its servers in order. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn(&backend->pid, backend->program, &actions, &attributes, arguments,
                            environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        backend->pid = 0;
    }
    return error;
}

/* Waits for the one line that a backend prints once it listens. */
static bool read_ports(struct backend *backend, int output)
{
    char line[256];
    size_t length = 0;
    struct pollfd readable = { .fd = output, .events = POLLIN };
    while (length == 0 || line[length - 1] != '\n') {
        ssize_t count = 0;
        if (length + 1 < sizeof line && poll(&readable, 1, START_TIMEOUT_MS) == 1) {
            count = read(output, line + length, sizeof line - 1 - length);
        }
        if (count <= 0) {
            return fail(backend, "start", "expected a line with its ports");
        }
        length += (size_t)count;
    }
    line[length] = '\0';
    unsigned port = 0;
    unsigned control = 0;
    const char *format = "{\"name\":\"%*[^\"]\",\"port\":%u,\"control\":%u,";
    if (sscanf(line, format, &port, &control) != 2) {
        return fail(backend, "start", line);
    }
    backend->port = port;
    backend->control = control;
    return true;
}

bool backend_start(struct backend *backend)
{
    int input[2];
    int output[2];
    if (!private_pipe(input)) {
        return fail(backend, "pipe", strerror(errno));
    }
    if (!private_pipe(output)) {
        close(input[0]);
        close(input[1]);
        return fail(backend, "pipe", strerror(errno));
    }
    int error = spawn(backend, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    backend->lifeline = input[1];
    bool is_up = error == 0 ? read_ports(backend, output[0])
                            : fail(backend, backend->program, strerror(error));
    close(output[0]);
    /* It listens by now, so the reservation has done its work. */
    close_if_open(&backend->reservation);
    if (!is_up) {
        backend_stop(backend);
    }
    return is_up;
}

/* Holds the port of a dead server: bound and not listening, so that dialling it is refused as it
 * should be, yet no other program can be given it. */
static void reserve_port(struct backend *backend)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)backend->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;
    int held = socket(AF_INET, SOCK_STREAM, 0);
    if (held < 0) {
        return;
    }
    fcntl(held, F_SETFD, FD_CLOEXEC);
    /* Lets the restarted server bind beside us, and us beside connections in TIME_WAIT. */
    setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(held, (struct sockaddr *)&address, sizeof address) == 0) {
        backend->reservation = held;
    } else {
        close(held); /* not held then: the demo works all the same unless somebody takes it */
    }
}

bool backend_kill(struct backend *backend)
{
    if (backend->pid == 0 || kill(backend->pid, SIGKILL) != 0) {
        return fail(backend, "kill", "it doesn't run");
    }
    waitpid(backend->pid, NULL, 0);
    backend->pid = 0;
    close_if_open(&backend->lifeline);
    reserve_port(backend);
    return true;
}

bool backend_mode(const struct backend *backend, const char *mode)
{
    char path[64];
    snprintf(path, sizeof path, "/mode/%s", mode);
    CURL *client = http_client_new();
    uint32_t outcome = FAILOVER_OUTCOME_LOCAL;
    if (client != NULL) {
        outcome = http_get(client, backend->control, path, COMMAND_TIMEOUT_NS);
        curl_easy_cleanup(client);
    }
    return outcome == FAILOVER_OUTCOME_SUCCESS || fail(backend, path, "the command was not taken");
}

void backend_stop(struct backend *backend)
{
    close_if_open(&backend->lifeline);
    close_if_open(&backend->reservation);
    if (backend->pid == 0) {
        return;
    }
    /* SIGKILL, since nothing may outlive the demo, and a test server has nothing to lose. */
    kill(backend->pid, SIGKILL);
    waitpid(backend->pid, NULL, 0);
    backend->pid = 0;
}
