/* The failover you can watch.
 *
 * Starts three local HTTP servers, calls them two hundred times a second through libfailover and
 * libcurl, and meanwhile kills one and lets another fail and hang. No call may fail. What the
 * program itself has to do for that is in load.c: one callback that makes one attempt. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything is a little faster than one would set it for servers that are far away: an outage
 * that would take minutes to live through takes seconds to watch. */
static const char CONFIG[] =
    "{ \"failover\": {"
    "    \"strategy\": \"round_robin\","
    "    \"timeout\": \"5s\", \"attempt_timeout\": \"300ms\","
    "    \"max_retries\": 3, \"retry_delay\": \"20ms\","
    "    \"circuit_breaker\": { \"recovery_timeout\": \"1s\","
    "                         \"max_recovery_timeout\": \"2s\", \"jitter\": 0,"
    "                         \"half_open_max_calls\": 1 },"
    "    \"health\": { \"interval\": \"200ms\", \"timeout\": \"300ms\", \"fall\": 2, \"rise\": 2 },"
    "    \"stats\": { \"endpoint_latency\": true } } }";

static const char HEALTH_CHECK[] = "{ \"path\": \"/health\" }";
static const char SERVICE[] = "shop";
static const char *const NAMES[LOAD_SERVERS] = { "a", "b", "c" };

#define EXIT_SETUP 2
#define EXIT_INTERRUPTED 128 /* plus the signal's number, as a shell says it */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
    is_interrupted = number;
}

/* The servers have to be ended, also when the demo is. */
static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static failover_str text(const char *text)
{
    return (failover_str){ .ptr = text, .len = strlen(text) };
}

/* True for OK; otherwise says what the library had to say. */
static bool check(const char *what, failover_code code, failover_error *error)
{
    if (code == FAILOVER_OK) {
        return true;
    }
    failover_str message = failover_error_message(error);
    fprintf(stderr, "demo: %s: %s: %.*s\n", what, failover_code_name(code), (int)message.len,
            message.ptr);
    failover_error_free(error);
    return false;
}

static bool register_server(const failover_manager *manager, const struct backend *backend)
{
    failover_endpoint_desc endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    endpoint.struct_size = sizeof endpoint;
    endpoint.id = text(backend->name);
    endpoint.name = text(SERVICE);
    endpoint.address = text("127.0.0.1");
    endpoint.port = backend->port;
    endpoint.protocol = text("http");
    endpoint.health_check_json = text(HEALTH_CHECK);
    failover_error *error = NULL;
    return check("register",
                 failover_endpoint_register(manager, text(""), &endpoint, &error), error);
}

static bool start_servers(struct demo *demo, const failover_manager *manager)
{
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        struct backend *backend = &demo->backends[i];
        if (!backend_start(backend) || !register_server(manager, backend)) {
            return false;
        }
    }
    return true;
}

/* With servers, events and pool at hand: calls, the story, and what came of it. */
static int play(struct demo *demo, const failover_pool *pool)
{
    if (!watch_pool(&demo->watch, pool) || !load_start(&demo->load, pool)) {
        fputs("demo: the calls can't begin\n", stderr);
        load_stop(&demo->load);
        return EXIT_SETUP;
    }
    bool has_happened = story_run(demo);
    load_stop(&demo->load);
    /* The last calls' events, for the counts. */
    watch_events(&demo->watch, 0, &demo->journal);
    screen_release(&demo->screen);
    if (is_interrupted) {
        fputs("demo: interrupted\n", stderr);
        return EXIT_INTERRUPTED + is_interrupted;
    }
    bool is_complete = summary_print(demo);
    return has_happened && is_complete ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct demo *demo, const failover_manager *manager)
{
    int status = EXIT_SETUP;
    failover_pool *pool = NULL;
    failover_error *error = NULL;
    if (!watch_begin(&demo->watch, manager)) {
        fputs("demo: no events can be had\n", stderr);
    } else if (start_servers(demo, manager)
               && check("pool", failover_pool_get(manager, text(""), text(SERVICE), &pool, &error),
                        error)) {
        status = play(demo, pool);
    }
    failover_pool_free(pool);
    watch_end(&demo->watch);
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        backend_stop(&demo->backends[i]);
    }
    return status;
}

static void make_demo(struct demo *demo, const char *program)
{
    *demo = (struct demo){
        .screen = screen_make(),
        .is_interrupted = &is_interrupted,
        .b_ejected_after_ns = NEVER,
        .b_recovered_after_ns = NEVER,
        .c_ejected_after_ns = NEVER,
        .c_timeout_after_ns = NEVER,
        .c_recovered_after_ns = NEVER,
    };
    for (unsigned i = 0; i < LOAD_SERVERS; i++) {
        demo->backends[i] = backend_make(program, NAMES[i]);
    }
}

int main(int count, char **arguments)
{
    const char *program = count == 2 ? arguments[1] : getenv("FAILOVER_BACKEND");
    if (count > 2 || program == NULL) {
        fputs("usage: demo PATH-OF-failover-backend   (or FAILOVER_BACKEND in the environment)\n",
              stderr);
        return EXIT_SETUP;
    }
    catch_signals();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    static struct demo demo; /* its buffers are too large for some stacks */
    make_demo(&demo, program);

    failover_manager *manager = NULL;
    failover_error *error = NULL;
    int status = EXIT_SETUP;
    if (check("manager", failover_manager_new(text(CONFIG), &manager, &error), error)) {
        status = run(&demo, manager);
        failover_manager_close(manager, 1000, NULL);
    }
    failover_manager_free(manager);
    curl_global_cleanup();
    return status;
}
