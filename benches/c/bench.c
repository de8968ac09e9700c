/*
 * What picks and calls cost through the C ABI, with all its checks.
 *
 * Fifteen batches of each row, interleaved so that drift hits all rows alike; the table shows the
 * fastest and the middle batch. Threads share one pool; the time is what each of them pays. What is
 * measured alone comes in groups: the picks of a group are timed, their reports are not.
 *
 * usage: bench [WORD...]      only the rows that have every word in their path or algorithm
 */
#include <failover.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 15, GROUPS = 200, GROUP = 500, MOST_ROWS = 128, MOST_THREADS = 8 };

/* From one given time to the next, in nanoseconds: about what a pick and its report take. */
enum { BETWEEN = 100 };

/* Does one thing GROUP times and returns the nanoseconds that took. */
typedef double (*path_fn)(const failover_pool *pool, uint64_t now);

struct row {
    const char *path;
    const char *algorithm;
    int endpoints;
    int threads;
    path_fn run;
    failover_manager *manager;
    failover_pool *pool;
    double nanoseconds[BATCHES];
};

static struct row rows[MOST_ROWS];
static int row_count;

static char **words;
static int word_count;

static void must(failover_code code, const char *what) {
    if (code != FAILOVER_OK) {
        fprintf(stderr, "bench: %s: %s\n", what, failover_code_name(code));
        exit(1);
    }
}

static failover_str text(const char *words) {
    failover_str out = {words, strlen(words)};
    return out;
}

