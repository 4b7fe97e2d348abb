#include "base/json.h"

static bool within(const char *what, const char *text, size_t len, rz_json_limits most, rz_err *err)
{
    int depth = 0, values = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\') i++;
            else if (c == '"') quoted = false;
            continue;
        }
        if (c == '"') quoted = true;
        if (c == ']' || c == '}') depth--;
        if (c == '[' || c == '{') depth++;
        if (c == '[' || c == '{' || c == ',') values++;
        if (depth > most.depth)
            return rz_fail(err, RZ_EDATA, "%s is nested more than %d deep at byte %zu; it is not that of a model", what, most.depth, i);
        if (values > most.values)
            return rz_fail(err, RZ_EDATA, "%s has more than %d values at byte %zu; it is not that of a model", what, most.values, i);
    }
    return true;
}

json_t *rz_json_parse(const char *what, const char *text, size_t len, rz_json_limits most, rz_err *err)
{
    json_error_t e;
    if (!within(what, text, len, most, err)) return NULL;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    if (root == NULL) rz_fail(err, RZ_EDATA, "%s is not valid JSON: line %d: %s (byte %d)", what, e.line, e.text, e.position);
    else if (!json_is_object(root)) {
        rz_fail(err, RZ_EDATA, "%s is JSON, but must be an object: { … }", what);
        json_decref(root);
        root = NULL;
    }
    return root;
}
