/* JSON from strangers: jansson takes some hundred bytes for a value of one, so their number and depth are bounded before it begins. */
#ifndef RZ_BASE_JSON_H
#define RZ_BASE_JSON_H
#include "base/error.h"
#include <jansson.h>

typedef struct {
    int depth;  /* of lists and objects in one another */
    int values; /* brackets and commas */
} rz_json_limits;

/* An object (the caller's), no key twice in any; NULL: RZ_EDATA, a sentence that begins with `what`, the text's name. */
json_t *rz_json_parse(const char *what, const char *text, size_t len, rz_json_limits most, rz_err *err);
#endif
