#include "rewards/example.h"
#include "base/file.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static int hex_digit(char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; }

static bool put_hex(FILE *f, const char *hex)
{
    size_t n = strlen(hex);
    if (n % 2 || hex[strspn(hex, "0123456789abcdefABCDEF")]) return false;
    for (; *hex; hex += 2) fputc(hex_digit(hex[0]) << 4 | hex_digit(hex[1]), f);
    return true;
}

static bool put_piece(FILE *f, const json_t *piece, size_t *room)
{
    const char *hex = json_string_value(json_object_get(piece, "hex"));
    const json_t *text = json_is_string(piece) ? piece : json_object_get(piece, "repeat");
    json_int_t times = json_is_string(piece) ? 1 : json_integer_value(json_object_get(piece, "times"));
    size_t n = hex ? strlen(hex) / 2 : json_string_length(text);
    if (hex) return n <= *room && (*room -= n, put_hex(f, hex));
    if (!json_is_string(text) || times < 1 || times > RZ_EXAMPLE_MAX_LINE || n > *room / (size_t)times) return false;
    *room -= n * (size_t)times;
    for (; times > 0; times--) fwrite(json_string_value(text), 1, n, f);
    return true;
}

static bool read_completion(rz_example *e, rz_err *err)
{
    const json_t *completion = json_object_get(e->line, "completion"), *piece;
    size_t len, i, room = RZ_EXAMPLE_MAX_LINE;
    bool ok = true;
    if (!json_is_string(completion) && !json_is_array(completion))
        return rz_fail(err, RZ_EDATA, "\"completion\" is %s, must be text", completion ? "no text" : "missing");
    FILE *f = open_memstream(&e->completion, &len);
    if (!f) rz_out_of_memory(BUFSIZ);
    if (json_is_string(completion)) ok = put_piece(f, completion, &room);
    json_array_foreach(completion, i, piece) ok = ok && put_piece(f, piece, &room);
    if (fclose(f) != 0) rz_out_of_memory(BUFSIZ);
    e->sample.completion = e->completion;
    e->sample.completion_len = len;
    return ok || rz_fail(err, RZ_EDATA, "\"completion\" has a piece that is no text, {\"hex\": \"ff00\"} or {\"repeat\": text, \"times\": n} (64 MiB in all)");
}

static bool read_ids(rz_example *e, rz_err *err)
{
    const json_t *ids = json_object_get(e->line, "completion_ids"), *n = json_object_get(e->line, "n_tokens"), *id;
    size_t i;
    e->sample.n_tokens = json_is_integer(n) ? (int)json_integer_value(n) : -1;
    if (!ids || json_is_null(ids)) return true;
    if (!json_is_array(ids)) return rz_fail(err, RZ_EDATA, "\"completion_ids\" must be a list of ids");
    e->ids = rz_malloc((json_array_size(ids) + 1) * sizeof *e->ids);
    json_array_foreach(ids, i, id) e->ids[i] = (int32_t)json_integer_value(id);
    if (e->sample.n_tokens < 0) e->sample.n_tokens = (int)json_array_size(ids);
    if (e->sample.n_tokens == (int)json_array_size(ids)) e->sample.ids = e->ids; /* else the length stands, and they are those of something else */
    return true;
}

static bool read_problem(rz_example *e, rz_err *err)
{
    const json_t *answer = json_object_get(e->line, "answer"), *meta = json_object_get(e->line, "meta");
    if (json_is_string(answer))
        e->answer = rz_strdup(json_string_value(answer));
    else if (json_is_number(answer))
        e->answer = json_dumps(answer, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    else if (answer && !json_is_null(answer))
        return rz_fail(err, RZ_EDATA, "\"answer\" must be text or a number");
    if (json_is_string(meta)) /* tests write what is no JSON, too */
        e->meta = rz_strdup(json_string_value(meta));
    else if (json_is_object(meta))
        e->meta = json_dumps(meta, JSON_COMPACT);
    else if (meta && !json_is_null(meta))
        return rz_fail(err, RZ_EDATA, "\"meta\" must be an object");
    e->sample.answer = e->answer;
    e->sample.meta = e->meta;
    return true;
}

bool rz_example_read(rz_example *e, const char *text, size_t len, rz_err *err)
{
    json_error_t problem;
    *e = (rz_example){.line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem), .name = ""};
    if (!json_is_object(e->line)) return rz_fail(err, RZ_EDATA, "not a JSON object: %s", e->line ? "another kind of value" : problem.text);
    const json_t *name = json_object_get(e->line, "name");
    if (json_is_string(name)) e->name = json_string_value(name);
    e->group = json_object_get(e->line, "group");
    e->expect = json_object_get(e->line, "expect");
    e->sample.prompt = json_string_value(json_object_get(e->line, "prompt"));
    e->sample.truncated = json_is_true(json_object_get(e->line, "truncated"));
    if (json_is_null(e->group)) e->group = NULL;
    if (e->group && !json_is_string(e->group) && !json_is_number(e->group)) return rz_fail(err, RZ_EDATA, "\"group\" must be text or a number");
    return read_completion(e, err) && read_problem(e, err) && read_ids(e, err);
}

