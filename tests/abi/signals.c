/* The library leaves every signal's disposition as it was, and its threads take no signal. */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static void read_all(struct sigaction *all) {
    memset(all, 0, 65 * sizeof *all);
    for (int number = 1; number <= 64; number++) {
        sigaction(number, NULL, &all[number]);
    }
}

/* Threads named failover-*, each of which must block every signal that can be blocked. */
static int count_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[200];
        unsigned long long blocked = 0;
        int is_ours = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = fopen(path, "r");
        if (task->d_name[0] == '.' || file == NULL) {
            continue;
        }
        while (fgets(line, sizeof line, file) != NULL) {
            is_ours |= strncmp(line, "Name:\tfailover", 14) == 0;
            sscanf(line, "SigBlk: %llx", &blocked);
        }
        fclose(file);
        if (is_ours) {
            /* All but SIGKILL, SIGSTOP and the two that libc keeps for itself. */
            const unsigned long long wanted = ~((1ULL << 8) | (1ULL << 18) | (3ULL << 31));
            CHECK((blocked & wanted) == wanted);
            count++;
        }
    }
    closedir(tasks);
    return count;
}

int main(void) {
    struct sigaction before[65], after[65];
    read_all(before);
    CHECK(count_threads() == 0);
    failover_manager *manager = new_manager("{}");
    add(manager, "a", 80);
    failover_pool *pool = get_pool(manager);
    one_call(pool);
    CHECK(count_threads() == 0);

    failover_endpoint_desc desc = describe("checked", 9);
    uint32_t health = 0;
    desc.health_check_json = text("{\"type\": \"http\", \"interval\": \"1s\", \"timeout\": \"200ms\"}");
    OK(failover_endpoint_register(manager, text(""), &desc, NULL));
    OK(failover_health_check(manager, text(""), text("checked"), &health, NULL));
    int threads = count_threads();
    CHECK(threads >= 1);
    CHECK(threads <= 2);

    OK(failover_manager_close(manager, 1000, NULL));
    read_all(after);
    for (int number = 1; number <= 64; number++) {
        CHECK(before[number].sa_handler == after[number].sa_handler);
        CHECK(before[number].sa_flags == after[number].sa_flags);
        CHECK(memcmp(&before[number].sa_mask, &after[number].sa_mask, 8) == 0);
    }
    failover_pool_free(pool);
    failover_manager_free(manager);
    printf("signals: unchanged, threads=%d\n", threads);
    return 0;
}
