/* A rule file: YAML → rz_rules. Everything that can be wrong in it is found here. */
#include "rewards/internal.h"
#include "base/file.h"
#include "base/text.h"
#include "rewards/builtin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20, MAX_KEYS = 24, MAX_VERIFIERS = 512 };

int rz_rule_find(const rz_rules *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->rules[i].name, name) == 0) return i;
    return -1;
}

static bool name_ok(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./");
    return n > 0 && n <= MAX_NAME && !name[n];
}

bool rz_rule_unknown(const schema *s, const rz_rules *r, rz_place at, const char *where, const char *name)
{
    const char *names[MAX_RULES];
    char list[512];
    for (int i = 0; i < r->n; i++) names[i] = r->rules[i].name;
    const char *near = rz_nearest(name, names, r->n);
    return rz_schema_bad(s, at, "%s names the rule '%.64s', which does not exist; %s %s", where, name, near ? "did you mean" : "rules are",
                         near ? near : rz_schema_join(names, r->n, list, sizeof list));
}

/* ---- views ---- */

static bool load_view(const schema *s, view *v, const rz_yaml *y)
{
    static const char *const keys[] = {"after", "before", "tag", "pick", "on_missing"};
    static const char *const missing[] = {"empty", "all"};
    int pick = PICK_ONLY, all = 0;
    if (!rz_schema_is(s, y, "a view", RZ_YAML_MAP) || !rz_schema_keys(s, y, keys, 5)) return false;
    if (!rz_schema_text(s, y, "after", &v->after) || !rz_schema_text(s, y, "before", &v->before) || !rz_schema_text(s, y, "tag", &v->tag) ||
        !rz_schema_choice(s, y, "pick", rz_pick_names, 3, &pick) || !rz_schema_choice(s, y, "on_missing", missing, 2, &all))
        return false;
    if (v->tag ? v->after || v->before : !v->after && !v->before) return rz_schema_bad(s, y->at, "needs tag, or after and/or before");
    if (v->tag && !rz_tag_name_ok(v->tag)) return rz_schema_bad(s, y->at, "tag is '%.60s', must be a name without brackets", v->tag);
    v->pick = (pick_which)pick;
    v->missing_is_all = all;
    return true;
}

static bool load_views(const schema *s, rz_rules *r, const rz_yaml *root)
{
    const rz_yaml *y = rz_yaml_get(root, "views");
    if (!y) return true;
    if (!rz_schema_is(s, y, "views", RZ_YAML_MAP)) return false;
    if (y->n > MAX_VIEWS) return rz_schema_bad(s, y->at, "%d views, must be at most %d", y->n, MAX_VIEWS);
    r->views = RZ_ZNEW(&r->arena, y->n + 1, view);
    for (int i = 0; i < y->n; i++) {
        char what[MAX_NAME + 16];
        schema inner = *s;
        if (!name_ok(y->keys[i])) return rz_schema_bad(s, y->key_at[i], "view '%.60s': a name is 1..64 letters, digits and _-./", y->keys[i]);
        snprintf(what, sizeof what, "view '%s'", y->keys[i]);
        inner.what = what;
        r->views[i].name = rz_arena_strndup(&r->arena, y->keys[i], strlen(y->keys[i]));
        r->n_views = i + 1;
        if (!load_view(&inner, &r->views[i], y->items[i])) return false;
    }
    return true;
}

/* ---- one rule ---- */

