#include "trainer/rollouts.h"

#include <stdlib.h>
#include <string.h>

/* A column: values of one type, `width` a row. Variable-length columns (tokens, text) are flat arrays beside an offsets column of n+1 numbers. */
typedef struct {
    const char *name;
    rz_type type;
    int width; /* 0: one number a row, as a vector */
    char *data;
    size_t n, cap; /* numbers */
} column;

/* Columns by what a row is. PROMPT: one a group; TOKEN, TEXT…: flat. */
enum {
    STEP, SLOT, SAMPLE, N_TOKENS, TRUNCATED, CORRECT, FORMAT, SCORE, ADVANTAGE, SIGNAL, PART_STATE, PART_POINTS, PART_SPAN, /* one a completion */
    TOKEN_AT, IDS, LOGP, LOGP_BEHAVIOUR, ENTROPY,
    TEXT_AT, TEXT, EXPLAIN_AT, EXPLAIN,
    PROMPT_STEP, PROMPT_SLOT, PROMPT_TRAINED, PROMPT_AT, PROMPT, ANSWER_AT, ANSWER, META_AT, META, /* one a group */
    N_COLUMNS
};

static const struct { const char *name; rz_type type; } layout[N_COLUMNS] = {
    [STEP] = {"step", RZ_I64}, [SLOT] = {"slot", RZ_I32}, [SAMPLE] = {"sample", RZ_I32}, [N_TOKENS] = {"n_tokens", RZ_I32},
    [TRUNCATED] = {"truncated", RZ_U8}, [CORRECT] = {"correct", RZ_U8}, [FORMAT] = {"format_ok", RZ_U8}, [SCORE] = {"score", RZ_F64},
    [ADVANTAGE] = {"advantage", RZ_F64}, [SIGNAL] = {"signal", RZ_U8}, [PART_STATE] = {"parts/state", RZ_I8}, [PART_POINTS] = {"parts/points", RZ_F64},
    [PART_SPAN] = {"parts/span", RZ_I64}, [TOKEN_AT] = {"tokens/offsets", RZ_I64}, [IDS] = {"tokens/ids", RZ_I32}, [LOGP] = {"tokens/logp", RZ_F32},
    [LOGP_BEHAVIOUR] = {"tokens/logp_behaviour", RZ_F32}, [ENTROPY] = {"tokens/entropy", RZ_F32}, [TEXT_AT] = {"text/offsets", RZ_I64},
    [TEXT] = {"text/bytes", RZ_U8}, [EXPLAIN_AT] = {"explain/offsets", RZ_I64}, [EXPLAIN] = {"explain/bytes", RZ_U8},
    [PROMPT_STEP] = {"prompts/step", RZ_I64}, [PROMPT_SLOT] = {"prompts/slot", RZ_I32}, [PROMPT_TRAINED] = {"prompts/trained", RZ_U8},
    [PROMPT_AT] = {"prompts/prompt/offsets", RZ_I64},
    [PROMPT] = {"prompts/prompt/bytes", RZ_U8}, [ANSWER_AT] = {"prompts/answer/offsets", RZ_I64}, [ANSWER] = {"prompts/answer/bytes", RZ_U8},
    [META_AT] = {"prompts/meta/offsets", RZ_I64}, [META] = {"prompts/meta/bytes", RZ_U8},
};

struct rz_rollouts {
    const rz_tokenizer *t;
    const rz_rules *rules;
    column columns[N_COLUMNS];
};

static void append(rz_rollouts *r, int which, const void *data, size_t n)
{
    column *c = &r->columns[which];
    size_t size = rz_type_size(c->type);
    if (c->n + n > c->cap) {
        c->cap = 2 * (c->n + n) + 64;
        c->data = rz_realloc(c->data, c->cap * size);
    }
    if (n)
        memcpy(c->data + c->n * size, data, n * size);
    c->n += n;
}

static void append_whole(rz_rollouts *r, int which, int64_t value)
{
    const int32_t i32 = (int32_t)value;
    const uint8_t u8 = (uint8_t)value;
    rz_type t = r->columns[which].type;
    append(r, which, t == RZ_I64 ? (const void *)&value : t == RZ_I32 ? (const void *)&i32 : (const void *)&u8, 1);
}

/* Flat data and its end as the next offset. */
static void append_text(rz_rollouts *r, int offsets, int flat, const char *text, size_t n)
{
    append(r, flat, text, n);
    append_whole(r, offsets, (int64_t)r->columns[flat].n);
}

/* Columns of offsets, and the flat one that each points into. */
static const struct { int at, flat; } offsets[] = {{TOKEN_AT, IDS}, {TEXT_AT, TEXT}, {EXPLAIN_AT, EXPLAIN}, {PROMPT_AT, PROMPT}, {ANSWER_AT, ANSWER}, {META_AT, META}};
enum { N_OFFSETS = sizeof offsets / sizeof offsets[0] };

