#include "value.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char trouble[4096];

int wrong(const char *format, ...) {
    va_list arguments;
    if (trouble[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(trouble, sizeof trouble, format, arguments);
        va_end(arguments);
    }
    return 0;
}

failover_str str(const char *chars) {
    failover_str made = {chars, chars == NULL ? 0 : strlen(chars)};
    return made;
}

const char *text_of(const cJSON *step, const char *key) {
    const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(step, key));
    if (found == NULL) {
        wrong("%s: must be a text", key);
    }
    return found;
}

failover_str some_text(const cJSON *step, const char *key) {
    if (!cJSON_HasObjectItem(step, key)) {
        return str(NULL);
    }
    return str(text_of(step, key));
}

uint64_t time_of(const char *chars) {
    static const struct {
        const char *name;
        double nanos;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12},
                 {"d", 8.64e13}};
    double sum = 0;
    const char *at = chars;
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        double number = strtod(at, &end);
        size_t length = 0, unit = 0;
        while (isalpha((unsigned char)end[length])) {
            length++;
        }
        while (unit < 7 && (strlen(units[unit].name) != length ||
                            strncmp(units[unit].name, end, length) != 0)) {
            unit++;
        }
        if (end == at || unit == 7) {
            wrong("not a duration: %s", chars);
            return 0;
        }
        sum += number * units[unit].nanos;
        at = end + length;
    }
    return (uint64_t)llround(sum);
}

uint64_t some_time(const cJSON *step, const char *key) {
    return cJSON_HasObjectItem(step, key) ? time_of(text_of(step, key)) : 0;
}

uint32_t outcome_of(const char *name) {
    static const struct {
        const char *name;
        uint32_t number;
    } outcomes[] = {
        {"success", FAILOVER_OUTCOME_SUCCESS},     {"rejected", FAILOVER_OUTCOME_REJECTED},
        {"unsent", FAILOVER_OUTCOME_UNSENT},       {"failure", FAILOVER_OUTCOME_FAILURE},
        {"timeout", FAILOVER_OUTCOME_TIMEOUT},     {"throttled", FAILOVER_OUTCOME_THROTTLED},
        {"cancelled", FAILOVER_OUTCOME_CANCELLED}, {"local", FAILOVER_OUTCOME_LOCAL}};
    for (size_t i = 0; name != NULL && i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strcmp(outcomes[i].name, name) == 0) {
            return outcomes[i].number;
        }
    }
    wrong("unknown outcome: %s", name == NULL ? "none" : name);
    return 0;
}

int same(const char *what, const cJSON *wanted, const cJSON *found) {
    if (wanted != NULL && found != NULL && cJSON_Compare(wanted, found, 1)) {
        return 1;
    }
    char *left = cJSON_PrintUnformatted(wanted), *right = cJSON_PrintUnformatted(found);
    wrong("%s: expected %s, got %s", what, left == NULL ? "nothing" : left,
          right == NULL ? "nothing" : right);
    free(left);
    free(right);
    return 0;
}

int same_text(const char *what, const char *wanted, const char *found) {
    if (wanted != NULL && found != NULL && strcmp(wanted, found) == 0) {
        return 1;
    }
    return wrong("%s: expected %s, got %s", what, wanted == NULL ? "nothing" : wanted,
                 found == NULL ? "nothing" : found);
}

int same_number(const char *what, double wanted, double found) {
    return wanted == found || wrong("%s: expected %.0f, got %.0f", what, wanted, found);
}

cJSON *document(failover_buf *buf) {
    failover_str view = failover_buf_view(buf);
    cJSON *made = cJSON_ParseWithLength(view.ptr, view.len);
    failover_buf_free(buf);
    if (made == NULL) {
        wrong("the library gave what is not JSON");
    }
    return made;
}

const char *kind_of(failover_code code) {
    static char name[64];
    const char *whole = failover_code_name(code);
    snprintf(name, sizeof name, "%s", strncmp(whole, "FAILOVER_E_", 11) == 0 ? whole + 11 : whole);
    for (char *at = name; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    return name;
}

/* True if `word` is one of the words of `list`. */
static int is_in(const char *word, const char *list, size_t length) {
    size_t size = strlen(word);
    for (const char *at = list; at < list + length;) {
        const char *end = at;
        while (end < list + length && *end != ' ') {
            end++;
        }
        if ((size_t)(end - at) == size && strncmp(at, word, size) == 0) {
            return 1;
        }
        at = end + 1;
    }
    return 0;
}

int has_keys(const char *what, const cJSON *object, const char *keys, const char *common) {
    if (!cJSON_IsObject(object)) {
        return wrong("%s: must be an object", what);
    }
    const char *bar = strchr(keys, '|');
    char required[256];
    snprintf(required, sizeof required, "%.*s", (int)(bar - keys), keys);
    for (char *key = strtok(required, " "); key != NULL; key = strtok(NULL, " ")) {
        if (!cJSON_HasObjectItem(object, key)) {
            return wrong("%s: misses %s", what, key);
        }
    }
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        if (!is_in(item->string, keys, (size_t)(bar - keys)) &&
            !is_in(item->string, bar + 1, strlen(bar + 1)) &&
            !is_in(item->string, common, strlen(common))) {
            return wrong("%s: unknown key %s", what, item->string);
        }
    }
    return 1;
}
