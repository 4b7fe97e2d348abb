#include "cli/doctor.h"

#include "base/pattern.h"
#include "base/store.h"
#include "cli/cli.h"
#include "cli/flags.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

typedef struct { bool json; } doctor_options;
const rz_option rz_doctor_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(doctor_options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "as one JSON object"},
};
const int rz_doctor_n_flags = sizeof rz_doctor_flags / sizeof rz_doctor_flags[0];

struct rz_doctor {
    json_t *checks; /* NULL: people */
    int counts[RZ_FAIL + 1];
};

void rz_doctor_say(rz_doctor *d, rz_health health, const char *name, const char *remedy, const char *fmt, ...)
{
    static const char *const states[] = {[RZ_WELL] = "ok", [RZ_WARN] = "warn", [RZ_FAIL] = "fail"};
    char found[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(found, sizeof found, fmt, args);
    va_end(args);
    d->counts[health]++;
    if (d->checks) {
        json_t *o = json_pack("{s:s,s:s,s:s?}", "name", name, "state", states[health], "remedy", remedy);
        json_t *text = json_string(found); /* NULL when it is no UTF-8 */
        json_object_set_new(o, "found", text ? text : json_string("?"));
        json_array_append_new(d->checks, o);
        return;
    }
    fprintf(stderr, "%-4s  %-11s  ", states[health], name);
    rz_print_safe(stderr, found, strlen(found));
    if (remedy)
        fprintf(stderr, "\n%19s-> %s", "", remedy);
    fputc('\n', stderr);
}

static void look_at_program(rz_doctor *d)
{
    rz_doctor_say(d, RZ_WELL, "program", NULL, "rulezero %s, built by %s %s", RULEZERO_VERSION,
#ifdef __clang__
                  "clang",
#else
                  "gcc",
#endif
                  __VERSION__);
    rz_doctor_say(d, RZ_WELL, "libraries", NULL, "%s, %s, %s, jansson %s", rz_comm_library(), rz_store_library(), rz_pattern_version(), jansson_version_str());
    if (!rz_store_takes_threads())
        rz_doctor_say(d, RZ_FAIL, "hdf5", "take the distribution's libhdf5, or build HDF5 with --enable-threadsafe",
                      "this HDF5 is not made for threads, and checkpoints are written beside the training");
}

int rz_cmd_doctor(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    doctor_options o;
    const char *folder = NULL;
    if (!rz_flags_parse(rz_doctor_flags, rz_doctor_n_flags, &o, NULL, NULL, &folder, argc, argv, err))
        return (int)err->code;
    rz_doctor d = {.checks = o.json ? json_array() : NULL};
    look_at_program(&d);
    rz_doctor_machine(&d);
    rz_doctor_mpi(&d);
    rz_doctor_sandbox(&d);
    rz_doctor_folder(&d, folder ? folder : ".");
    if (o.json) {
        json_t *all = json_pack("{s:i,s:o,s:i,s:i}", "schema", 1, "checks", d.checks, "warnings", d.counts[RZ_WARN], "failures", d.counts[RZ_FAIL]);
        json_dumpf(all, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(all);
    }
    if (d.counts[RZ_FAIL])
        rz_fail(err, RZ_ECONFIG, "%d of %d checks failed, and jobs will fail for it; each says what to do", d.counts[RZ_FAIL],
                d.counts[RZ_WELL] + d.counts[RZ_WARN] + d.counts[RZ_FAIL]);
    return (int)err->code;
}
