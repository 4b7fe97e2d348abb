#include "rewards/custom.h"
#include "base/text.h"
#include "rewards/wire.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rz_custom_begin(rz_custom_verdict *v)
{
    *v = (rz_custom_verdict){.state = RZ_PART_SCORED, .passed = -1, .span = {SIZE_MAX, SIZE_MAX}};
}

void rz_custom_end(rz_custom_verdict *v, rz_part_state state, const char *fmt, ...)
{
    va_list args;
    v->state = state;
    va_start(args, fmt);
    vsnprintf(v->reason, sizeof v->reason, fmt, args);
    va_end(args);
}

/* ---- a request: the head, the spans of the views, the texts. Both ends are the same program, so structs travel as they are. ---- */

enum { N_TEXTS = 4, NONE = -1 };

typedef struct {
    int64_t len[N_TEXTS]; /* or NONE */
    rz_span view;
    int n_tokens, n_views;
    bool truncated;
} head;

void rz_custom_ask(rz_worker *t, const rz_custom_sample *s, rz_custom_verdict *v)
{
    const rz_slice texts[N_TEXTS] = {s->completion, s->prompt, s->answer, s->meta};
    head h = {.view = s->view, .n_tokens = s->n_tokens, .n_views = s->n_views, .truncated = s->truncated};
    rz_slice pieces[2 + N_TEXTS] = {{(const char *)&h, sizeof h}, {(const char *)s->views, (size_t)s->n_views * sizeof *s->views}}, answer;
    char reason[RZ_WORKER_REASON];
    rz_custom_begin(v);
    for (int i = 0; i < N_TEXTS; i++) {
        h.len[i] = texts[i].s ? (int64_t)texts[i].len : NONE;
        pieces[2 + i] = texts[i].s ? texts[i] : (rz_slice){"", 0};
    }
    rz_worker_result got = rz_worker_ask(t, pieces, 2 + N_TEXTS, &answer, reason);
    if (got != RZ_WORKER_ANSWERED) {
        rz_custom_end(v, RZ_PART_ERROR, "%s", reason);
        v->crashed = got == RZ_WORKER_CRASHED;
        v->nondeterministic = got == RZ_WORKER_KILLED;
        return;
    }
    if (answer.len == sizeof *v) memcpy(v, answer.s, sizeof *v);
    bool sane = answer.len == sizeof *v && v->state <= RZ_PART_ERROR && v->passed >= -1 && v->passed <= 1;
    if (sane && v->span.start != SIZE_MAX && (v->span.start > v->span.end || v->span.end > s->completion.len)) v->span = (rz_span){SIZE_MAX, SIZE_MAX};
    char *const shown[] = {v->found, v->expected, v->reason};
    const size_t room[] = {sizeof v->found, sizeof v->expected, sizeof v->reason};
    for (int i = 0; sane && i < 3; i++) { /* UTF-8 for sure, and ended */
        char copy[REASON];
        size_t len = strnlen(shown[i], room[i] - 1), fixed;
        memcpy(copy, shown[i], len);
        char *repaired = rz_utf8_repair(copy, len, &fixed);
        rz_show(shown[i], room[i], repaired, fixed);
        free(repaired);
    }
    if (!sane) {
        rz_custom_begin(v);
        v->crashed = true;
        rz_custom_end(v, RZ_PART_ERROR, "it wrote into the memory of its process: its answer makes no sense");
    } else if (v->state == RZ_PART_SCORED && !v->by_name && !isfinite(v->points)) {
        rz_custom_end(v, RZ_PART_ERROR, "it gave %s, which is no score", isnan(v->points) ? "NaN" : "an infinite number");
    }
}

/* ---- the worker ---- */

typedef struct {
    const rz_language *language;
    void *self;
    json_t *setup; /* the language may keep parts of it */
} custom;

static void *open_language(const rz_language *l, rz_slice setup, rz_err *err)
{
    custom *c = rz_calloc(1, sizeof *c);
    c->language = l;
    c->setup = json_loadb(setup.s, setup.len, JSON_ALLOW_NUL, NULL);
    c->self = c->setup ? l->open(c->setup, err) : NULL;
    return c->self ? c : NULL; /* its process ends without it */
}

static size_t answer_request(void *self, rz_slice request, char *answer)
{
    const custom *c = self;
    head h;
    rz_custom_verdict v;
    rz_slice texts[N_TEXTS];
    memcpy(&h, request.s, sizeof h);
    size_t bytes = (size_t)h.n_views * sizeof(rz_span), at = sizeof h + bytes;
    rz_span *views = rz_malloc(bytes + 1);
    memcpy(views, request.s + sizeof h, bytes);
    for (int i = 0; i < N_TEXTS; i++) {
        texts[i] = h.len[i] == NONE ? (rz_slice){NULL, 0} : (rz_slice){request.s + at, (size_t)h.len[i]};
        at += texts[i].len;
    }
    const rz_custom_sample s = {texts[0], texts[1], texts[2], texts[3], h.view, h.n_tokens, h.truncated, h.n_views, views};
    rz_custom_begin(&v);
    c->language->score(c->self, &s, &v);
    free(views);
    memcpy(answer, &v, sizeof v);
    return sizeof v;
}

static void *open_lua(rz_slice setup, rz_err *err) { return open_language(&rz_language_lua, setup, err); }
static void *open_plugin(rz_slice setup, rz_err *err) { return open_language(&rz_language_plugin, setup, err); }
static void *open_program(rz_slice setup, rz_err *err) { return open_language(&rz_language_program, setup, err); }
static void *open_code(rz_slice setup, rz_err *err) { return open_language(&rz_language_code, setup, err); }

static const rz_worker_kind lua = {"lua", open_lua, answer_request};
static const rz_worker_kind plugin = {"plugin", open_plugin, answer_request};
static const rz_worker_kind program = {"program", open_program, answer_request, .has_children = true};
static const rz_worker_kind code = {"code", open_code, answer_request, .has_children = true};
static const rz_worker_kind *const kinds[] = {&lua, &plugin, &program, &code};

bool rz_helper_start(rz_helper **out, char *const *environment, rz_err *err)
{
    return rz_helper_fork(out, kinds, sizeof kinds / sizeof *kinds, environment, err);
}
