/* JSONL files of problems and of texts. */
#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values as written: "answer": 18.00 must not become 18.0, nor may a long number lose digits. The line is known to be valid JSON. ---- */

static const char *skip_space(const char *s) { return s + strspn(s, " \t\r\n"); }

static const char *skip_string(const char *s)
{
    for (s++; *s != '"'; s++) {
        if (*s == '\\') s++;
    }
    return s + 1;
}

static const char *skip_value(const char *s)
{
    int depth = 0;
    do {
        if (*s == '"') {
            s = skip_string(s);
            continue;
        }
        if (*s == '{' || *s == '[') depth++;
        if (*s == '}' || *s == ']') depth--;
        s++;
    } while (depth > 0 || !strchr(",]} \t\r\n", *s));
    return s;
}

static bool same_key(const char *quoted, size_t len, const char *key)
{
    json_t *text = json_loadb(quoted, len, JSON_DECODE_ANY, NULL); /* undoes escapes */
    bool same = text && strcmp(json_string_value(text), key) == 0;
    json_decref(text);
    return same;
}

/* The text of a member that the object in this line has. */
static const char *raw_member(const char *line, const char *key, size_t *len)
{
    const char *s = skip_space(line) + 1;
    for (;;) {
        const char *name = skip_space(s), *name_end = skip_string(name);
        const char *value = skip_space(skip_space(name_end) + 1), *end = skip_value(value);
        if (same_key(name, (size_t)(name_end - name), key)) {
            *len = (size_t)(end - value);
            return value;
        }
        s = skip_space(end) + 1; /* behind the comma: the key is still to come */
    }
}

/* ---- lines ---- */

typedef bool (*add_line)(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err);

/* Parses every line that is not blank into an object. */
static bool each_line(const char *path, add_line add, void *ctx, rz_err *err)
{
    rz_lines *lines;
    char *line;
    size_t len;
    int64_t n = 0;
    bool ok = true;
    if (!rz_lines_open(&lines, path, RZ_MAX_LINE, err)) return false;
    err->code = RZ_OK;
    while (ok && rz_lines_next(lines, &line, &len, err)) {
        if (!*skip_space(line)) continue;
        char *where = rz_asprintf("%s:%" PRId64, path, rz_lines_number(lines));
        json_error_t why;
        json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
        if (!object) ok = rz_fail(err, RZ_EDATA, "%s: not valid JSON: %s (column %d)", where, why.text, why.column);
        else if (!json_is_object(object)) ok = rz_fail(err, RZ_EDATA, "%s: must be an object, like {\"prompt\": \"…\"}", where);
        else ok = add(ctx, where, rz_lines_number(lines), line, object, err);
        json_decref(object);
        free(where);
        n++;
    }
    rz_lines_close(lines);
    if (!ok || err->code != RZ_OK) return false;
    return n > 0 || rz_fail(err, RZ_EDATA, "%s: holds no lines", path);
}

/* A text field; NULL when absent or null. */
static bool read_text(const char *where, json_t *object, const char *key, const char **text, rz_err *err)
{
    json_t *value = json_object_get(object, key);
    *text = json_string_value(value);
    return *text || !value || json_is_null(value) || rz_fail(err, RZ_EDATA, "%s: field %s must be a text", where, key);
}

/* Fields of any other name are carried along by many data sets; one that is nearly a name of ours, where ours is absent, is a slip. */
static bool check_names(const char *where, json_t *object, const char *const *names, int n, rz_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const char *near = rz_nearest(key, names, n);
        if (near && !json_object_get(object, near)) {
            return rz_fail(err, RZ_EDATA, "%s: field %.100s is unknown; did you mean %s?", where, key, near);
        }
    }
    return true;
}

/* A whole number of 64 bits, which JSON's readers may not hold. */
static bool read_cluster(const char *where, json_t *object, const char *line, uint64_t *out, rz_err *err)
{
    json_t *value = json_object_get(object, "cluster");
    if (!value || json_is_null(value)) return true;
    size_t len;
    const char *digits = raw_member(line, "cluster", &len);
    if (!json_is_number(value) || len > 20 || strspn(digits, "0123456789") < len || (len == 20 && strncmp(digits, "18446744073709551615", 20) > 0)) {
        return rz_fail(err, RZ_EDATA, "%s: field cluster must be a whole number of 0..18446744073709551615", where);
    }
    *out = strtoull(digits, NULL, 10);
    return true;
}

