#include "rewards/catalog.h"
#include "rewards/builtin.h"
#include "rewards/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool kind_at(int i, rz_entry *out)
{
    if (i >= rz_n_kinds) return false;
    const rule_kind *k = rz_kinds[i];
    *out = (rz_entry){.sort = RZ_ENTRY_KIND, .name = k->name, .about = k->about, .example = k->example};
    return true;
}

/* The i-th verifier that is a preset, or is none. */
static bool verifier_at(int i, bool preset, rz_entry *out)
{
    const rz_verifier *v;
    for (int k = 0; (v = rz_verifier_at(k)); k++)
        if ((strchr(v->name, '/') != NULL) == preset && i-- == 0) break;
    if (!v) return false;
    *out = (rz_entry){.sort = preset ? RZ_ENTRY_PRESET : RZ_ENTRY_KIND, .name = v->name, .about = v->about, .origin = v->origin, .params = v->params,
                      .gold = v->gold, .holes = v->holes, .top = v->top, .bottom = v->bottom};
    return true;
}

static bool comparer_at(int i, rz_entry *out)
{
    if (i >= rz_n_comparers) return false;
    *out = (rz_entry){.sort = RZ_ENTRY_COMPARER, .name = rz_comparers[i]->name, .about = rz_comparers[i]->about, .params = rz_comparers[i]->options};
    return true;
}

static bool normaliser_at(int i, rz_entry *out)
{
    if (i >= rz_n_normalisers) return false;
    *out = (rz_entry){.sort = RZ_ENTRY_NORMALISER, .name = rz_normalisers[i].name, .about = rz_normalisers[i].about};
    return true;
}

static bool file_at(int i, rz_entry *out)
{
    if (i >= rz_n_builtins) return false;
    *out = (rz_entry){.sort = RZ_ENTRY_FILE, .name = rz_builtins[i].name, .about = rz_builtins[i].about, .example = rz_builtins[i].text};
    return true;
}

static bool own_verifier_at(int i, rz_entry *out) { return verifier_at(i, false, out); }
static bool preset_at(int i, rz_entry *out) { return verifier_at(i, true, out); }

bool rz_catalog_at(int i, rz_entry *out)
{
    static bool (*const lists[])(int i, rz_entry *out) = {kind_at, own_verifier_at, preset_at, comparer_at, normaliser_at, file_at};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        int n = 0;
        for (; lists[l](n, out); n++)
            if (n == i) return true;
        i -= n;
    }
    return false;
}

/* ---- examples ---- */

/* A value as YAML: JSON is that, but for reals, which need no 17 digits. */
static void put_value(FILE *f, const json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    fputs(text, f);
    free(text);
}

static void put_params(FILE *f, const char *params, const char *indent)
{
    json_t *all = params ? json_loads(params, 0, NULL) : NULL, *v;
    const char *key;
    json_object_foreach(all, key, v) {
        if (json_is_null(v)) continue;
        fprintf(f, "%s%s: ", indent, key);
        put_value(f, v);
        fputc('\n', f);
    }
    json_decref(all);
}

char *rz_catalog_example(const rz_entry *e)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f) rz_out_of_memory(BUFSIZ);
    if (e->sort != RZ_ENTRY_FILE) fputs("version: 1\nrules:\n", f);
    if (e->sort == RZ_ENTRY_FILE)
        fputs(e->example, f);
    else if (e->sort == RZ_ENTRY_KIND && e->example)
        fprintf(f, "  %s\n", e->example);
    else if (e->sort == RZ_ENTRY_COMPARER || e->sort == RZ_ENTRY_NORMALISER) {
        bool normaliser = e->sort == RZ_ENTRY_NORMALISER;
        fprintf(f, "  correct:\n    extract: {tag: answer}\n    normalise: [trim%s%s%s]\n    compare:\n      kind: %s\n", normaliser ? ", \"" : "",
                normaliser ? e->name : "", normaliser ? "\"" : "", normaliser ? "string" : e->name);
        put_params(f, e->params, "      ");
    } else {
        fprintf(f, "  reward:\n    %s: %s\n", e->sort == RZ_ENTRY_PRESET ? "preset" : "kind", e->name);
        put_params(f, e->params, "    ");
    }
    if (fclose(f) != 0) rz_out_of_memory(BUFSIZ);
    return text;
}
