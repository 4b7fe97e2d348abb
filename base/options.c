#include "base/options.h"
#include "base/options_value.h"
#include "base/text.h"
#include "base/yaml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rz_option *find(const rz_option *rows, int n, const char *key)
{
    for (int i = 0; i < n; i++)
        if (strcmp(rows[i].key, key) == 0) return &rows[i];
    return NULL;
}

static bool under(const char *key, const char *group)
{
    size_t len = strlen(group);
    return strncmp(key, group, len) == 0 && key[len] == '.';
}

/* The first row whose key lies under `group`, or NULL when there is no such group. */
static const rz_option *first_under(const rz_option *rows, int n, const char *group)
{
    for (int i = 0; i < n; i++)
        if (under(rows[i].key, group)) return &rows[i];
    return NULL;
}

static bool check_rows(const rz_option *rows, int n, rz_err *err)
{
    for (int i = 0; i < n; i++) {
        if (find(rows, n, rows[i].key) != &rows[i]) return rz_fail(err, RZ_EINTERNAL, "option %s is declared twice", rows[i].key);
        if (first_under(rows, n, rows[i].key)) return rz_fail(err, RZ_EINTERNAL, "option %s is a value and a group of options", rows[i].key);
        if (!rows[i].def) return rz_fail(err, RZ_EINTERNAL, "option %s has no default", rows[i].key);
    }
    return true;
}

bool rz_options_init(const rz_option *rows, int n, void *base, rz_err *err)
{
    if (!check_rows(rows, n, err)) return false;
    for (int i = 0; i < n; i++) {
        if (rz_options_value_set(&rows[i], base, "default of ", rows[i].def, false, err)) continue;
        err->code = RZ_EINTERNAL;
        return false;
    }
    return true;
}

void rz_options_finish(const rz_option *rows, int n, void *base)
{
    for (int i = 0; i < n; i++) {
        if (rows[i].type == RZ_OPT_TEXTS) rz_options_texts_free((void *)((char *)base + rows[i].offset));
        if (rows[i].type != RZ_OPT_TEXT) continue;
        char **text = (char **)(void *)((char *)base + rows[i].offset);
        free(*text);
        *text = NULL;
    }
}

/* Where values come from, and what was given so far. */
typedef struct {
    const rz_option *rows;
    int n;
    void *base;
    const char *name;
    bool *set;   /* the caller's, or NULL */
    int *lines;  /* a row: the line that gave it, 0 for none yet */
    rz_err *err;
} source;

/* A likely key: one spelled nearly so, or one that ends in this word ("every" for "checkpoint.every"). Groups count as keys. */
static bool unknown(const rz_option *rows, int n, const char *where, const char *key, rz_err *err)
{
    char **words = NULL;
    int n_words = 0;
    for (int i = 0; i < n; i++)
        for (const char *s = rows[i].key; s; s = *s ? strchr(s + 1, '.') : NULL) {
            words = rz_realloc(words, (size_t)(n_words + 1) * sizeof *words);
            words[n_words++] = s == rows[i].key ? rz_strdup(s) : rz_strndup(rows[i].key, (size_t)(s - rows[i].key));
        }
    const char *guess = rz_nearest(key, (const char *const *)words, n_words);
    for (int i = 0; !guess && i < n; i++) {
        const char *dot = strrchr(rows[i].key, '.');
        if (dot && strcmp(dot + 1, key) == 0) guess = rows[i].key;
    }
    if (guess)
        rz_fail(err, RZ_ECONFIG, "%sunknown key '%.100s'; did you mean '%s'?", where, key, guess);
    else
        rz_fail(err, RZ_ECONFIG, "%sunknown key '%.100s'; --help lists the keys", where, key);
    for (int i = 0; i < n_words; i++) free(words[i]);
    free(words);
    return false;
}

static bool not_a_value(const char *where, const char *group, const rz_option *member, rz_err *err)
{
    return rz_fail(err, RZ_ECONFIG, "%s%s is a group of options, give one of them (as %s)", where, group, member->key);
}

static bool take_list(source *s, const rz_option *row, const char *where, const rz_yaml *node)
{
    char demand[512];
    rz_options_value_demand(row, demand, sizeof demand);
    bool texts = row->type == RZ_OPT_TEXTS, ok = texts || row->type == RZ_OPT_INTS;
    for (int i = 0; i < node->n; i++) ok = ok && node->items[i]->kind == RZ_YAML_SCALAR && (texts || !node->items[i]->quoted);
    if (!ok) return rz_fail(s->err, RZ_ECONFIG, "%s%s is a list, must be %s", where, row->key, demand);
    const char **items = rz_malloc((size_t)node->n * sizeof *items + 1);
    for (int i = 0; i < node->n; i++) items[i] = node->items[i]->text;
    ok = rz_options_value_set_list(row, s->base, where, items, node->n, s->err);
    free(items);
    return ok;
}

static bool take_value(source *s, const rz_option *row, const char *where, int key_line, const rz_yaml *node)
{
    int *line = &s->lines[row - s->rows];
    if (*line) return rz_fail(s->err, RZ_ECONFIG, "%s%s was given before, in line %d", where, row->key, *line);
    *line = key_line;
    if (node->kind == RZ_YAML_MAP) {
        char demand[512];
        rz_options_value_demand(row, demand, sizeof demand);
        return rz_fail(s->err, RZ_ECONFIG, "%s%s is a map, must be %s", where, row->key, demand);
    }
    bool ok = node->kind == RZ_YAML_LIST ? take_list(s, row, where, node)
                                         : rz_options_value_set(row, s->base, where, node->text, node->quoted, s->err);
    if (ok && s->set) s->set[row - s->rows] = true;
    return ok;
}