static const char *const problem_fields[] = {"prompt", "answer", "meta", "task", "cluster"};
enum { N_PROBLEM_FIELDS = sizeof problem_fields / sizeof problem_fields[0] };

static void note_other_fields(rz_dataset *d, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        int i = 0;
        while (i < N_PROBLEM_FIELDS && strcmp(key, problem_fields[i]) != 0) i++;
        if (i < N_PROBLEM_FIELDS) continue;
        if (d->n_other++ == 0) snprintf(d->other, sizeof d->other, "%s", key);
        return;
    }
}

/* ---- GSM8K (Cobbe et al. 2021, arXiv 2110.14168): {"question", "answer"}, the answer worked out in sentences with <<6*7=42>> where something is
 * reckoned, and the result behind "####" ---- */

static bool is_gsm8k(json_t *object)
{
    return json_is_string(json_object_get(object, "question")) && json_is_string(json_object_get(object, "answer")) &&
           !json_object_get(object, "prompt") && !json_object_get(object, "task");
}

/* "7", "1234", "1,234,567", but not "12,34". */
static bool is_whole(const char *s, size_t len)
{
    bool commas = memchr(s, ',', len) != NULL, ok = len > 0 && s[0] != ',';
    for (size_t i = 0; i < len; i++) ok = ok && (s[len - 1 - i] == ',') == (commas && i % 4 == 3);
    return ok;
}

/* "-1,234.50" behind the last ####, without its commas: a new text, or NULL. */
static char *gsm8k_result(const char *solution)
{
    const char *mark = NULL;
    for (const char *s = solution; (s = strstr(s, "####")); s += 4) mark = s;
    if (!mark) return NULL;
    const char *s = skip_space(mark + 4), *at = s + (*s == '-'), *digits = "0123456789";
    size_t whole = strspn(at, "0123456789,"), fraction = at[whole] == '.' ? strspn(at + whole + 1, digits) : 0;
    const char *end = at + whole + (fraction ? 1 + fraction : 0);
    if (!is_whole(at, whole) || *skip_space(end)) return NULL;
    char *out = rz_strndup(s, (size_t)(end - s)), *to = out;
    for (const char *from = out; *from; from++) {
        if (*from != ',') *to++ = *from;
    }
    *to = 0;
    return out;
}

static bool add_gsm8k(rz_dataset *d, const char *where, int64_t number, json_t *object, rz_err *err)
{
    const char *solution = json_string_value(json_object_get(object, "answer"));
    char meta[32], *result = gsm8k_result(solution);
    int steps = 0, most = 9; /* as kinds they stay few */
    for (const char *s = solution; steps < most && (s = strstr(s, "<<")); s += 2) steps++;
    snprintf(meta, sizeof meta, "{\"kind\":\"%d_step%s\"}", steps, steps == 1 ? "" : steps == most ? "s_or_more" : "s");
    rz_raw_problem raw = {.prompt = json_string_value(json_object_get(object, "question")), .answer = result, .meta = meta, .meta_len = strlen(meta),
                          .cluster = (uint64_t)number, .place = number};
    bool ok = (result && rz_dataset_add(d, where, &raw, err)) ||
              (!result && rz_fail(err, RZ_EDATA, "%s: has a question and no prompt, as GSM8K's lines have, but its answer does not end in \"#### NUMBER\"; mend it, "
                                                 "or call the question prompt to have the answer taken as it is", where));
    free(result);
    return ok;
}

