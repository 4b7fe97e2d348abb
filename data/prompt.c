#include "data/prompt.h"
#include "base/file.h"
#include "data/jinja.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char hole[] = "{prompt}";
/* The format of DeepSeek-R1-Zero (arXiv 2501.12948, table 1). */
static const char r1_zero[] =
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant first thinks about the reasoning process in "
    "the mind and then provides the user with the answer. The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags, "
    "respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>.\nUser: {prompt}\nAssistant:";

static const struct { const char *name, *text; } presets[] = {{"none", hole}, {"r1-zero", r1_zero}, {"chat", NULL}, {"default", NULL}};
enum { NONE, R1_ZERO, CHAT, DEFAULT };
enum { N_PRESETS = sizeof presets / sizeof *presets, MAX_EXAMPLES = 64, MAX_BYTES = 1 << 20 };

typedef struct { char *prompt, *completion; } example;

struct rz_prompt {
    const rz_tokenizer *tokenizer;
    rz_jinja *chat;           /* NULL: text */
    char *text;               /* with holes */
    size_t preamble;          /* bytes before the line of the first hole: said once, however many examples there are */
    char *system, *prefix, *date;
    bool allow_special;
    int n_examples;
    example examples[MAX_EXAMPLES];
};

/* ---- making ---- */

static int find_preset(const char *template)
{
    int i = 0;
    while (i < N_PRESETS && strcmp(presets[i].name, template) != 0) i++;
    return i;
}

