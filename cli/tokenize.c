#include "cli/cli.h"

#include "base/file.h"
#include "cli/flags.h"
#include "data/tokenizer_gguf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 256 << 20 };

typedef struct {
    char *model;
    bool decode, special;
} options;

const rz_option rz_tokenize_flags[] = {
    {"model", RZ_OPT_TEXT, offsetof(options, model), "", 0, 0, NULL, RZ_OPT_FIXED, "a model (.h5, GGUF, Hugging Face folder) or a tokenizer.json"},
    {"decode", RZ_OPT_BOOL, offsetof(options, decode), "false", 0, 0, NULL, RZ_OPT_FIXED, "from ids to text"},
    {"special", RZ_OPT_BOOL, offsetof(options, special), "false", 0, 0, NULL, RZ_OPT_FIXED, "add what the tokenizer's template puts around a text"},
};
const int rz_tokenize_n_flags = sizeof rz_tokenize_flags / sizeof rz_tokenize_flags[0];

static void print_ids(const int32_t *ids, int n, bool *first)
{
    for (int i = 0; i < n; i++) {
        printf("%s%d", *first ? "" : ", ", ids[i]);
        *first = false;
    }
}

static bool encode_line(const rz_tokenizer *t, const options *o, json_t *line, rz_arena *arena, rz_err *err)
{
    const json_t *text = json_object_get(line, "text");
    const int32_t *before, *after;
    int32_t *ids;
    int n, n_before, n_after;
    bool first = true;
    if (!json_is_string(text))
        return rz_fail(err, RZ_EDATA, "\"text\" is %s, must be text", text ? "no text" : "missing");
    if (!rz_tokenizer_encode(t, json_string_value(text), json_string_length(text), arena, &ids, &n, err))
        return false;
    rz_tokenizer_template(t, &before, &n_before, &after, &n_after);
    fputs("{\"ids\": [", stdout);
    if (o->special)
        print_ids(before, n_before, &first);
    print_ids(ids, n, &first);
    if (o->special)
        print_ids(after, n_after, &first);
    puts("]}");
    return true;
}

static bool decode_line(const rz_tokenizer *t, json_t *line, rz_arena *arena, rz_err *err)
{
    const json_t *list = json_object_get(line, "ids");
    size_t n = json_array_size(list), len;
    if (!json_is_array(list))
        return rz_fail(err, RZ_EDATA, "\"ids\" is %s, must be a list of whole numbers", list ? "no list" : "missing");
    int32_t *ids = RZ_NEW(arena, n + 1, int32_t);
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(list, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) >= rz_tokenizer_size(t))
            return rz_fail(err, RZ_EDATA, "\"ids\"[%zu] must be a whole number in 0..%d", i, rz_tokenizer_size(t) - 1);
        ids[i] = (int32_t)json_integer_value(id);
    }
    const char *text = rz_tokenizer_decode(t, ids, (int)n, true, arena, &len);
    json_t *out = json_pack("{s:o}", "text", json_stringn(text, len));
    json_dumpf(out, stdout, 0);
    putchar('\n');
    json_decref(out);
    return true;
}

typedef struct {
    const rz_tokenizer *tokenizer;
    const options *o;
    rz_arena arena;
} work;

static bool work_line(void *ctx, const char *text, size_t len, int64_t number, rz_err *err)
{
    (void)number;
    work *w = ctx;
    json_error_t why;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    bool ok = json_is_object(line) || rz_fail(err, RZ_EDATA, "not a JSON object: %s", line ? "another kind of value" : why.text);
    rz_arena_release(&w->arena, 0);
    ok = ok && (w->o->decode ? decode_line(w->tokenizer, line, &w->arena, err) : encode_line(w->tokenizer, w->o, line, &w->arena, err));
    json_decref(line);
    fflush(stdout); /* who asks line by line reads line by line */
    return ok;
}

static bool work_all(const rz_tokenizer *t, const options *o, rz_err *err)
{
    work w = {t, o, {0}};
    bool ok = rz_arena_init(&w.arena, (size_t)1 << 34, err) && rz_lines_each(NULL, MAX_LINE, work_line, &w, err);
    rz_arena_finish(&w.arena);
    return ok;
}

int rz_cmd_tokenize(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    rz_tokenizer *t = NULL;
    bool ok = rz_flags_parse(rz_tokenize_flags, rz_tokenize_n_flags, &o, NULL, NULL, NULL, argc, argv, err);
    if (ok && !o.model[0])
        ok = rz_fail(err, RZ_EUSAGE, "--model is missing; for example --model tokenizer.json");
    if (ok && o.decode && o.special)
        ok = rz_fail(err, RZ_EUSAGE, "--special is for the way from text to ids; --decode keeps special tokens as it is");
    ok = ok && rz_tokenizer_open(&t, o.model, err) && work_all(t, &o, err);
    rz_tokenizer_destroy(t);
    rz_options_finish(rz_tokenize_flags, rz_tokenize_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