static bool add_problem(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err)
{
    rz_raw_problem raw = {.cluster = (uint64_t)number, .place = number};
    json_t *answer = json_object_get(object, "answer"), *meta = json_object_get(object, "meta");
    char *written = NULL;
    if (is_gsm8k(object)) return add_gsm8k(ctx, where, number, object, err);
    if (!check_names(where, object, problem_fields, 2 /* prompt and answer */, err) || !read_text(where, object, "prompt", &raw.prompt, err) ||
        !read_text(where, object, "task", &raw.task, err) || !read_cluster(where, object, line, &raw.cluster, err)) {
        return false;
    }
    if (json_is_number(answer)) {
        size_t len;
        const char *digits = raw_member(line, "answer", &len);
        raw.answer = written = rz_strndup(digits, len);
    } else if (json_is_string(answer)) {
        raw.answer = json_string_value(answer);
    } else if (answer && !json_is_null(answer)) {
        return rz_fail(err, RZ_EDATA, "%s: field answer must be a text or a number", where);
    }
    if (meta && !json_is_null(meta)) raw.meta = raw_member(line, "meta", &raw.meta_len);
    note_other_fields(ctx, object);
    bool ok = rz_dataset_add(ctx, where, &raw, err);
    free(written);
    return ok;
}

bool rz_dataset_load_jsonl(rz_dataset *d, const char *path, rz_err *err) { return each_line(path, add_problem, d, err); }

/* ---- lines to be written ---- */

static char *quoted(const char *text)
{
    json_t *value = json_string(text);
    char *json = json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    if (!json) rz_out_of_memory(strlen(text));
    return json;
}

char *rz_dataset_line(const rz_raw_problem *p, int64_t number)
{
    char *prompt = quoted(p->prompt), *answer = quoted(p->answer ? p->answer : ""), *task = quoted(p->task ? p->task : "");
    char *meta = p->meta ? rz_strndup(p->meta, p->meta_len) : rz_strdup("{}"), cluster[48] = "";
    for (char *c = meta; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* only between values: in a JSON text they are escaped */
    bool known = p->task && strcmp(p->task, "countdown") == 0; /* the reader finds it by itself */
    if (p->cluster != (uint64_t)number && !known) snprintf(cluster, sizeof cluster, ", \"cluster\": %" PRIu64, p->cluster);
    char *line = rz_asprintf("{\"prompt\": %s%s%s%s%s%s%s%s}", prompt, p->answer && p->answer[0] ? ", \"answer\": " : "",
                             p->answer && p->answer[0] ? answer : "", strcmp(meta, "{}") ? ", \"meta\": " : "", strcmp(meta, "{}") ? meta : "",
                             p->task ? ", \"task\": " : "", p->task ? task : "", cluster);
    free(prompt);
    free(answer);
    free(task);
    free(meta);
    return line;
}

char *rz_text_line(const char *text)
{
    char *json = quoted(text), *line = rz_asprintf("{\"text\": %s}", json);
    free(json);
    return line;
}

/* ---- lines as they are ---- */

typedef struct {
    bool (*line)(void *ctx, const char *line, size_t len, rz_err *err);
    void *ctx;
} line_taker;

static bool pass_line(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err)
{
    const line_taker *t = ctx;
    (void)where, (void)number, (void)object;
    return t->line(t->ctx, line, strlen(line), err);
}

bool rz_jsonl_each(const char *path, bool (*line)(void *ctx, const char *line, size_t len, rz_err *err), void *ctx, rz_err *err)
{
    line_taker t = {line, ctx};
    return each_line(path, pass_line, &t, err);
}

/* Ends the reading after the first line, by a failure that is none. */
static bool look_at_first(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err)
{
    (void)where, (void)number, (void)line;
    bool texts = json_object_get(object, "text") && !json_object_get(object, "prompt") && !json_object_get(object, "task");
    *(rz_jsonl_kind *)ctx = is_gsm8k(object) ? RZ_JSONL_GSM8K : texts ? RZ_JSONL_TEXTS : RZ_JSONL_PROBLEMS;
    err->code = RZ_OK;
    return false;
}

bool rz_jsonl_kind_of(const char *path, rz_jsonl_kind *kind, rz_err *err) { return each_line(path, look_at_first, kind, err) || err->code == RZ_OK; }

/* ---- texts ---- */

static bool add_text(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err)
{
    static const char *const names[] = {"text"};
    const char *text;
    (void)number, (void)line;
    if (!check_names(where, object, names, 1, err) || !read_text(where, object, "text", &text, err)) return false;
    if (!text) return rz_fail(err, RZ_EDATA, "%s: field text is missing", where);
    rz_column_add(ctx, text, strlen(text));
    return true;
}

bool rz_texts_load_jsonl(rz_column *texts, const char *path, rz_err *err) { return each_line(path, add_text, texts, err); }
