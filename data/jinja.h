/* Chat templates: the part of Jinja that templates of language models use (docs/prompts.md lists it), with the settings of the `transformers` library
 * (trim_blocks, lstrip_blocks, loop controls, its tojson, raise_exception). A template comes from strangers: what is not known is an error that
 * names it with its place, and work, memory, output and depth are bounded. */
#ifndef RZ_DATA_JINJA_H
#define RZ_DATA_JINJA_H
#include "base/arena.h"
#include "base/text.h"
#include <jansson.h>
#include <stdint.h>

typedef struct rz_jinja rz_jinja;

/* name begins the messages ("model.gguf: chat template"). RZ_EDATA: "NAME:LINE:COLUMN: what". */
bool rz_jinja_compile(rz_jinja **out, const char *name, const char *text, size_t len, rz_err *err);
void rz_jinja_destroy(rz_jinja *t);

typedef struct {
    json_t *variables;          /* an object: what the template sees by name */
    const json_t *const *data;  /* (n_data) values inside `variables`: strings in or below them are data, not words of the template */
    int n_data;
    const char *date;           /* "YYYY-MM-DD": what strftime_now tells; NULL: the template does not find such a function */
} rz_jinja_input;

typedef struct {
    char *text; /* with a NUL behind it */
    size_t len;
    rz_range *data; /* (n_data) the parts that come from data, in order, not touching */
    int n_data;
} rz_jinja_output;

/* The same input gives the same text. Everything in *out is from the arena. RZ_EDATA: the template fails (raise_exception, an undefined name, a bound) or
 * uses what is not supported. */
bool rz_jinja_render(const rz_jinja *t, const rz_jinja_input *in, rz_arena *arena, rz_jinja_output *out, rz_err *err);
#endif