static failover_request request_at(uint64_t now) {
    failover_request request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.now_ns = now;
    return request;
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double picks(const failover_pool *pool, uint64_t now) {
    const uint64_t step = now == 0 ? 0 : BETWEEN;
    static _Thread_local failover_lease leases[GROUP];
    failover_request request = request_at(now);
    double begin = now_ns();
    for (int i = 0; i < GROUP; i++) {
        must(failover_pool_pick(pool, &request, &leases[i]), "pick");
        request.now_ns += step;
    }
    double end = now_ns();
    for (int i = 0; i < GROUP; i++) {
        must(failover_pool_report(pool, &leases[i], FAILOVER_OUTCOME_SUCCESS, 50), "report");
    }
    return end - begin;
}

static double picks_by_clock(const failover_pool *pool, uint64_t now) {
    (void)now;
    return picks(pool, 0);
}

static double picks_and_reports(const failover_pool *pool, uint64_t now) {
    failover_request request = request_at(now);
    failover_lease lease;
    double begin = now_ns();
    for (int i = 0; i < GROUP; i++) {
        must(failover_pool_pick(pool, &request, &lease), "pick");
        must(failover_pool_report(pool, &lease, FAILOVER_OUTCOME_SUCCESS, 50), "report");
        request.now_ns += BETWEEN;
    }
    return now_ns() - begin;
}

static void whole_call(const failover_pool *pool, uint64_t now) {
    failover_call *call;
    failover_action action;
    failover_input input;
    must(failover_call_new(pool, NULL, &call, NULL), "call_new");
    memset(&input, 0, sizeof input);
    input.kind = FAILOVER_INPUT_START;
    input.now_ns = now;
    must(failover_call_step(call, &input, &action), "start");
    input.kind = FAILOVER_INPUT_RESULT;
    input.attempt = action.attempt;
    input.outcome = FAILOVER_OUTCOME_SUCCESS;
    input.now_ns = now + 50;
    must(failover_call_step(call, &input, &action), "result");
    failover_call_free(call);
}

static double whole_calls(const failover_pool *pool, uint64_t now) {
    double begin = now_ns();
    for (int i = 0; i < GROUP; i++) {
        whole_call(pool, now + (uint64_t)i * BETWEEN);
    }
    return now_ns() - begin;
}

static void make_pool(struct row *row) {
    char document[256];
    char *set = malloc((size_t)row->endpoints * 96 + 16);
    size_t length = 0;
    snprintf(document, sizeof document, "{\"seed\":1,\"failover\":{\"load_balancer\":{\"algorithm\":\"%s\"}}}", row->algorithm);
    must(failover_manager_new(text(document), &row->manager, NULL), "manager_new");
    length += (size_t)sprintf(set, "[");
    for (int i = 0; i < row->endpoints; i++) {
        length += (size_t)sprintf(set + length, "%s{\"id\":\"e%04d\",\"name\":\"s\",\"address\":\"127.0.0.1\",\"port\":%d}", i ? "," : "", i, 1000 + i);
    }
    length += (size_t)sprintf(set + length, "]");
    failover_str endpoints = {set, length};
    must(failover_provider_publish(row->manager, text("memory"), endpoints, NULL), "publish");
    must(failover_pool_get(row->manager, text(""), text("s"), &row->pool, NULL), "pool_get");
    free(set);
}

/* Has every word of the command line in its path or its algorithm. */
static int is_asked_for(const char *path, const char *algorithm) {
    for (int i = 0; i < word_count; i++) {
        if (strstr(path, words[i]) == NULL && strstr(algorithm, words[i]) == NULL) {
            return 0;
        }
    }
    return 1;
}

static void add(const char *path, path_fn run, const char *algorithm, int endpoints, int threads) {
    if (!is_asked_for(path, algorithm)) {
        return;
    }
    struct row *row = &rows[row_count++];
    row->path = path;
    row->run = run;
    row->algorithm = algorithm;
    row->endpoints = endpoints;
    row->threads = threads;
    make_pool(row);
}

struct work {
    struct row *row;
    double nanoseconds;
};

static void *worker(void *argument) {
    struct work *work = argument;
    for (uint64_t group = 0; group < GROUPS; group++) {
        work->nanoseconds += work->row->run(work->row->pool, 1 + group * BETWEEN * GROUP);
    }
    return NULL;
}

/* What each thread pays for one round. */
static double nanoseconds_of(struct row *row) {
    struct work works[MOST_THREADS] = {{0}};
    pthread_t threads[MOST_THREADS];
    double sum = 0;
    for (int i = 0; i < row->threads; i++) {
        works[i].row = row;
        if (i > 0) {
            pthread_create(&threads[i], NULL, worker, &works[i]);
        }
    }
    worker(&works[0]);
    for (int i = 0; i < row->threads; i++) {
        if (i > 0) {
            pthread_join(threads[i], NULL);
        }
        sum += works[i].nanoseconds;
    }
    return sum / row->threads / GROUPS / GROUP;
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    words = argv + 1;
    word_count = argc - 1;
    static const char *const algorithms[] = {"round_robin", "random", "weighted", "least_connections", "p2c_ewma"};
    static const int sizes[] = {3, 100, 1000};
    for (size_t a = 0; a < 5; a++) {
        for (size_t s = 0; s < 3; s++) {
            add("pick, time given", picks, algorithms[a], sizes[s], 1);
            add("whole call", whole_calls, algorithms[a], sizes[s], 1);
        }
        add("pick, own clock", picks_by_clock, algorithms[a], 100, 1);
        add("pick and report", picks_and_reports, algorithms[a], 100, 1);
        add("pick, time given", picks, algorithms[a], 100, 2);
        add("whole call", whole_calls, algorithms[a], 100, 2);
    }
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < row_count; i++) {
            rows[i].nanoseconds[batch] = nanoseconds_of(&rows[i]);
        }
    }
    printf("nanoseconds through the C ABI, %d batches of %d, fastest and middle\n", BATCHES, GROUPS * GROUP);
    printf("  %-18s %-18s %9s %7s %9s %9s\n", "path", "algorithm", "endpoints", "threads", "fastest", "middle");
    for (int i = 0; i < row_count; i++) {
        struct row *row = &rows[i];
        qsort(row->nanoseconds, BATCHES, sizeof(double), by_size);
        printf("  %-18s %-18s %9d %7d %9.1f %9.1f\n", row->path, row->algorithm, row->endpoints, row->threads,
               row->nanoseconds[0], row->nanoseconds[BATCHES / 2]);
        failover_pool_free(row->pool);
        failover_manager_free(row->manager);
    }
    return 0;
}
