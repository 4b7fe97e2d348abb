#include "cli/cli.h"

#include "base/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Both outputs walk the same store: people get a table, programs an object. */
typedef struct {
    json_t *arrays, *attributes; /* NULL: people */
    int64_t floats, parameters;
} report;

static void shape_text(const rz_shape *s, char *buf, size_t size)
{
    size_t n = (size_t)snprintf(buf, size, "%s (", rz_type_name(s->type));
    for (int i = 0; i < s->n_dims && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%lld", i ? ", " : "", (long long)s->dims[i]);
    if (n < size)
        snprintf(buf + n, size - n, ")");
}

static bool on_array(void *ctx, const char *name, const rz_shape *s)
{
    report *r = ctx;
    char text[128];
    int64_t n = 1;
    for (int i = 0; i < s->n_dims; i++)
        n *= s->dims[i];
    if (!strncmp(name, "model/", 6))
        r->parameters += n;
    shape_text(s, text, sizeof text);
    if (!r->arrays) {
        printf("  %-56s %s\n", name, text);
        return true;
    }
    json_t *dims = json_array();
    for (int i = 0; i < s->n_dims; i++)
        json_array_append_new(dims, json_integer(s->dims[i]));
    json_object_set_new(r->arrays, name, json_pack("{s:s,s:o}", "type", rz_type_name(s->type), "shape", dims));
    return true;
}

static bool on_attribute(void *ctx, const char *name, const char *value)
{
    report *r = ctx;
    if (r->attributes)
        json_object_set_new(r->attributes, name, json_string(value));
    else
        printf("  %-24s %s\n", name, value);
    return true;
}

static bool inspect_file(const char *path, bool json, rz_err *err)
{
    rz_store *s;
    report r = {0};
    if (!rz_store_open(&s, path, err))
        return false;
    if (json) {
        r.arrays = json_object();
        r.attributes = json_object();
    } else {
        printf("%s\n", path);
    }
    bool ok = rz_store_each_attr(s, on_attribute, &r, err) && rz_store_each(s, on_array, &r, err);
    if (ok && json) {
        json_t *o = json_pack("{s:i,s:s,s:i,s:I,s:o,s:o}", "schema", 1, "file", path, "parts", rz_store_n_parts(s), "parameters", (json_int_t)r.parameters, "attributes",
                              r.attributes, "arrays", r.arrays);
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(o);
    } else if (ok && r.parameters) {
        printf("  %lld parameters\n", (long long)r.parameters);
    }
    if (ok && !json && rz_store_n_parts(s))
        printf("  in %d parts beside it, %s" RZ_STORE_PART "1 to -%d\n", rz_store_n_parts(s), path, rz_store_n_parts(s));
    rz_store_close(s);
    return ok;
}

static bool inspect_run(const char *dir, bool json, rz_err *err)
{
    char *checkpoint = rz_newest_step_file(dir, "checkpoints");
    if (!checkpoint)
        return rz_fail(err, RZ_EDATA, "%s holds no checkpoint: it is no run directory, or its first checkpoint is still to come", dir);
    bool ok = inspect_file(checkpoint, json, err);
    if (ok && !json)
        rz_tell_result(dir);
    free(checkpoint);
    return ok;
}

int rz_cmd_inspect(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    const char *path = NULL;
    bool json = false;
    struct stat st;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (argv[i][0] == '-' || path)
            return rz_fail(err, RZ_EUSAGE, "'%s' is not understood: inspect FILE|RUN [--json]", argv[i]), RZ_EUSAGE;
        else
            path = argv[i];
    }
    if (!path)
        return rz_fail(err, RZ_EUSAGE, "a FILE or run directory is missing"), RZ_EUSAGE;
    if (stat(path, &st))
        return rz_fail(err, RZ_EIO, "%s does not exist", path), RZ_EIO;
    bool ok = S_ISDIR(st.st_mode) ? inspect_run(path, json, err) : inspect_file(path, json, err);
    return ok ? 0 : (int)err->code;
}