void rz_example_finish(rz_example *e)
{
    json_decref(e->line);
    free(e->completion);
    free(e->answer);
    free(e->meta);
    free(e->ids);
    *e = (rz_example){0};
}

bool rz_example_same_group(const rz_example *a, const rz_example *b) { return a->group && b->group && json_equal(a->group, b->group); }

static bool add_line(void *ctx, const char *text, size_t len, int64_t number, rz_err *err)
{
    rz_examples *all = ctx;
    if (all->n == all->room) all->v = rz_realloc(all->v, (size_t)(all->room = 2 * all->room + 16) * sizeof *all->v);
    rz_example *e = &all->v[all->n++];
    bool ok = rz_example_read(e, text, len, err);
    e->number = number;
    return ok;
}

bool rz_examples_load(rz_examples *all, const char *path, rz_err *err)
{
    *all = (rz_examples){0};
    return rz_lines_each(path, RZ_EXAMPLE_MAX_LINE, add_line, all, err);
}

void rz_examples_finish(rz_examples *all)
{
    for (int i = 0; i < all->n; i++) rz_example_finish(&all->v[i]);
    free(all->v);
    *all = (rz_examples){0};
}

int rz_examples_group(const rz_examples *all, int i)
{
    int n = 1;
    while (i + n < all->n && n < RZ_EXAMPLE_MAX_GROUP && rz_example_same_group(&all->v[i], &all->v[i + n])) n++;
    return n;
}

void rz_examples_score(rz_rules_worker *w, const rz_example *v, int n, rz_score *out)
{
    rz_sample *samples = rz_malloc((size_t)n * sizeof *samples);
    for (int i = 0; i < n; i++) samples[i] = v[i].sample;
    rz_rules_score_group(w, samples, n, out);
    free(samples);
}

/* ---- expectations ---- */

typedef struct {
    FILE *f;
    int n;
    double tolerance;
    rz_err *err;
} findings;

__attribute__((format(printf, 2, 3))) static void differs(findings *d, const char *fmt, ...)
{
    va_list args;
    if (d->n++) fputc('\n', d->f);
    va_start(args, fmt);
    vfprintf(d->f, fmt, args);
    va_end(args);
}

static bool read_tolerance(findings *d, const json_t *expect)
{
    const json_t *t = json_object_get(expect, "tolerance");
    if (t && (!json_is_number(t) || json_number_value(t) < 0)) return rz_fail(d->err, RZ_EDATA, "expect: tolerance must be a number, 0 or more");
    if (t) d->tolerance = json_number_value(t);
    return true;
}

static bool check_number(findings *d, const char *what, double got, const json_t *want)
{
    if (!json_is_number(want)) return rz_fail(d->err, RZ_EDATA, "expect: %s must be a number", what);
    if (!(fabs(got - json_number_value(want)) <= d->tolerance)) differs(d, "%s is %.15g, expected %.15g", what, got, json_number_value(want));
    return true;
}

static bool check_bool(findings *d, const char *what, bool got, const json_t *want)
{
    if (!json_is_boolean(want)) return rz_fail(d->err, RZ_EDATA, "expect: %s must be true or false", what);
    if (got != json_is_true(want)) differs(d, "%s is %s, expected %s", what, got ? "true" : "false", got ? "false" : "true");
    return true;
}

/* reason: a part of it; the others: all of it. */
static bool check_text(findings *d, const char *rule, const char *key, const char *got, const json_t *want)
{
    const char *text = json_string_value(want);
    if (!text) return rz_fail(d->err, RZ_EDATA, "expect: %s of rule '%s' must be text", key, rule);
    bool ok = strcmp(key, "reason") == 0 ? strstr(got, text) != NULL : strcmp(got, text) == 0;
    if (!ok) differs(d, "rule '%s': %s is \"%s\", expected \"%s\"", rule, key, got, text);
    return true;
}

