/* One option's value: from text, checked, and to text. Used by options.c alone. */
#ifndef RZ_BASE_OPTIONS_VALUE_H
#define RZ_BASE_OPTIONS_VALUE_H
#include "base/options.h"

/* Text that grows. Zero-initialised; s is the caller's to free. */
typedef struct {
    char *s;
    size_t n, capacity;
} rz_options_text;
__attribute__((format(printf, 2, 3))) void rz_options_text_add(rz_options_text *t, const char *fmt, ...);

/* where starts every message ("configs/quick.yaml:12: "). quoted: the text was quoted in YAML, hence no number or bool. */
bool rz_options_value_set(const rz_option *row, void *base, const char *where, const char *text, bool quoted, rz_err *err);
/* For INTS and TEXTS; the items of a YAML list. */
bool rz_options_value_set_list(const rz_option *row, void *base, const char *where, const char *const *items, int n, rz_err *err);
/* What a value must be: "a whole number 2..4096", "one of a, b, c". */
void rz_options_value_demand(const rz_option *row, char *out, size_t size);
void rz_options_texts_free(rz_text_list *list); /* leaves it empty */
bool rz_options_value_equal(const rz_option *row, const void *a, const void *b);
#endif
