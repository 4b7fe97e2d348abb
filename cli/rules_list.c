#include "cli/rules.h"

#include "base/text.h"
#include "cli/flags.h"
#include "rewards/catalog.h"

#include <stdlib.h>
#include <string.h>

typedef struct { bool json; } options;

const rz_option rz_rules_list_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "as one JSON object"},
};
const int rz_rules_list_n_flags = sizeof rz_rules_list_flags / sizeof rz_rules_list_flags[0];

static const struct { const char *key, *title; } sorts[RZ_ENTRY_SORTS] = {
    [RZ_ENTRY_KIND] = {"kinds", "kinds of rules (kind: NAME, or the name as the key)"},
    [RZ_ENTRY_PRESET] = {"presets", "presets (preset: NAME)"},
    [RZ_ENTRY_COMPARER] = {"comparers", "comparisons (compare: NAME)"},
    [RZ_ENTRY_FILE] = {"files", "rule files that are built in (--rules NAME, as is a preset's name)"},
    [RZ_ENTRY_NORMALISER] = {"normalisers", "what can be done to an answer first (normalise: [NAME, ...])"},
};

static bool judged(const rz_entry *e) { return e->top != 0 || e->bottom != 0; }

static json_t *entry_json(const rz_entry *e)
{
    json_t *o = json_pack("{s:s,s:s?,s:s?,s:s?,s:s?}", "name", e->name, "about", e->about, "origin", e->origin, "needs", e->gold, "holes", e->holes);
    json_t *params = e->params ? json_loads(e->params, 0, NULL) : NULL;
    json_object_set_new(o, "params", params ? params : json_object());
    if (judged(e))
        json_object_set_new(o, "points", json_pack("[f,f]", e->bottom, e->top));
    return o;
}

static void print_json(void)
{
    json_t *root = json_pack("{s:i}", "schema", 1);
    rz_entry e;
    for (int i = 0; i < RZ_ENTRY_SORTS; i++)
        json_object_set_new(root, sorts[i].key, json_array());
    for (int i = 0; rz_catalog_at(i, &e); i++)
        json_array_append_new(json_object_get(root, sorts[e.sort].key), entry_json(&e));
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(root);
}

static void print_people(void)
{
    rz_entry e;
    int sort = -1;
    for (int i = 0; rz_catalog_at(i, &e); i++) {
        if ((int)e.sort != sort)
            fprintf(stderr, "%s%s\n", sort < 0 ? "" : "\n", sorts[e.sort].title);
        sort = (int)e.sort;
        fprintf(stderr, "  %-34s %s%s\n", e.name, e.about ? e.about : "", e.holes ? " (has known holes)" : "");
    }
    fputs("\nrules show NAME tells more, with an example\n", stderr);
}

int rz_cmd_rules_list(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    bool ok = rz_flags_parse(rz_rules_list_flags, rz_rules_list_n_flags, &o, NULL, NULL, NULL, argc, argv, err);
    if (ok)
        (o.json ? print_json : print_people)();
    rz_options_finish(rz_rules_list_flags, rz_rules_list_n_flags, &o);
    return ok ? 0 : (int)err->code;
}

/* ---- show ---- */

static bool find(const char *name, rz_entry *e, rz_err *err)
{
    const char **names = NULL;
    int n = 0;
    for (; rz_catalog_at(n, e); n++) {
        names = rz_realloc(names, (size_t)(n + 1) * sizeof *names);
        names[n] = e->name;
        if (!strcmp(e->name, name)) {
            free(names);
            return true;
        }
    }
    const char *near = rz_nearest(name, names, n);
    free(names);
    if (near)
        return rz_fail(err, RZ_EUSAGE, "nothing is called '%s'; did you mean '%s'?", name, near);
    return rz_fail(err, RZ_EUSAGE, "nothing is called '%s'; rules list shows all names", name);
}

/* Parameters or options, a line each. */
static void print_params(const char *params)
{
    json_t *all = params ? json_loads(params, 0, NULL) : NULL, *v;
    const char *key;
    json_object_foreach(all, key, v) {
        fprintf(stderr, "  %-24s default ", key);
        if (json_is_null(v))
            fputs("none", stderr);
        else
            rz_print_json(stderr, v, 400);
        fputc('\n', stderr);
    }
    json_decref(all);
}

static void show(const rz_entry *e)
{
    static const char *const what[RZ_ENTRY_SORTS] = {"a kind of rule", "a preset", "a way to compare", "something done to an answer before it is compared"};
    char *example = rz_catalog_example(e);
    fprintf(stderr, "%s: %s\n", e->name, what[e->sort]);
    if (e->about)
        fprintf(stderr, "%s%s\n", e->sort == RZ_ENTRY_COMPARER ? "compares " : "", e->about);
    if (e->origin)
        fprintf(stderr, "of %s\n", e->origin);
    if (e->gold)
        fprintf(stderr, "needs %s\n", e->gold);
    if (judged(e))
        fprintf(stderr, "gives %g to %g points\n", e->bottom, e->top);
    if (e->holes)
        fprintf(stderr, "known holes: %s\n", e->holes);
    if (e->params) {
        fputs("\nparameters\n", stderr);
        print_params(e->params);
    }
    fputs("\na rule file with it:\n\n", stderr);
    printf("%s", example); /* so that > my.yaml makes one */
    free(example);
}

int rz_cmd_rules_show(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    rz_entry e;
    if (argc != 1 || argv[0][0] == '-')
        return rz_fail(err, RZ_EUSAGE, "rules show takes one name; rules list shows all"), RZ_EUSAGE;
    if (!find(argv[0], &e, err))
        return (int)err->code;
    show(&e);
    return 0;
}