static bool check_span(findings *d, const char *rule, rz_span got, const json_t *want)
{
    if (json_array_size(want) != 2) return rz_fail(d->err, RZ_EDATA, "expect: span of rule '%s' must be [first byte, end]", rule);
    size_t start = (size_t)json_integer_value(json_array_get(want, 0)), end = (size_t)json_integer_value(json_array_get(want, 1));
    if (got.start == start && got.end == end) return true;
    if (got.start == SIZE_MAX)
        differs(d, "rule '%s': it has no span, expected [%zu, %zu]", rule, start, end);
    else
        differs(d, "rule '%s': span is [%zu, %zu], expected [%zu, %zu]", rule, got.start, got.end, start, end);
    return true;
}

static bool check_part(findings *d, const char *rule, const rz_part *p, const json_t *want)
{
    static const char *const states[] = {[RZ_PART_SCORED] = "scored", [RZ_PART_SKIPPED] = "skipped", [RZ_PART_ERROR] = "error"};
    double outer = d->tolerance;
    char what[128];
    const char *key;
    const json_t *v;
    bool ok = true;
    snprintf(what, sizeof what, "rule '%.64s': points", rule);
    if (json_is_number(want)) return check_number(d, what, p->points, want);
    if (!json_is_object(want)) return rz_fail(d->err, RZ_EDATA, "expect: parts: %s must be points or an object", rule);
    if (!read_tolerance(d, want)) return false;
    json_object_foreach((json_t *)want, key, v) {
        if (strcmp(key, "state") == 0)
            ok = check_text(d, rule, key, states[p->state], v);
        else if (strcmp(key, "points") == 0)
            ok = check_number(d, what, p->points, v);
        else if (strcmp(key, "reason") == 0)
            ok = check_text(d, rule, key, p->reason, v);
        else if (strcmp(key, "found") == 0)
            ok = check_text(d, rule, key, p->found, v);
        else if (strcmp(key, "expected") == 0)
            ok = check_text(d, rule, key, p->expected, v);
        else if (strcmp(key, "span") == 0)
            ok = check_span(d, rule, p->span, v);
        else if (strcmp(key, "tolerance") != 0)
            ok = rz_fail(d->err, RZ_EDATA, "expect: rule '%s': unknown key '%s', must be state, points, reason, found, expected, span or tolerance", rule, key);
        if (!ok) return false;
    }
    d->tolerance = outer;
    return true;
}

static bool check_parts(findings *d, const rz_rules *r, const rz_score *s, const json_t *want)
{
    const char *rule;
    const json_t *v;
    if (!json_is_object(want)) return rz_fail(d->err, RZ_EDATA, "expect: parts must be an object of rules");
    json_object_foreach((json_t *)want, rule, v) {
        int i = 0;
        while (i < rz_rules_count(r) && strcmp(rz_rules_name(r, i), rule) != 0) i++;
        if (i == rz_rules_count(r)) return rz_fail(d->err, RZ_EDATA, "expect: parts: there is no rule '%s'", rule);
        if (!check_part(d, rule, &s->parts[i], v)) return false;
    }
    return true;
}

static bool check(findings *d, const rz_example *e, const rz_rules *r, const rz_score *s)
{
    const char *key;
    const json_t *v;
    bool ok = true;
    if (!json_is_object(e->expect)) return rz_fail(d->err, RZ_EDATA, "it has no \"expect\" (an object): say what the score must be");
    if (!read_tolerance(d, e->expect)) return false;
    json_object_foreach((json_t *)e->expect, key, v) {
        if (strcmp(key, "score") == 0)
            ok = check_number(d, key, s->score, v);
        else if (strcmp(key, "errors") == 0)
            ok = check_number(d, key, s->n_errors, v);
        else if (strcmp(key, "correct") == 0)
            ok = check_bool(d, key, s->correct, v);
        else if (strcmp(key, "format_ok") == 0)
            ok = check_bool(d, key, s->format_ok, v);
        else if (strcmp(key, "parts") == 0)
            ok = check_parts(d, r, s, v);
        else if (strcmp(key, "tolerance") != 0)
            ok = rz_fail(d->err, RZ_EDATA, "expect: unknown key '%s', must be score, correct, format_ok, errors, parts or tolerance", key);
        if (!ok) return false;
    }
    return true;
}

bool rz_example_check(const rz_example *e, const rz_rules *r, const rz_score *s, char **differences, rz_err *err)
{
    char *text = NULL;
    size_t len;
    findings d = {.f = open_memstream(&text, &len), .tolerance = 1e-9, .err = err};
    if (!d.f) rz_out_of_memory(BUFSIZ);
    bool ok = check(&d, e, r, s);
    if (fclose(d.f) != 0) rz_out_of_memory(BUFSIZ);
    *differences = ok && d.n ? text : NULL;
    if (!*differences) free(text);
    return ok;
}