static void empty(rz_rollouts *r)
{
    for (int i = 0; i < N_COLUMNS; i++)
        r->columns[i].n = 0;
    for (int i = 0; i < N_OFFSETS; i++)
        append_whole(r, offsets[i].at, 0);
}

rz_rollouts *rz_rollouts_create(const rz_tokenizer *t, const rz_rules *rules)
{
    rz_rollouts *r = rz_calloc(1, sizeof *r);
    r->t = t;
    r->rules = rules;
    for (int i = 0; i < N_COLUMNS; i++)
        r->columns[i] = (column){.name = layout[i].name, .type = layout[i].type};
    r->columns[PART_STATE].width = r->columns[PART_POINTS].width = rz_rules_count(rules);
    r->columns[PART_SPAN].width = 2 * rz_rules_count(rules);
    empty(r);
    return r;
}

void rz_rollouts_destroy(rz_rollouts *r)
{
    for (int i = 0; r && i < N_COLUMNS; i++)
        free(r->columns[i].data);
    free(r);
}

void rz_rollouts_clear(rz_rollouts *r)
{
    empty(r);
}

static void add_completion(rz_rollouts *r, int64_t step, const rz_group *g, int k, rz_arena scratch)
{
    const rz_completion *c = &g->completions[k];
    const rz_scored *s = &g->scored[k];
    size_t len;
    const char *text = rz_group_text(r->t, g, k, false, &scratch, &len);
    append_whole(r, STEP, step);
    append_whole(r, SLOT, g->slot);
    append_whole(r, SAMPLE, k);
    append_whole(r, N_TOKENS, c->n);
    append_whole(r, TRUNCATED, c->truncated);
    append_whole(r, CORRECT, s->correct);
    append_whole(r, FORMAT, s->format_ok);
    append(r, SCORE, &s->score, 1);
    append(r, ADVANTAGE, &s->advantage, 1);
    append_whole(r, SIGNAL, g->signal);
    for (int i = 0; i < rz_rules_count(r->rules); i++) {
        append_whole(r, PART_STATE, s->verdicts[i].state);
        append(r, PART_POINTS, &s->verdicts[i].points, 1);
        append_whole(r, PART_SPAN, s->verdicts[i].start);
        append_whole(r, PART_SPAN, s->verdicts[i].end);
    }
    append(r, IDS, c->ids, (size_t)c->n);
    append(r, LOGP, c->logp, (size_t)c->n);
    append(r, LOGP_BEHAVIOUR, c->logp_behaviour, (size_t)c->n);
    append(r, ENTROPY, c->entropy, (size_t)c->n);
    append_whole(r, TOKEN_AT, (int64_t)r->columns[IDS].n);
    append_text(r, TEXT_AT, TEXT, text, len);
    append_text(r, EXPLAIN_AT, EXPLAIN, s->explain, strlen(s->explain));
}

void rz_rollouts_add(rz_rollouts *r, int64_t step, const rz_group *groups, int n_groups, rz_arena scratch)
{
    for (int i = 0; i < n_groups; i++) {
        const rz_group *g = &groups[i];
        append_whole(r, PROMPT_STEP, step);
        append_whole(r, PROMPT_SLOT, g->slot);
        append_whole(r, PROMPT_TRAINED, g->trained);
        append_text(r, PROMPT_AT, PROMPT, g->input, strlen(g->input));
        append_text(r, ANSWER_AT, ANSWER, g->problem.answer, strlen(g->problem.answer));
        append_text(r, META_AT, META, g->problem.meta, strlen(g->problem.meta));
        for (int k = 0; k < g->n; k++)
            add_completion(r, step, g, k, scratch);
    }
}

void rz_rollouts_move(rz_rollouts *to, rz_rollouts *from)
{
    bool pointing[N_COLUMNS] = {false};
    for (int i = 0; i < N_OFFSETS; i++) { /* before what they point into grows */
        const column *c = &from->columns[offsets[i].at];
        const int64_t *at = (const int64_t *)c->data, before = (int64_t)to->columns[offsets[i].flat].n;
        for (size_t k = 1; k < c->n; k++)
            append_whole(to, offsets[i].at, before + at[k]);
        pointing[offsets[i].at] = true;
    }
    for (int i = 0; i < N_COLUMNS; i++)
        if (!pointing[i])
            append(to, i, from->columns[i].data, from->columns[i].n);
    empty(from);
}

static bool put_rule_names(rz_rollouts *r, rz_store *s, rz_err *err)
{
    char *all = rz_strdup("");
    for (int i = 0; i < rz_rules_count(r->rules); i++) {
        char *longer = rz_asprintf("%s%s\n", all, rz_rules_name(r->rules, i));
        free(all);
        all = longer;
    }
    bool ok = rz_store_put_text(s, "parts/rules", all, err);
    free(all);
    return ok;
}

