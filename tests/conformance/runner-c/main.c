/* Runs the scenarios of tests/conformance through failover.h alone.
 *
 *   runner FOLDER [PART]     every scenario below FOLDER, or those whose path contains PART
 *
 * With FAILOVER_REPORT in the environment, a line for each scenario is appended to that file, for the
 * table of all runners.
 *
 * The last line is `conformance: scenarios=N failed=M`; exits 0 only if M is 0 and N is every file. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static unsigned found, run, failed;
static const char *part;
static const char *folder;
static FILE *report;

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0) {
        rewind(file);
        text = malloc((size_t)size + 1);
        if (text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size) {
            text[size] = '\0';
        } else {
            free(text);
            text = NULL;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static void steps(const cJSON *scenario) {
    static struct world world;
    const cJSON *step;
    int number = 0;
    if (!has_keys("scenario", scenario, "name why endpoints steps then|seed manager config", "")) {
        return;
    }
    if (world_new(&world, scenario)) {
        cJSON_ArrayForEach(step, cJSON_GetObjectItem(scenario, "steps")) {
            number++;
            int is_do = cJSON_HasObjectItem(step, "do");
            if (!(is_do ? perform(&world, step) : expect(&world, step))) {
                char *text = cJSON_PrintUnformatted(step);
                fprintf(stderr, "  step %d: %s\n", number, text);
                free(text);
                break;
            }
        }
        if (trouble[0] == '\0') {
            expect_end(&world, cJSON_GetObjectItem(scenario, "then"));
        }
    }
    world_free(&world);
}

static int one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)walk;
    if (kind == FTW_DNR || kind == FTW_NS) {
        fprintf(stderr, "%s: can't be read\n", path);
        return 1;
    }
    if (kind != FTW_F || (part != NULL && strstr(path, part) == NULL)) {
        return 0;
    }
    found++;
    trouble[0] = '\0';
    char *text = read_file(path);
    cJSON *scenario = text == NULL ? NULL : cJSON_ParseWithOpts(text, NULL, 1);
    if (scenario == NULL) {
        wrong("can't be read, or is not a JSON document");
    } else {
        steps(scenario);
    }
    run++;
    if (trouble[0] != '\0') {
        failed++;
        fprintf(stderr, "%s\n  name: %s\n  why:  %s\n  %s\n\n", path,
                cJSON_GetStringValue(cJSON_GetObjectItem(scenario, "name")),
                cJSON_GetStringValue(cJSON_GetObjectItem(scenario, "why")), trouble);
    }
    if (report != NULL) {
        const char *area = path + strlen(folder) + strspn(path + strlen(folder), "/");
        int is_good = trouble[0] == '\0';
        fprintf(report, "c\t%.*s\t%d\t%d\n", (int)strcspn(area, "/"), area, is_good, !is_good);
    }
    cJSON_Delete(scenario);
    free(text);
    return 0;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: runner FOLDER [PART]\n");
        return 2;
    }
    folder = arguments[1];
    part = count > 2 ? arguments[2] : NULL;
    const char *target = getenv("FAILOVER_REPORT");
    report = target == NULL ? NULL : fopen(target, "a");
    if (target != NULL && report == NULL) {
        perror(target);
        return 2;
    }
    int walked = nftw(folder, one, 16, FTW_PHYS);
    if (report != NULL && fclose(report) != 0) {
        perror(target);
        return 2;
    }
    if (walked < 0) {
        perror(arguments[1]);
    }
    if (walked != 0) {
        return 2;
    }
    printf("conformance: scenarios=%u failed=%u\n", run, failed);
    return failed == 0 && run == found && run > 0 ? 0 : 1;
}
