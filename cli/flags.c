#include "cli/flags.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* `_` is as good as `-`. */
static bool same_name(const char *key, const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && key[i] && (key[i] == text[i] || (key[i] == '-' && text[i] == '_')))
        i++;
    return i == len && !key[i];
}

static const rz_option *find(const rz_option *rows, int n, const char *text, size_t len)
{
    for (int i = 0; i < n; i++)
        if (same_name(rows[i].key, text, len))
            return &rows[i];
    return NULL;
}

static bool unknown(const rz_option *rows, int n, const rz_flag_list *list, const char *word, const char *text, size_t len, rz_err *err)
{
    const char **names = rz_calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++)
        names[i] = rows[i].key;
    names[n] = list ? list->name : rows[0].key;
    char *name = rz_strndup(text, len);
    const char *near = rz_nearest(name, names, n + 1);
    free(name);
    free(names);
    if (near)
        return rz_fail(err, RZ_EUSAGE, "'%.100s' is not understood; did you mean '--%s'?", word, near);
    return rz_fail(err, RZ_EUSAGE, "'%.100s' is not understood; --help lists the flags", word);
}

static bool set(const rz_option *rows, int n, void *base, const rz_option *row, bool *given, const char *value, rz_err *err)
{
    char *assignment = rz_asprintf("%s=%s", row->key, value);
    bool ok = rz_options_override(rows, n, base, assignment, given, err);
    free(assignment);
    if (!ok)
        err->code = RZ_EUSAGE;
    return ok;
}

bool rz_flags_parse(const rz_option *rows, int n, void *base, bool *given, rz_flag_list *list, const char **word, int argc, char **argv,
                    rz_err *err)
{
    rz_words one = {.values = word, .max = word && !*word};
    return rz_flags_parse_words(rows, n, base, given, list, &one, argc, argv, err);
}

bool rz_flags_parse_words(const rz_option *rows, int n, void *base, bool *given, rz_flag_list *list, rz_words *words, int argc, char **argv, rz_err *err)
{
    if (!rz_options_init(rows, n, base, err))
        return false;
    for (int i = 0; i < argc; i++) {
        bool dashed = !strncmp(argv[i], "--", 2);
        const char *name = argv[i] + (dashed ? 2 : 0), *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const rz_option *row = dashed || equals ? find(rows, n, name, len) : NULL;
        bool listed = list && (dashed || equals) && same_name(list->name, name, len);
        if (!row && !listed) {
            if (dashed || argv[i][0] == '-' || words->n == words->max)
                return unknown(rows, n, list, argv[i], name, len, err);
            words->values[words->n++] = argv[i];
            continue;
        }
        if (!value && row && row->type == RZ_OPT_BOOL)
            value = "true";
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value)
            return rz_fail(err, RZ_EUSAGE, "--%.*s needs a value", (int)len, name);
        if (listed)
            list->values[list->n++] = value;
        else if (!set(rows, n, base, row, given, value, err))
            return false;
    }
    return true;
}
