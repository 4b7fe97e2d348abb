/* From a problem to what the model reads: the template (R1-Zero's, the model's own chat template, a text), examples before the problem, a beginning of the
 * answer, and which bytes are data, so that special tokens written in a problem are text like any other (docs/prompts.md). */
#ifndef RZ_DATA_PROMPT_H
#define RZ_DATA_PROMPT_H
#include "data/tokenizer.h"

typedef struct {
    char *template;        /* "none", "r1-zero", "chat", a text that says {prompt}; "default": r1-zero, or none for a vocabulary of whole words */
    char *system_prompt;   /* of a chat; "": none */
    char *examples;        /* a JSONL file of {"prompt", "completion"}, or such lines themselves; "": none */
    char *response_prefix; /* the completion begins with it: the model does not choose it, the rules see it */
    char *date;            /* "YYYY-MM-DD" for chat templates that ask; "": such a template fails */
    bool allow_special_in_data;
} rz_prompt_options; /* texts are never NULL */

typedef struct rz_prompt rz_prompt;

/* A template as it stands in a config or on a command line: RZ_ECONFIG when it is neither a known name nor says {prompt}. */
bool rz_prompt_check(const char *template, rz_err *err);
/* t is borrowed. RZ_ECONFIG, RZ_EIO or RZ_EDATA (examples, the model's chat template). */
bool rz_prompt_create(rz_prompt **out, const rz_prompt_options *o, const rz_tokenizer *t, rz_err *err);
void rz_prompt_destroy(rz_prompt *p);
const char *rz_prompt_prefix(const rz_prompt *p); /* the response_prefix */
/* XXH3-128 in hex of all that makes prompts of problems (a chat template and examples among it); "" when problems are prompts as they stand. */
void rz_prompt_hash(const rz_prompt *p, char out[33]);

typedef struct {
    char *text;       /* (len), with a NUL behind it; without the prefix */
    size_t len;
    int32_t *ids;     /* (n) */
    int n;
} rz_prompt_made;

/* Everything in *out is from the arena. RZ_EDATA. */
bool rz_prompt_make(const rz_prompt *p, const char *problem, rz_arena *arena, rz_prompt_made *out, rz_err *err);
#endif