static bool find_verifier(const schema *s, rule *u, const rz_yaml *y, const char *name)
{
    const char *names[MAX_VERIFIERS];
    const rz_verifier *v;
    int n = 0;
    u->verifier = rz_verifier_find(name);
    if (u->verifier && strchr(name, '/')) return true;
    for (int i = 0; n < MAX_VERIFIERS && (v = rz_verifier_at(i)); i++)
        if (strchr(v->name, '/')) names[n++] = v->name;
    const char *near = rz_nearest(name, names, n);
    return rz_schema_bad(s, y->at, "there is no preset '%.60s'%s%s%s; rules list shows all", name, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The kind is `kind:`, or the one key that is the name of a kind. */
static bool find_kind(const schema *s, rule *u, const rz_yaml *y, rz_place at)
{
    const char *names[MAX_KEYS], *given = NULL, *preset = NULL;
    char list[256];
    int n_named = 0, named = -1, kind = -1;
    for (int i = 0; i < rz_n_kinds; i++) {
        names[i] = rz_kinds[i]->name;
        if (rz_yaml_get(y, names[i])) named = i, n_named++;
    }
    if (!rz_schema_text(s, y, "kind", &given) || !rz_schema_text(s, y, "preset", &preset)) return false;
    if (preset && !find_verifier(s, u, rz_yaml_get(y, "preset"), preset)) return false;
    if (given && !strchr(given, '/') && (u->verifier = rz_verifier_find(given)))
        kind = rz_n_kinds - 1;
    else if (!rz_schema_choice(s, y, "kind", names, rz_n_kinds, &kind))
        return false;
    if (kind < 0) kind = named;
    if (kind < 0)
        return rz_schema_bad(s, at, "its kind is missing: give kind, or the key that holds its main argument; kinds are %s",
                             rz_schema_join(names, rz_n_kinds, list, sizeof list));
    if (n_named > 1 || (named >= 0 && named != kind)) return rz_schema_bad(s, at, "is of two kinds at once: split it into two rules");
    u->kind = rz_kinds[kind];
    u->passes = u->verifier ? u->verifier->top > 0 : u->kind->passes;
    u->answers = u->kind->answers;
    u->needs_data = u->answers || (u->verifier && u->verifier->gold && u->verifier->score);
    return true;
}

static bool check_rule_keys(const schema *s, const rule *u, const rz_yaml *y)
{
    const char *keys[MAX_KEYS] = {"kind", "requires", "weight"};
    int n = 3;
    if (u->verifier) return true; /* its parameters are known when they are loaded */
    if (u->kind->passes) keys[n++] = "score";
    if (u->kind->reads_view) keys[n++] = "view";
    for (int i = 0; u->kind->keys[i]; i++) keys[n++] = u->kind->keys[i];
    return rz_schema_keys(s, y, keys, n);
}

static bool load_score(const schema *s, rule *u, const rz_yaml *rule_map)
{
    static const char *const keys[] = {"pass", "fail", "no_extract", "gold_error"};
    static const char *const on_gold_error[] = {"error", "skip"};
    const rz_yaml *y = rz_yaml_get(rule_map, "score");
    int skips = 0;
    u->pass = 1;
    if (!y) return true;
    if (u->verifier) {
        if (!rz_schema_is(s, y, "score", RZ_YAML_MAP) || !rz_schema_keys(s, y, keys + 3, 1) || !rz_schema_choice(s, y, "gold_error", on_gold_error, 2, &skips))
            return false;
        u->gold_error_skips = skips;
        return true;
    }
    if (!rz_schema_is(s, y, "score", RZ_YAML_MAP) || !rz_schema_keys(s, y, keys, u->answers ? 4 : 2)) return false;
    if (!rz_schema_number(s, y, "pass", -MAX_POINTS, MAX_POINTS, &u->pass) || !rz_schema_number(s, y, "fail", -MAX_POINTS, MAX_POINTS, &u->fail))
        return false;
    u->no_extract = u->fail;
    if (!rz_schema_number(s, y, "no_extract", -MAX_POINTS, MAX_POINTS, &u->no_extract) ||
        !rz_schema_choice(s, y, "gold_error", on_gold_error, 2, &skips))
        return false;
    u->gold_error_skips = skips;
    if (u->pass < u->fail) return rz_schema_bad(s, y->at, "score: pass is %g and fail is %g: a failure would earn more", u->pass, u->fail);
    if (u->no_extract > u->fail)
        return rz_schema_bad(s, y->at, "score: no_extract is %g and fail is %g: no answer would earn more than a wrong one", u->no_extract,
                             u->fail);
    return true;
}

static bool load_requires(const schema *s, rz_rules *r, rule *u, const rz_yaml *rule_map)
{
    const rz_yaml *y = rz_yaml_get(rule_map, "requires");
    if (!y) return true;
    if (!rz_schema_is(s, y, "requires", RZ_YAML_LIST)) return false;
    u->requires = RZ_NEW(&r->arena, y->n + 1, int);
    for (int i = 0; i < y->n; i++) {
        if (!rz_schema_is(s, y->items[i], "requires", RZ_YAML_SCALAR)) return false;
        int gate = rz_rule_find(r, y->items[i]->text);
        if (gate < 0) return rz_rule_unknown(s, r, y->items[i]->at, "requires", y->items[i]->text);
        u->requires[u->n_requires++] = gate;
    }
    return true;
}

static bool load_rule(const schema *s, rz_rules *r, rule *u, const rz_yaml *y, rz_place at)
{
    const char *view_name = NULL;
    u->view = -1;
    u->weight = 1;
    if (!rz_schema_is(s, y, "a rule", RZ_YAML_MAP) || !find_kind(s, u, y, at) || !check_rule_keys(s, u, y) || !load_score(s, u, y) ||
        !load_requires(s, r, u, y) || !rz_schema_number(s, y, "weight", -MAX_POINTS, MAX_POINTS, &u->weight) ||
        !rz_schema_text(s, y, "view", &view_name))
        return false;
    if (view_name) {
        for (int i = 0; i < r->n_views; i++)
            if (strcmp(r->views[i].name, view_name) == 0) u->view = i;
        if (u->view < 0) return rz_schema_bad(s, rz_yaml_get(y, "view")->at, "view is '%.64s', which is not under views", view_name);
    }
    return u->kind->load(s, r, u, y);
}

static bool load_rules(const schema *s, rz_rules *r, const rz_yaml *root)
{
    const rz_yaml *y = rz_yaml_get(root, "rules");
    if (!y) return rz_schema_bad(s, root->at, "rules is missing: give at least one rule");
    if (!rz_schema_is(s, y, "rules", RZ_YAML_MAP)) return false;
    if (y->n < 1 || y->n > MAX_RULES) return rz_schema_bad(s, y->at, "rules has %d entries, must have 1..%d", y->n, MAX_RULES);
    r->rules = RZ_ZNEW(&r->arena, y->n, rule);
    r->n = y->n;
    for (int i = 0; i < y->n; i++) {
        if (!name_ok(y->keys[i])) return rz_schema_bad(s, y->key_at[i], "rule '%.60s': a name is 1..64 letters, digits and _-./", y->keys[i]);
        r->rules[i].name = rz_arena_strndup(&r->arena, y->keys[i], strlen(y->keys[i]));
    }
    schema inner = *s;
    char what[MAX_NAME + 16];
    inner.what = what;
    for (int i = 0; i < y->n; i++) {
        snprintf(what, sizeof what, "rule '%s'", y->keys[i]);
        if (!load_rule(&inner, r, &r->rules[i], y->items[i], y->key_at[i])) return false;
    }
    rz_custom_share(r);
    for (int i = 0; i < y->n; i++) {
        snprintf(what, sizeof what, "rule '%s'", y->keys[i]);
        if (!rz_extract_link(&inner, r, &r->rules[i].extract)) return false;
        for (int k = 0; k < r->rules[i].n_requires; k++) {
            const rule *gate = &r->rules[r->rules[i].requires[k]];
            if (!gate->passes)
                return rz_schema_bad(&inner, y->key_at[i], "requires '%s', a %s rule, which neither passes nor fails", gate->name,
                                     gate->kind->name);
        }
    }
    return true;
}

/* ---- order of evaluation ---- */

typedef enum { NEW, OPEN, DONE } mark;

/* Depth first: what a rule needs is placed before it. Returns false on a cycle through rule i. */
static bool place(rz_rules *r, int i, mark *marks, int *n_placed)
{
    const rule *u = &r->rules[i];
    if (marks[i] != NEW) return marks[i] == DONE;
    marks[i] = OPEN;
    for (int k = 0; k < u->n_requires; k++)
        if (!place(r, u->requires[k], marks, n_placed)) return false;
    if (u->extract.from == FROM_RULE && !place(r, u->extract.rule, marks, n_placed)) return false;
    if (u->verifier && u->verifier->uses_correct && r->accuracy >= 0 && !place(r, r->accuracy, marks, n_placed)) return false;
    marks[i] = DONE;
    r->order[(*n_placed)++] = i;
    return true;
}

static bool order_rules(const schema *s, rz_rules *r, const rz_yaml *root)
{
    const rz_yaml *y = rz_yaml_get(root, "rules");
    mark marks[MAX_RULES] = {NEW};
    int n_placed = 0;
    r->order = RZ_NEW(&r->arena, r->n, int);
    for (int i = 0; i < r->n; i++)
        if (!place(r, i, marks, &n_placed))
            return rz_schema_bad(s, y->key_at[i], "rule '%s' waits for itself (by requires, extract: from or accuracy, through other rules perhaps)",
                                 r->rules[i].name);
    return true;
}

/* What pays right and wrong differently has to be told which is which. */
static bool check_correct(const schema *s, const rz_rules *r, const rz_yaml *root)
{
    const rz_yaml *y = rz_yaml_get(root, "rules");
    for (int i = 0; r->accuracy < 0 && i < r->n; i++)
        if (r->rules[i].verifier && r->rules[i].verifier->uses_correct)
            return rz_schema_bad(s, y->key_at[i], "rule '%s': %s asks whether the answer is right, which no rule here says: add one, as in correct: {extract: {tag: answer}, compare: int}",
                                 r->rules[i].name, r->rules[i].verifier->name);
    return true;
}

/* ---- the top level ---- */

/* `accuracy:` and `format:`: a rule that passes or fails. */
static bool load_role(const schema *s, const rz_rules *r, const rz_yaml *root, const char *key, int *out)
{
    const char *name = NULL;
    if (!rz_schema_text(s, root, key, &name)) return false;
    if (!name) return true;
    rz_place at = rz_yaml_get(root, key)->at;
    *out = rz_rule_find(r, name);
    if (*out < 0) return rz_rule_unknown(s, r, at, key, name);
    if (r->rules[*out].passes) return true;
    return rz_schema_bad(s, at, "%s names '%s', a %s rule, which neither passes nor fails", key, name, r->rules[*out].kind->name);
}

static bool load_top(const schema *s, rz_rules *r, const rz_yaml *root)
{
    static const char *const keys[] = {"version", "views", "rules", "accuracy", "format", "truncated", "combine"};
    static const char *const truncated[] = {"fail", "score"};
    int version = 0, scored = 0;
    if (!rz_schema_is(s, root, "a rule file", RZ_YAML_MAP)) return false;
    const rz_yaml *v = rz_yaml_get(root, "version");
    if (!v) return rz_schema_bad(s, root->at, "version is missing: begin the file with version: 1");
    if (!rz_schema_int(s, root, "version", 1, 1, &version) || !rz_schema_keys(s, root, keys, sizeof keys / sizeof *keys) ||
        !load_views(s, r, root) || !load_rules(s, r, root) || !rz_combine_load(s, r, root))
        return false;
    if (!rz_schema_choice(s, root, "truncated", truncated, 2, &scored)) return false;
    r->truncated_is_scored = scored;
    r->accuracy = r->format = -1;
    for (int i = 0; i < r->n; i++)
        if (r->rules[i].passes && !(r->rules[i].verifier && r->rules[i].verifier->uses_correct)) r->accuracy = i;
    return load_role(s, r, root, "accuracy", &r->accuracy) && load_role(s, r, root, "format", &r->format) && check_correct(s, r, root) && order_rules(s, r, root);
}

bool rz_rules_parse(rz_rules **out, const char *name, const char *text, size_t len, rz_err *err)
{
    rz_yaml *root;
    *out = NULL;
    if (len > MAX_FILE) return rz_fail(err, RZ_ECONFIG, "%s: %zu bytes, a rule file has at most %d", name, len, MAX_FILE);
    if (!rz_yaml_parse(&root, name, text, len, err)) return false;
    rz_rules *r = rz_calloc(1, sizeof *r);
    bool ok = rz_arena_init(&r->arena, (size_t)64 << 20, err);
    if (ok) {
        const rz_document document = {name, text, len};
        schema s = {.document = &document, .what = "", .arena = &r->arena, .err = err};
        r->text = rz_arena_strndup(&r->arena, text, len);
        ok = load_top(&s, r, root);
    }
    rz_yaml_destroy(root);
    if (ok)
        *out = r;
    else
        rz_rules_destroy(r);
    return ok;
}

/* What is neither a file nor the name of one of ours. */
static bool no_such_rules(const char *name, rz_err *err)
{
    const char *names[MAX_VERIFIERS];
    const rz_verifier *v;
    int n = 0;
    for (int i = 0; i < rz_n_builtins && n < MAX_VERIFIERS; i++) names[n++] = rz_builtins[i].name;
    for (int i = 0; n < MAX_VERIFIERS && (v = rz_verifier_at(i)); i++)
        if (strchr(v->name, '/')) names[n++] = v->name;
    const char *near = rz_nearest(name, names, n);
    if (near) return rz_fail(err, RZ_EIO, "%s: there is no such rule file, and no built-in one or preset of this name; did you mean '%s'?", name, near);
    return rz_fail(err, RZ_EIO, "%s: there is no such rule file, and no built-in one or preset of this name; rules list shows those", name);
}

bool rz_rules_load(rz_rules **out, const char *path, rz_err *err)
{
    char *text, preset[256];
    size_t len;
    const rz_verifier *v;
    *out = NULL;
    if (rz_file_exists(path)) {
        if (!rz_file_read(path, MAX_FILE, &text, &len, err)) return false;
        bool ok = rz_rules_parse(out, path, text, len, err);
        free(text);
        return ok;
    }
    for (int i = 0; i < rz_n_builtins; i++)
        if (strcmp(rz_builtins[i].name, path) == 0) return rz_rules_parse(out, path, rz_builtins[i].text, rz_builtins[i].len, err);
    if (!strchr(path, '/') || !(v = rz_verifier_find(path))) return no_such_rules(path, err);
    const char *own = strchr(path, ':') ? strchr(path, ':') : strchr(path, '/'); /* ifeval/keywords:existence */
    int n = snprintf(preset, sizeof preset, "version: 1\nrules:\n  %s: {preset: %s}\n", own + 1, path);
    return rz_rules_parse(out, path, preset, (size_t)n, err);
}

void rz_rules_destroy(rz_rules *r)
{
    if (!r) return;
    for (int i = 0; i < r->n; i++) {
        rz_pattern_destroy(r->rules[i].pattern);
        rz_pattern_destroy(r->rules[i].extract.pattern);
        json_decref(r->rules[i].options);
        json_decref(r->rules[i].params);
        json_decref(r->rules[i].setup);
    }
    rz_arena_finish(&r->arena);
    free(r);
}
