/* JSONL files of problems and of texts. */
#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"
#include <inttypes.h>
#include <jansson.h>
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

static bool add_problem(void *ctx, const char *where, int64_t number, const char *line, json_t *object, rz_err *err)
{
    static const char *const names[] = {"prompt", "answer"};
    rz_raw_problem raw = {.cluster = (uint64_t)number};
    json_t *answer = json_object_get(object, "answer"), *meta = json_object_get(object, "meta");
    char *written = NULL;
    if (!check_names(where, object, names, 2, err) || !read_text(where, object, "prompt", &raw.prompt, err) ||
        !read_text(where, object, "task", &raw.task, err)) {
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
    bool ok = rz_dataset_add(ctx, where, &raw, err);
    free(written);
    return ok;
}

bool rz_dataset_load_jsonl(rz_dataset *d, const char *path, rz_err *err) { return each_line(path, add_problem, d, err); }

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
