/* Reading a YAML tree by keys, with messages that show the place, the name, the value and the remedy. Every reader leaves *out untouched and
 * succeeds when the key is absent. Texts are copied to the arena. */
#ifndef RZ_REWARDS_SCHEMA_H
#define RZ_REWARDS_SCHEMA_H
#include "base/arena.h"
#include "base/yaml.h"

typedef struct {
    const rz_document *document;
    const char *what; /* "rule 'format'", or "" at the top */
    rz_arena *arena;
    rz_err *err;
} schema;

__attribute__((format(printf, 3, 4))) bool rz_schema_bad(const schema *s, rz_place at, const char *fmt, ...);
/* The same of the sentence that is in s->err already. */
bool rz_schema_bad_there(const schema *s, rz_place at);
/* True when y is of this kind. */
bool rz_schema_is(const schema *s, const rz_yaml *y, const char *key, rz_yaml_kind kind);
/* Every key of the map is one of these. */
bool rz_schema_keys(const schema *s, const rz_yaml *map, const char *const *keys, int n);
bool rz_schema_text(const schema *s, const rz_yaml *map, const char *key, const char **out); /* not empty */
bool rz_schema_number(const schema *s, const rz_yaml *map, const char *key, double lo, double hi, double *out);
bool rz_schema_int(const schema *s, const rz_yaml *map, const char *key, int lo, int hi, int *out);
bool rz_schema_bool(const schema *s, const rz_yaml *map, const char *key, bool *out);
bool rz_schema_choice(const schema *s, const rz_yaml *map, const char *key, const char *const *names, int n, int *out);
/* The number in a scalar: finite, decimal, within [lo, hi]. */
bool rz_schema_value(const schema *s, const rz_yaml *y, const char *key, double lo, double hi, double *out);
/* "a, b, c" of the names, clipped to the buffer; returns buf. */
const char *rz_schema_join(const char *const *names, int n, char *buf, size_t size);
/* Index of the name, or -1. */
int rz_schema_find(const char *name, const char *const *names, int n);
#endif