static bool take_map(source *s, const char *group, const rz_yaml *map)
{
    bool ok = true;
    for (int i = 0; ok && i < map->n; i++) {
        const rz_yaml *node = map->items[i];
        char *key = *group ? rz_asprintf("%s.%s", group, map->keys[i]) : rz_strdup(map->keys[i]);
        char *where = rz_asprintf("%s:%d: ", s->name, map->key_at[i].line);
        const rz_option *row = find(s->rows, s->n, key), *member = first_under(s->rows, s->n, key);
        bool empty = node->kind == RZ_YAML_SCALAR && !node->quoted && !*node->text; /* a group with all its lines commented out */
        if (row)
            ok = take_value(s, row, where, map->key_at[i].line, node);
        else if (!member)
            ok = unknown(s->rows, s->n, where, key, s->err);
        else if (node->kind == RZ_YAML_MAP)
            ok = take_map(s, key, node);
        else
            ok = empty || not_a_value(where, key, member, s->err);
        free(where);
        free(key);
    }
    return ok;
}

static bool take_tree(const rz_option *rows, int n, void *base, const char *name, const rz_yaml *tree, bool *set, rz_err *err)
{
    if (tree->kind != RZ_YAML_MAP) return rz_fail(err, RZ_ECONFIG, "%s:%d: must be a map of options (key: value)", name, tree->at.line);
    source s = {rows, n, base, name, set, rz_calloc((size_t)n + 1, sizeof(int)), err};
    bool ok = take_map(&s, "", tree);
    free(s.lines);
    return ok;
}

bool rz_options_load(const rz_option *rows, int n, void *base, const char *yaml_path, bool *set, rz_err *err)
{
    rz_yaml *tree;
    if (!rz_yaml_load(&tree, yaml_path, err)) return false;
    bool ok = take_tree(rows, n, base, yaml_path, tree, set, err);
    rz_yaml_destroy(tree);
    return ok;
}

bool rz_options_parse(const rz_option *rows, int n, void *base, const char *name, const char *text, size_t len, bool *set, rz_err *err)
{
    rz_yaml *tree;
    if (!rz_yaml_parse(&tree, name, text, len, err)) return false;
    bool ok = take_tree(rows, n, base, name, tree, set, err);
    rz_yaml_destroy(tree);
    return ok;
}

bool rz_options_override(const rz_option *rows, int n, void *base, const char *assignment, bool *set, rz_err *err)
{
    static const char where[] = "command line: ";
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return rz_fail(err, RZ_EUSAGE, "%s'%.100s' is not of the form key=value", where, assignment);
    char *key = rz_strndup(assignment, (size_t)(equals - assignment));
    const rz_option *row = find(rows, n, key), *member = first_under(rows, n, key);
    bool ok = row      ? rz_options_value_set(row, base, where, equals + 1, false, err)
              : member ? not_a_value(where, key, member, err)
                       : unknown(rows, n, where, key, err);
    if (ok && set) set[row - rows] = true;
    free(key);
    return ok;
}

/* Rows of one group stand together in YAML even when the table has others between them. */
static void dump_group(rz_options_text *t, const rz_option *rows, int n, const void *base, const char *group, int depth)
{
    size_t skip = *group ? strlen(group) + 1 : 0;
    for (int i = 0; i < n; i++) {
        if (*group && !under(rows[i].key, group)) continue;
        const char *rest = rows[i].key + skip, *dot = strchr(rest, '.');
        if (!dot) {
            char *value = rz_options_value(&rows[i], base);
            rz_options_text_add(t, "%*s%s: %s\n", 2 * depth, "", rest, value);
            free(value);
            continue;
        }
        char *inner = rz_strndup(rows[i].key, (size_t)(dot - rows[i].key));
        if (first_under(rows, n, inner) == &rows[i]) {
            rz_options_text_add(t, "%*s%.*s:\n", 2 * depth, "", (int)(dot - rest), rest);
            dump_group(t, rows, n, base, inner, depth + 1);
        }
        free(inner);
    }
}

char *rz_options_dump(const rz_option *rows, int n, const void *base)
{
    rz_options_text t = {0};
    rz_options_text_add(&t, "%s", "");
    dump_group(&t, rows, n, base, "", 0);
    return t.s;
}

const rz_option *rz_options_differ(const rz_option *rows, int n, const void *a, const void *b)
{
    for (int i = 0; i < n; i++)
        if (rows[i].change == RZ_OPT_FIXED && !rz_options_value_equal(&rows[i], a, b)) return &rows[i];
    return NULL;
}

char *rz_options_help(const rz_option *rows, int n)
{
    rz_options_text t = {0};
    int width = 0;
    for (int i = 0; i < n; i++)
        if ((int)strlen(rows[i].key) > width) width = (int)strlen(rows[i].key);
    for (int i = 0; i < n; i++) {
        char demand[512];
        rz_options_value_demand(&rows[i], demand, sizeof demand);
        const char *def = *rows[i].def ? rows[i].def : "empty";
        rz_options_text_add(&t, "  %-*s  %s (%s; default %s%s)\n", width, rows[i].key, rows[i].help, demand, def,
                            rows[i].change == RZ_OPT_FREE ? "; may change on resume" : "");
    }
    rz_options_text_add(&t, "Whole numbers may be written 1000000, 1_000_000 or 1e6; lists 1,2 or [1, 2].\n");
    return t.s;
}
