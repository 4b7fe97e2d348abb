/* YAML files as trees (libyaml). Scalars stay text: types come from our schemas, never from YAML. Anchors and aliases are resolved
 * up to a total node cap; duplicate keys, tags other than plain, several documents, invalid UTF-8 and depth over 64 are errors that show the place. */
#ifndef RZ_BASE_YAML_H
#define RZ_BASE_YAML_H
#include "base/place.h"

typedef enum { RZ_YAML_SCALAR, RZ_YAML_LIST, RZ_YAML_MAP } rz_yaml_kind;
typedef struct rz_yaml {
    rz_yaml_kind kind;
    rz_place at;
    char *text;             /* scalar: the value; NUL-free */
    bool quoted;            /* scalar was quoted or a block: never null/bool/number */
    int n;                  /* list and map: entries */
    char **keys;            /* map */
    rz_place *key_at;       /* map */
    struct rz_yaml **items; /* list and map: values */
} rz_yaml;

/* name is used in messages ("configs/quick.yaml:12:3: …"). RZ_ECONFIG on bad YAML; an empty document is an empty map. */
bool rz_yaml_parse(rz_yaml **out, const char *name, const char *text, size_t len, rz_err *err);
bool rz_yaml_load(rz_yaml **out, const char *path, rz_err *err);
void rz_yaml_destroy(rz_yaml *y);
/* Where byte `offset` of a scalar's text stands in the document it was read from; the scalar's own place when it is not written there as it is (escapes, blocks). */
rz_place rz_yaml_place(const rz_yaml *scalar, const rz_document *d, size_t offset);
const rz_yaml *rz_yaml_get(const rz_yaml *map, const char *key); /* NULL when absent */
#endif
