/* Values of a scenario, typed, and a place to say what is wrong with one. */
#ifndef VALUE_H
#define VALUE_H

#include <cjson/cJSON.h>
#include <failover.h>
#include <stdint.h>

/* What went wrong in the present scenario; empty while all is well. */
extern char trouble[4096];

/* Says what went wrong, once; returns 0 so that callers may return it. */
int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text, or NULL (and trouble) if it is missing or of another type. */
const char *text_of(const cJSON *step, const char *key);

/* A text for C, empty if the key is absent. */
failover_str some_text(const cJSON *step, const char *key);

failover_str str(const char *chars);

/* Nanoseconds of "250ms", "1.5s" or "1h30m"; 0 and trouble if it isn't one. */
uint64_t time_of(const char *chars);

/* As above, of a key; 0 if it is absent. */
uint64_t some_time(const cJSON *step, const char *key);

/* The number of an outcome's name, 0 and trouble if it is unknown. */
uint32_t outcome_of(const char *name);

/* Compares two values; a list's order counts, an object's doesn't. 1 if they are the same. */
int same(const char *what, const cJSON *wanted, const cJSON *found);

int same_text(const char *what, const char *wanted, const char *found);

int same_number(const char *what, double wanted, double found);

/* A buffer of the library as a document; frees it. */
cJSON *document(failover_buf *buf);

/* A code's name as scenarios have it: no_endpoints. Lives until the next call. */
const char *kind_of(failover_code code);

/* Checks that an object has the required and no unknown keys: "a b|c d" (required, then optional). */
int has_keys(const char *what, const cJSON *object, const char *keys, const char *common);

#endif
