#include "cli/cli.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/alarm.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rz_cli_kernels(const rz_kernels **k, rz_err *err)
{
    const char *name = getenv("RULEZERO_CPU");
    return rz_kernels_select(k, name && name[0] ? name : NULL, err) || rz_err_note(err, "RULEZERO_CPU");
}

/* Command line of a job: a config, assignments, flags. `--key value` and `--key=value` are assignments where key is a config key. */
typedef struct {
    const char *config;
    char **assignments;
    int n;
    rz_job_mode mode;
} job_arguments;

static bool is_key(const char *name, size_t len)
{
    for (int i = 0; i < rz_config_n_rows; i++) {
        const char *key = rz_config_rows[i].key;
        size_t j = 0;
        while (j < len && key[j] && (key[j] == name[j] || (key[j] == '_' && name[j] == '-')))
            j++;
        if (j == len && !key[j])
            return true;
    }
    return false;
}

static bool assign(job_arguments *a, const char *key, size_t len, const char *value)
{
    char *text = rz_asprintf("%.*s=%s", (int)len, key, value);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '-')
            text[i] = '_';
    a->assignments[a->n++] = text;
    return true;
}

static bool unknown_flag(const char *flag, const char *name, rz_err *err)
{
    const char **names = rz_calloc((size_t)rz_config_n_rows + 3, sizeof *names);
    int n = 0;
    names[n++] = "fresh";
    names[n++] = "dry-run";
    names[n++] = "set";
    for (int i = 0; i < rz_config_n_rows; i++)
        names[n++] = rz_config_rows[i].key;
    const char *near = rz_nearest(name, names, n);
    free(names);
    if (near)
        return rz_fail(err, RZ_EUSAGE, "there is no flag '%s'; did you mean '--%s'?", flag, near);
    return rz_fail(err, RZ_EUSAGE, "there is no flag '%s'; --help lists flags and config keys", flag);
}

static bool parse_flag(job_arguments *a, int argc, char **argv, int *i, rz_err *err)
{
    const char *flag = argv[*i] + 2, *equals = strchr(flag, '=');
    size_t len = equals ? (size_t)(equals - flag) : strlen(flag);
    if (!strcmp(flag, "fresh"))
        return a->mode.fresh = true;
    if (!strcmp(flag, "dry-run"))
        return a->mode.dry_run = true;
    bool set = len == 3 && !strncmp(flag, "set", 3);
    if (!set && !is_key(flag, len)) {
        char *name = rz_strndup(flag, len);
        unknown_flag(argv[*i], name, err);
        free(name);
        return false;
    }
    const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
    if (!value)
        return rz_fail(err, RZ_EUSAGE, "--%s needs a value", flag);
    if (!set)
        return assign(a, flag, len, value);
    a->assignments[a->n++] = rz_strdup(value);
    return true;
}

static bool parse(job_arguments *a, int argc, char **argv, rz_err *err)
{
    a->assignments = rz_calloc((size_t)argc + 1, sizeof *a->assignments);
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "--", 2)) {
            if (!parse_flag(a, argc, argv, &i, err))
                return false;
        } else if (strchr(argv[i], '=') && is_key(argv[i], strcspn(argv[i], "="))) {
            a->assignments[a->n++] = rz_strdup(argv[i]);
        } else if (!a->config) {
            a->config = argv[i];
        } else if (strchr(argv[i], '=')) {
            a->assignments[a->n++] = rz_strdup(argv[i]); /* the options know the nearest key */
        } else {
            return rz_fail(err, RZ_EUSAGE, "'%s' is one argument too many: one CONFIG, then key=value", argv[i]);
        }
    }
    return a->config || rz_fail(err, RZ_EUSAGE, "a CONFIG is missing; for example configs/quick.yaml");
}

typedef bool (*job)(const rz_job_env *env, const rz_config *c, rz_job_mode mode, rz_err *err);

/* A report that cannot be written is no failed run. */
static void write_report(const char *dir)
{
    rz_err err = {0};
    char *path = rz_asprintf("%s/report.html", dir);
    if (!rz_report_write(dir, path, &err))
        fprintf(stderr, "no report: %s\n", err.text);
    free(path);
}

static bool run(rz_comm *comm, job which, const job_arguments *a, const rz_config *c, rz_err *err)
{
    rz_job_env env = {.comm = comm, .stop = &rz_stop_asked, .helper = rz_cli_helper()};
    if (!rz_comm_agree(comm, rz_cli_kernels(&env.kernels, err), err))
        return false;
    rz_alarm *alarm;
    if (!rz_alarm_start(&alarm, comm, c, err)) {
        rz_alarm_stop(alarm);
        return false;
    }
    rz_view *view = rz_comm_rank(comm) == 0 ? rz_view_create() : NULL;
    if (view)
        env.listener = rz_view_listener(view);
    bool ok = which(&env, c, a->mode, err);
    rz_alarm_stop(alarm);
    if (view)
        rz_view_break(view);
    rz_view_destroy(view);
    if (ok && !a->mode.dry_run && rz_comm_rank(comm) == 0) {
        write_report(c->out);
        rz_tell_result(c->out);
    }
    return ok;
}

static void free_arguments(job_arguments *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->assignments[i]);
    free(a->assignments);
}

static int run_job(rz_comm *comm, job which, int argc, char **argv, rz_err *err)
{
    job_arguments a = {0};
    rz_config c = {0};
    bool ok = parse(&a, argc, argv, err) && rz_config_load(&c, a.config, (const char *const *)a.assignments, a.n, err);
    if (rz_comm_agree(comm, ok, err))
        run(comm, which, &a, &c, err);
    rz_config_finish(&c);
    free_arguments(&a);
    return (int)err->code;
}

char *rz_cli_job_out(int argc, char **argv)
{
    int at = 1;
    while (at < argc && strcmp(argv[at], "train") && strcmp(argv[at], "pretrain"))
        at++;
    job_arguments a = {0};
    rz_config c = {0};
    rz_err err = {0};
    char *out = NULL;
    if (at < argc && parse(&a, argc - at - 1, argv + at + 1, &err) && rz_config_load(&c, a.config, (const char *const *)a.assignments, a.n, &err))
        out = rz_strdup(c.out);
    rz_config_finish(&c);
    free_arguments(&a);
    return out;
}

int rz_cmd_train(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    return run_job(comm, rz_job_train, argc, argv, err);
}

int rz_cmd_pretrain(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    return run_job(comm, rz_job_pretrain, argc, argv, err);
}
