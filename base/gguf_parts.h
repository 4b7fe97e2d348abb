/* What an open GGUF file is made of: between gguf.c, which checks it, and gguf_values.c, which answers from it. Nobody else's business. */
#ifndef RZ_BASE_GGUF_PARTS_H
#define RZ_BASE_GGUF_PARTS_H
#include "base/gguf.h"
#include "base/mapped.h"

typedef struct {
    char *key;
    rz_gguf_type type, element;
    int64_t n;         /* bytes of a text, elements of an array */
    const uint8_t *at; /* the number, the text's bytes, or the first element, in the file */
    int64_t *starts;   /* of an array of texts: where each one's length stands, from `at` */
} gguf_value;

typedef struct {
    const char *name;
    int i;
} gguf_entry; /* a list of these in name order finds a key or a tensor */

struct rz_gguf {
    char *name;
    rz_mapped *file; /* NULL: the bytes are borrowed */
    gguf_value *values;
    rz_tensor_view *views;
    gguf_entry *value_order, *view_order;
    int n_values, n_views;
};

uint64_t rz_gguf_number_at(const uint8_t *p, int bytes); /* little-endian */
int rz_gguf_width(rz_gguf_type type);                   /* bytes of a number or truth value; 0 of what has no fixed width */
#endif