bool rz_prompt_check(const char *template, rz_err *err)
{
    const char *names[N_PRESETS];
    if (find_preset(template) < N_PRESETS || strstr(template, hole)) return true;
    for (int i = 0; i < N_PRESETS; i++) names[i] = presets[i].name;
    const char *near = rz_nearest(template, names, N_PRESETS);
    return rz_fail(err, RZ_ECONFIG, "the prompt template is '%.100s', must be default, none, r1-zero, chat, or a text that says {prompt} where the problem stands%s%s%s", template,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool add_example(rz_prompt *p, const char *where, json_t *o, rz_err *err)
{
    const char *prompt = json_string_value(json_object_get(o, "prompt")), *completion = json_string_value(json_object_get(o, "completion")), *key;
    json_t *value;
    if (!prompt || !completion) return rz_fail(err, RZ_EDATA, "%s: must be an object with the texts \"prompt\" and \"completion\"", where);
    json_object_foreach(o, key, value)
        if (strcmp(key, "prompt") != 0 && strcmp(key, "completion") != 0)
            return rz_fail(err, RZ_EDATA, "%s: the field \"%.60s\" means nothing in an example, which has \"prompt\" and \"completion\"", where, key);
    if (p->n_examples == MAX_EXAMPLES) return rz_fail(err, RZ_EDATA, "%s: more than %d examples", where, MAX_EXAMPLES);
    p->examples[p->n_examples++] = (example){rz_strdup(prompt), rz_strdup(completion)};
    return true;
}

static bool read_examples(rz_prompt *p, const char *name, const char *text, size_t len, rz_err *err)
{
    const char *end = text + len;
    for (int line = 1; text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((stop ? stop : end) - text);
        if (strspn(text, " \t\r") < n) {
            json_error_t why;
            char where[300];
            snprintf(where, sizeof where, "%.200s:%d", name, line);
            json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
            if (!o) return rz_fail(err, RZ_EDATA, "%s: not valid JSON: %s", where, why.text);
            bool ok = add_example(p, where, o, err);
            json_decref(o);
            if (!ok) return false;
        }
        text += n + (stop != NULL);
    }
    return true;
}

static bool open_examples(rz_prompt *p, const char *examples, rz_err *err)
{
    char *text;
    size_t len;
    const char *start = examples + strspn(examples, " \t\r\n");
    if (!*start) return true;
    if (*start == '{') return read_examples(p, "examples", examples, strlen(examples), err);
    if (!rz_file_read(examples, MAX_BYTES, &text, &len, err)) return rz_err_note(err, "examples");
    bool ok = read_examples(p, examples, text, len, err);
    free(text);
    return ok && (p->n_examples || rz_fail(err, RZ_EDATA, "examples: %s holds none", examples));
}

static bool open_template(rz_prompt *p, const rz_prompt_options *o, rz_err *err)
{
    int preset = find_preset(o->template);
    if (!rz_prompt_check(o->template, err)) return false;
    if (preset == DEFAULT) preset = rz_tokenizer_has_words(p->tokenizer) ? NONE : R1_ZERO; /* such a vocabulary lacks the words of r1-zero */
    if (preset == CHAT) {
        const char *chat = rz_tokenizer_get_extras(p->tokenizer)->chat_template;
        if (!chat) return rz_fail(err, RZ_ECONFIG, "the prompt template is chat, but the model brings no chat template; r1-zero or a text with {prompt} need none");
        return rz_jinja_compile(&p->chat, "chat template of the model", chat, strlen(chat), err);
    }
    if (*o->system_prompt) return rz_fail(err, RZ_ECONFIG, "system_prompt is for the prompt template chat; in a text it is part of the text");
    p->text = rz_strdup(preset < N_PRESETS ? presets[preset].text : o->template);
    const char *line = strstr(p->text, hole);
    while (line > p->text && line[-1] != '\n') line--;
    p->preamble = (size_t)(line - p->text);
    return true;
}

bool rz_prompt_create(rz_prompt **out, const rz_prompt_options *o, const rz_tokenizer *t, rz_err *err)
{
    *out = NULL;
    rz_prompt *p = rz_calloc(1, sizeof *p);
    p->tokenizer = t;
    p->system = rz_strdup(o->system_prompt);
    p->prefix = rz_strdup(o->response_prefix);
    p->date = *o->date ? rz_strdup(o->date) : NULL;
    p->allow_special = o->allow_special_in_data;
    bool ok = (rz_utf8_valid(p->system, strlen(p->system)) == strlen(p->system) || rz_fail(err, RZ_ECONFIG, "system_prompt is not valid UTF-8")) &&
              open_template(p, o, err) && open_examples(p, o->examples, err);
    if (ok) *out = p;
    else rz_prompt_destroy(p);
    return ok;
}

void rz_prompt_destroy(rz_prompt *p)
{
    if (!p) return;
    for (int i = 0; i < p->n_examples; i++) {
        free(p->examples[i].prompt);
        free(p->examples[i].completion);
    }
    rz_jinja_destroy(p->chat);
    free(p->text);
    free(p->system);
    free(p->prefix);
    free(p->date);
    free(p);
}

const char *rz_prompt_prefix(const rz_prompt *p) { return p->prefix; }

void rz_prompt_hash(const rz_prompt *p, char out[33])
{
    out[0] = 0;
    if (!p->chat && !strcmp(p->text, hole) && !p->n_examples && !*p->prefix && !p->allow_special) return;
    const char *template = p->chat ? rz_tokenizer_get_extras(p->tokenizer)->chat_template : p->text;
    char *all = rz_asprintf("%d %d\n%s\x1f%s\x1f%s\x1f%s", p->chat != NULL, p->allow_special, template, p->system, p->prefix, p->date ? p->date : "");
    for (int i = 0; i < p->n_examples; i++) {
        char *more = rz_asprintf("%s\x1f%s\x1f%s", all, p->examples[i].prompt, p->examples[i].completion);
        free(all);
        all = more;
    }
    rz_hash_hex(all, strlen(all), out);
    free(all);
}

/* ---- use ---- */

/* Text under construction; with to.text NULL only its size is counted. */
typedef struct { char *text; size_t len; rz_range *data; int n_data; } draft;

static void add(draft *d, const char *text, size_t len, bool is_data)
{
    if (d->text) memcpy(d->text + d->len, text, len);
    if (is_data && len && d->n_data && d->data && d->data[d->n_data - 1].end == d->len) d->data[d->n_data - 1].end += len; /* ranges do not touch */
    else if (is_data && len) {
        if (d->data) d->data[d->n_data] = (rz_range){d->len, d->len + len};
        d->n_data++;
    }
    d->len += len;
}

/* The line of the hole and what follows, with the problem. */
static void add_turn(draft *d, const char *turn, const char *problem)
{
    for (const char *at; (at = strstr(turn, hole)); turn = at + strlen(hole)) {
        add(d, turn, (size_t)(at - turn), false);
        add(d, problem, strlen(problem), true);
    }
    add(d, turn, strlen(turn), false);
}

static void write_text(const rz_prompt *p, const char *problem, draft *d)
{
    add(d, p->text, p->preamble, false);
    for (int i = 0; i < p->n_examples; i++) {
        add_turn(d, p->text + p->preamble, p->examples[i].prompt);
        add(d, p->examples[i].completion, strlen(p->examples[i].completion), false);
        add(d, "\n", 1, false);
    }
    add_turn(d, p->text + p->preamble, problem);
    add(d, p->prefix, strlen(p->prefix), false);
}

static void make_text(const rz_prompt *p, const char *problem, rz_arena *arena, draft *d)
{
    draft size = {0};
    write_text(p, problem, &size);
    *d = (draft){.text = RZ_NEW(arena, size.len + 1, char), .data = RZ_NEW(arena, size.n_data + 1, rz_range)};
    write_text(p, problem, d);
    d->text[d->len] = 0;
}

static json_t *message(json_t *list, const char *role, const char *content)
{
    json_t *m = json_pack("{s:s,s:s}", "role", role, "content", content);
    if (m) json_array_append_new(list, m);
    return json_object_get(m, "content");
}

static bool make_chat(const rz_prompt *p, const char *problem, rz_arena *arena, draft *d, rz_err *err)
{
    const rz_token_extras *e = rz_tokenizer_get_extras(p->tokenizer);
    const json_t *data[MAX_EXAMPLES + 1];
    json_t *messages = json_array(), *variables = json_object();
    rz_jinja_output out;
    if (*p->system) message(messages, "system", p->system);
    for (int i = 0; i < p->n_examples; i++) {
        data[i] = message(messages, "user", p->examples[i].prompt);
        message(messages, "assistant", p->examples[i].completion);
    }
    data[p->n_examples] = message(messages, "user", problem);
    bool valid = data[p->n_examples] != NULL;
    json_object_set_new(variables, "messages", messages);
    json_object_set_new(variables, "add_generation_prompt", json_true());
    json_object_set_new(variables, "bos_token", json_string(e->bos_token ? e->bos_token : ""));
    json_object_set_new(variables, "eos_token", json_string(e->eos_token ? e->eos_token : ""));
    const rz_jinja_input in = {variables, data, p->n_examples + 1, p->date};
    bool ok = valid ? rz_jinja_render(p->chat, &in, arena, &out, err) : rz_fail(err, RZ_EDATA, "the problem is not valid UTF-8");
    json_decref(variables);
    if (!ok) return false;
    size_t prefix = strlen(p->prefix);
    *d = (draft){.text = RZ_NEW(arena, out.len + prefix + 1, char), .data = out.data, .n_data = out.n_data, .len = out.len};
    memcpy(d->text, out.text, out.len);
    memcpy(d->text + d->len, p->prefix, prefix + 1);
    d->len += prefix;
    return true;
}

bool rz_prompt_make(const rz_prompt *p, const char *problem, rz_arena *arena, rz_prompt_made *out, rz_err *err)
{
    const rz_token_extras *e = rz_tokenizer_get_extras(p->tokenizer);
    int bos = e->add_bos && e->bos_token && !p->chat ? rz_tokenizer_id(p->tokenizer, e->bos_token) : -1; /* a chat template writes its own */
    draft d;
    int32_t *ids;
    if (!p->chat) make_text(p, problem, arena, &d);
    else if (!make_chat(p, problem, arena, &d, err)) return false;
    *out = (rz_prompt_made){.len = d.len - strlen(p->prefix)};
    out->text = rz_arena_strndup(arena, d.text, out->len);
    if (!rz_tokenizer_encode_marked(p->tokenizer, d.text, d.len, d.data, p->allow_special ? 0 : d.n_data, arena, &ids, &out->n, err)) return false;
    if (bos >= 0 && (out->n == 0 || ids[0] != bos)) {
        int32_t *more = RZ_NEW(arena, out->n + 1, int32_t);
        more[0] = bos;
        if (out->n) memcpy(more + 1, ids, (size_t)out->n * sizeof *ids);
        ids = more;
        out->n++;
    }
    out->ids = ids;
    return true;
}
