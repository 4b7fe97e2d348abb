/* Options declared once. A table of rows (key, type, default, bounds, help, place in a struct) yields the parser for YAML and
 * key=value overrides, the check, --help, and the resolved text that is saved with the run. */
#ifndef RZ_BASE_OPTIONS_H
#define RZ_BASE_OPTIONS_H
#include "base/error.h"
#include <stdint.h>

enum { RZ_OPT_MAX_LIST = 16 };
typedef struct { int n; int64_t v[RZ_OPT_MAX_LIST]; } rz_int_list;
typedef struct { int n; char *v[RZ_OPT_MAX_LIST]; } rz_text_list; /* texts owned by the struct, none of them empty */

typedef enum {
    RZ_OPT_INT,    /* int64_t */
    RZ_OPT_FLOAT,  /* double */
    RZ_OPT_BOOL,   /* bool; true/false, yes/no, on/off */
    RZ_OPT_TEXT,   /* char *, owned by the struct, never NULL */
    RZ_OPT_ENUM,   /* int: index into choices */
    RZ_OPT_INTS,   /* rz_int_list: [a, b] or a,b */
    RZ_OPT_TEXTS,  /* rz_text_list: ["a", "b"], or one text as it stands; empty: none */
} rz_opt_type;

/* What a change of the value between two starts of one run means. */
typedef enum { RZ_OPT_FIXED /* refuses to resume */, RZ_OPT_FREE /* may differ: cannot change the result */ } rz_opt_change;

typedef struct {
    const char *key;      /* dotted: "checkpoint.every" */
    rz_opt_type type;
    size_t offset;        /* in the options struct */
    const char *def;      /* default, as text */
    double min, max;      /* bounds of numbers and list items; min == max: none */
    const char *choices;  /* ENUM: "a|b|c" */
    rz_opt_change change;
    const char *help;     /* unit and meaning, one line */
} rz_option;

/* Sets every default. Call once before loading; base points to the options struct, zeroed. */
bool rz_options_init(const rz_option *rows, int n, void *base, rz_err *err);
void rz_options_finish(const rz_option *rows, int n, void *base); /* frees texts */

/* Nested YAML maps join their keys with dots. Unknown key: RZ_ECONFIG with file:line and the nearest key. set (n bools, may be NULL) marks
 * rows that were given. */
bool rz_options_load(const rz_option *rows, int n, void *base, const char *yaml_path, bool *set, rz_err *err);
bool rz_options_parse(const rz_option *rows, int n, void *base, const char *name, const char *text, size_t len, bool *set, rz_err *err);
/* One "key=value". */
bool rz_options_override(const rz_option *rows, int n, void *base, const char *assignment, bool *set, rz_err *err);

/* The resolved options as YAML text (nested, in row order; parsing it gives the same struct back, floats to the last bit). Caller frees. */
char *rz_options_dump(const rz_option *rows, int n, const void *base);
/* One value as text, as it would stand in YAML. Caller frees. */
char *rz_options_value(const rz_option *row, const void *base);
/* First FIXED row whose value differs between two structs, or NULL. */
const rz_option *rz_options_differ(const rz_option *rows, int n, const void *a, const void *b);
/* Help text: a line a key with type, default, bounds. Caller frees. */
char *rz_options_help(const rz_option *rows, int n);
#endif
