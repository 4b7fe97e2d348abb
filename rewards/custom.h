/* Rules that are programs: what travels between a rank (kinds_custom.c) and the worker that runs one (worker.h), and what a language is to the worker.
 * Private to rewards/. */
#ifndef RZ_REWARDS_CUSTOM_H
#define RZ_REWARDS_CUSTOM_H
#include "rewards/verify.h"
#include "rewards/worker.h"
#include <jansson.h>

/* A sample as such a rule sees it. Texts are valid UTF-8 but for NUL bytes being ordinary; .s NULL: there is none. */
typedef struct {
    rz_slice completion, prompt, answer, meta; /* meta: a JSON object as text */
    rz_span view;                              /* of the completion: what the rule reads */
    int n_tokens;                              /* −1: not known */
    bool truncated;
    int n_views;
    const rz_span *views;                      /* (n_views) of the completion, in the order of the setup's names */
} rz_custom_sample;

typedef struct {
    rz_part_state state;
    bool crashed, nondeterministic; /* of an error; a program of the model that was killed is nondeterministic too, and scored */
    bool gold_problem;              /* an error that lies in the problem's data */
    bool by_name; /* points are the rule's pass or fail */
    int passed;   /* 0, 1; −1: if the points are at least `pass` */
    double points;
    rz_span span; /* of the completion */
    char found[SHOWN], expected[SHOWN], reason[REASON];
} rz_custom_verdict;

/* What a verdict is before anything is known: scored, 0 points, no span. */
void rz_custom_begin(rz_custom_verdict *v);
__attribute__((format(printf, 3, 4))) void rz_custom_end(rz_custom_verdict *v, rz_part_state state, const char *fmt, ...);

/* A language. `setup` has, besides its own keys, "rule", "params" (an object), "views" (a list of names), "deadline_ms". */
typedef struct {
    const char *name;
    void *(*open)(const json_t *setup, rz_err *err);
    void (*score)(void *self, const rz_custom_sample *s, rz_custom_verdict *v);
} rz_language;
extern const rz_language rz_language_lua, rz_language_plugin, rz_language_program, rz_language_code;

/* The rank's side: asks the worker. What comes back is checked: a worker may be out of its mind. */
void rz_custom_ask(rz_worker *t, const rz_custom_sample *s, rz_custom_verdict *v);
#endif