bool rz_rollouts_write(rz_rollouts *r, const char *path, rz_err *err)
{
    rz_store *s;
    if (!r->columns[STEP].n)
        return true;
    if (!rz_store_create(&s, path, err))
        return false;
    int64_t bytes = 1 << 16; /* names and places of the columns */
    for (int i = 0; i < N_COLUMNS; i++)
        bytes += (int64_t)(r->columns[i].n * rz_type_size(r->columns[i].type));
    bool ok = rz_store_reserve(s, bytes, err) && rz_store_put_str(s, "kind", "rollouts", err) && rz_store_put_i64(s, "format_version", 1, err) && put_rule_names(r, s, err);
    for (int i = 0; ok && i < N_COLUMNS; i++) {
        const column *c = &r->columns[i];
        rz_shape shape = {c->type, c->width ? 2 : 1, {c->width ? (int64_t)c->n / c->width : (int64_t)c->n, c->width}};
        ok = rz_store_put(s, c->name, shape, c->data, err);
    }
    ok = ok && rz_store_commit(s, err);
    rz_store_close(s);
    if (ok)
        empty(r);
    return ok;
}

/* ---- is a file whole? ---- */

/* Columns of the form offsets, flat: which flat ones stand behind which offsets, and of what a row is. */
static const struct { int offsets, from, to, row; } flats[] = {
    {TOKEN_AT, IDS, ENTROPY, STEP}, {TEXT_AT, TEXT, TEXT, STEP}, {EXPLAIN_AT, EXPLAIN, EXPLAIN, STEP},
    {PROMPT_AT, PROMPT, PROMPT, PROMPT_STEP}, {ANSWER_AT, ANSWER, ANSWER, PROMPT_STEP}, {META_AT, META, META, PROMPT_STEP}};
enum { N_FLATS = sizeof flats / sizeof flats[0] };

static bool has_shape(rz_store *s, int which, int n_dims, int64_t rows, int64_t width, rz_err *err)
{
    rz_shape is;
    if (!rz_store_shape(s, layout[which].name, &is, err))
        return false;
    return (is.type == layout[which].type && is.n_dims == n_dims && is.dims[0] == rows && (n_dims == 1 || is.dims[1] == width)) ||
           rz_fail(err, RZ_EDATA, "%s has another shape than its file asks for (%lld rows)", layout[which].name, (long long)rows);
}

static bool rows_of(rz_store *s, int which, int64_t *rows, rz_err *err)
{
    rz_shape is;
    if (!rz_store_shape(s, layout[which].name, &is, err))
        return false;
    *rows = is.dims[0];
    return has_shape(s, which, 1, *rows, 0, err);
}

static bool check_flat(rz_store *s, int i, int64_t rows, rz_err *err)
{
    const char *name = layout[flats[i].offsets].name;
    int64_t total = 0;
    if (!has_shape(s, flats[i].offsets, 1, rows + 1, 0, err))
        return false;
    int64_t *at = rz_calloc((size_t)rows + 1, sizeof *at);
    bool ok = rz_store_get(s, name, (rz_shape){RZ_I64, 1, {rows + 1}}, at, err) && (!at[0] || rz_fail(err, RZ_EDATA, "%s does not begin with 0", name));
    for (int64_t r = 0; ok && r < rows; r++)
        ok = at[r + 1] >= at[r] || rz_fail(err, RZ_EDATA, "%s does not rise at element %lld", name, (long long)r + 1);
    total = at[rows];
    free(at);
    for (int c = flats[i].from; ok && c <= flats[i].to; c++)
        ok = has_shape(s, c, 1, total, 0, err);
    return ok;
}

static bool is_flat(int which)
{
    bool flat = false;
    for (int i = 0; i < N_FLATS; i++)
        flat |= which == flats[i].offsets || (which >= flats[i].from && which <= flats[i].to);
    return flat;
}

static bool count_rules(rz_store *s, int64_t *n, rz_err *err)
{
    char *names = rz_store_get_text(s, "parts/rules", err);
    *n = 0;
    for (const char *c = names; c && *c; c++)
        *n += *c == '\n';
    free(names);
    return names != NULL;
}

bool rz_rollouts_check(rz_store *s, rz_err *err)
{
    int64_t completions, prompts, rules;
    bool ok = rows_of(s, STEP, &completions, err) && rows_of(s, PROMPT_STEP, &prompts, err) && count_rules(s, &rules, err);
    for (int i = 0; ok && i < N_FLATS; i++)
        ok = check_flat(s, i, flats[i].row == STEP ? completions : prompts, err);
    for (int c = 0; ok && c < N_COLUMNS; c++) {
        bool parts = c == PART_STATE || c == PART_POINTS || c == PART_SPAN;
        ok = is_flat(c) || has_shape(s, c, parts ? 2 : 1, c < PROMPT_STEP ? completions : prompts, c == PART_SPAN ? 2 * rules : rules, err);
    }
    return ok;
}
