/* What of a run directory is whole, and which checkpoints it has (docs/files.md). Nothing is changed. */
#include "cli/cli.h"
#include "cli/flags.h"

#include "base/file.h"
#include "trainer/history.h"
#include "trainer/rundir.h"
#include "trainer/verify.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct { bool json; } ckpt_options;
const rz_option rz_ckpt_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(ckpt_options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "as one JSON object"},
};
const int rz_ckpt_n_flags = sizeof rz_ckpt_flags / sizeof rz_ckpt_flags[0];

const rz_command rz_ckpt_commands[] = {
    {"ckpt verify", "DIR|FILE [--json]", "whether checkpoints, rollouts, evaluations, models and logs of a run are whole",
     "DIR is a run directory, its base's, or a folder in it. Of each file the seal (its length and hash), and that all is in it that its kind must hold:\n"
     "arrays of the right shapes, weights and moments that are finite. Of the logs, that the newest whole checkpoint can go on from them. Large files are\n"
     "read once for the seal and once for the rest. Exits 65 when something is damaged. Nothing is changed, and a job may be running.\n",
     "build/rulezero ckpt verify runs/quick", false, rz_cmd_ckpt_verify, rz_ckpt_flags, &rz_ckpt_n_flags},
    {"ckpt list", "DIR [--json]", "the checkpoints of a run: steps, sizes, times, how well the policy did, which is the newest whole one and which the best",
     "reward is the mean over the last 10 steps up to it (of a pretraining: the loss), held-out the evaluation after its step (docs/metrics.md). The best has\n"
     "the highest held-out accuracy, or if none was evaluated the highest reward (the lowest loss). A job goes on from the newest whose seal is whole.\n",
     "build/rulezero ckpt list runs/quick", false, rz_cmd_ckpt_list, rz_ckpt_flags, &rz_ckpt_n_flags},
    {.name = NULL},
};

/* "14.2 MB" */
static void size_text(int64_t bytes, char *to, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double x = (double)bytes;
    int unit = 0;
    for (; x >= 999.5 && unit < 4; unit++)
        x /= 1000;
    snprintf(to, size, x < 9.95 && unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
}

static void time_text(int64_t seconds, char to[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    strftime(to, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static bool parse(ckpt_options *o, const char **path, int argc, char **argv, rz_err *err)
{
    *path = NULL;
    return rz_flags_parse(rz_ckpt_flags, rz_ckpt_n_flags, o, NULL, NULL, path, argc, argv, err) &&
           (*path || rz_fail(err, RZ_EUSAGE, "a run directory is missing; for example runs/quick"));
}

static void print_json(json_t *o)
{
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(o);
}

/* The sentence without the path that it begins with, which stands beside it. */
static const char *sentence(const rz_err *err, const char *path)
{
    size_t n = strlen(path);
    bool has = !strncmp(err->text, path, n) && err->text[n] == ':';
    return err->text + (has ? n + 1 + strspn(err->text + n + 1, " ") : 0);
}

/* ---- verify ---- */

typedef struct {
    json_t *files; /* NULL: people */
    int n, damaged;
    char *newest; /* whole checkpoint of the folder in hand, NULL: none */
    rz_progress at; /* of that */
} verification;

static void tell(verification *v, const char *path, const rz_file_facts *f, const rz_err *why)
{
    char size[32] = "";
    v->n++;
    v->damaged += why != NULL;
    if (v->files) {
        json_t *o = json_pack("{s:s,s:b}", "file", path, "whole", !why);
        if (why)
            json_object_set_new(o, "error", json_string(sentence(why, path)));
        if (f && f->kind[0])
            json_object_set_new(o, "kind", json_string(f->kind));
        if (f)
            json_object_set_new(o, "bytes", json_integer(f->bytes));
        if (f && rz_is_checkpoint(f))
            json_object_set_new(o, "step", json_integer(f->at.step));
        json_array_append_new(v->files, o);
        return;
    }
    if (f)
        size_text(f->bytes, size, sizeof size);
    fprintf(stderr, "%-7s  ", why ? "DAMAGED" : "whole");
    rz_print_safe(stderr, path, strlen(path));
    if (why) {
        fputs(": ", stderr);
        rz_print_safe(stderr, sentence(why, path), strlen(sentence(why, path)));
    } else if (f && rz_is_checkpoint(f)) {
        fprintf(stderr, "  %s, step %lld, %s", f->kind, (long long)f->at.step, size);
    } else if (f) {
        fprintf(stderr, "  %s, %s", f->kind, size);
    }
    fputc('\n', stderr);
}

static void verify_file(verification *v, const char *path)
{
    rz_file_facts f;
    rz_err err = {0};
    bool whole = rz_verify_file(&f, path, &err);
    if (!whole && err.code == RZ_EIO && !rz_file_exists(path)) /* a job has removed it since */
        return;
    tell(v, path, &f, whole ? NULL : &err);
    if (whole && rz_is_checkpoint(&f) && (!v->newest || f.at.step > v->at.step)) {
        free(v->newest);
        v->newest = rz_strdup(path);
        v->at = f.at;
    }
}

/* A log must hold what it held when the checkpoint was written, in whole lines. */
static void verify_log(verification *v, const char *dir, const char *name, int64_t due)
{
    struct stat st;
    rz_err err = {0};
    rz_history h = {0};
    char *path = rz_asprintf("%s/%s", dir, name);
    bool there = stat(path, &st) == 0, ok = there || due == 0;
    if (!ok)
        rz_fail(&err, RZ_EDATA, "is missing; %s was written behind %lld bytes of it: no job can go on from that", v->newest, (long long)due);
    if (there && st.st_size < due)
        ok = rz_fail(&err, RZ_EDATA, "has %lld bytes; %s was written behind %lld: no job can go on from that", (long long)st.st_size, v->newest, (long long)due);
    if (there && ok)
        ok = rz_history_read(&h, path, &err);
    if (ok && h.n_unread > 1) /* a job that runs, or was killed, may be in the middle of its last line */
        ok = rz_fail(&err, RZ_EDATA, "has %lld lines that are no JSON objects with a step", (long long)h.n_unread);
    if (there || !ok)
        tell(v, path, NULL, ok ? NULL : &err);
    rz_history_finish(&h);
    free(path);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends_in_h5(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && name[0] != '.' && !strcmp(name + n - 3, ".h5");
}

/* All in a folder of a run; `depth` folders down: rollouts/ and the like, and the base's folder with its own. */
static bool verify_folder(verification *v, const char *dir, int depth, rz_err *err)
{
    static const char *const inside[] = {"checkpoints", "rollouts", "eval"};
    char **names;
    int n;
    if (!rz_dir_list(dir, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char *path = rz_asprintf("%s/%s", dir, names[i]);
        bool base = !strncmp(names[i], "base-", 5), part = false;
        for (size_t k = 0; k < sizeof inside / sizeof inside[0]; k++)
            part |= !strcmp(names[i], inside[k]);
        if (ends_in_h5(names[i]))
            verify_file(v, path);
        else if (ok && depth > 0 && part && is_folder(path))
            ok = verify_folder(v, path, 0, err);
        else if (ok && depth > 1 && base && is_folder(path)) {
            verification its = {.files = v->files};
            ok = verify_folder(&its, path, 1, err);
            v->n += its.n;
            v->damaged += its.damaged;
        }
        free(path);
        free(names[i]);
    }
    free(names);
    char *checkpoints = rz_asprintf("%s/checkpoints", dir);
    if (ok && v->newest && is_folder(checkpoints)) { /* it is a run directory */
        verify_log(v, dir, "metrics.jsonl", v->at.metrics_bytes);
        verify_log(v, dir, "eval.jsonl", v->at.eval_bytes);
    }
    free(checkpoints);
    if (depth > 0) {
        free(v->newest);
        v->newest = NULL;
    }
    return ok;
}

int rz_cmd_ckpt_verify(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    ckpt_options o;
    const char *path;
    if (!parse(&o, &path, argc, argv, err))
        return (int)err->code;
    if (!rz_file_exists(path))
        return rz_fail(err, RZ_EIO, "%s does not exist", path), RZ_EIO;
    verification v = {.files = o.json ? json_array() : NULL};
    bool ok = true;
    if (is_folder(path))
        ok = verify_folder(&v, path, 2, err);
    else
        verify_file(&v, path);
    free(v.newest);
    if (ok && !v.n)
        ok = rz_fail(err, RZ_EDATA, "%s holds no file of ours: it is no run directory, or nothing is written yet", path);
    if (ok && o.json)
        print_json(json_pack("{s:i,s:s,s:O,s:i}", "schema", 1, "path", path, "files", v.files, "damaged", v.damaged));
    json_decref(v.files);
    if (ok && v.damaged)
        rz_fail(err, RZ_EDATA, "%d of %d files in %s %s damaged; a job goes on from the newest checkpoint that is whole (ckpt list), and writes what came behind it anew",
                v.damaged, v.n, path, v.damaged > 1 ? "are" : "is");
    return (int)err->code;
}

/* ---- list ---- */

typedef struct {
    char *path;
    bool whole;
    rz_err why;
    rz_file_facts f;
    double reward, accuracy; /* NaN: not known */
} row;

typedef struct {
    row *rows;
    int n, newest, best;     /* −1: none */
    const char *measure;     /* column of the log that `reward` is of */
} list;

static int64_t line_of_step(const rz_history *h, int64_t step)
{
    const double *steps = rz_history_column(h, "step");
    int64_t line = h->n;
    while (line-- > 0 && steps && steps[line] != (double)step)
        ;
    return line;
}

static void add_measures(row *r, const rz_history *metrics, const rz_history *eval, const char *measure)
{
    enum { WINDOW = 10 };
    int64_t line = line_of_step(metrics, r->f.at.step), evaluated = line_of_step(eval, r->f.at.step);
    if (line >= 0)
        r->reward = rz_history_mean(metrics, measure, line + 1 > WINDOW ? line + 1 - WINDOW : 0, line + 1);
    if (evaluated >= 0)
        r->accuracy = rz_history_get(eval, "accuracy", evaluated);
}

/* Higher is better. Among equals the earliest, as of those that checkpoint.keep_best keeps. */
static int find_best(const list *l)
{
    int best = -1;
    bool evaluated = false, loss = !strcmp(l->measure, "loss");
    double most = 0;
    for (int i = 0; i < l->n; i++)
        evaluated |= l->rows[i].whole && isfinite(l->rows[i].accuracy);
    for (int i = 0; i < l->n; i++) {
        double x = evaluated ? l->rows[i].accuracy : loss ? -l->rows[i].reward : l->rows[i].reward;
        if (!l->rows[i].whole || !isfinite(x) || (best >= 0 && x <= most))
            continue;
        best = i;
        most = x;
    }
    return best;
}

static bool read_log(rz_history *h, const char *run, const char *name, rz_err *err)
{
    char *path = rz_asprintf("%s/%s", run, name);
    bool ok = !rz_file_exists(path) || rz_history_read(h, path, err);
    free(path);
    return ok;
}

static bool read_list(list *l, const char *run, const char *folder, rz_err *err)
{
    rz_history metrics = {0}, eval = {0};
    char **paths;
    bool ok = rz_rundir_steps(run, folder, &paths, &l->n, err) && read_log(&metrics, run, "metrics.jsonl", err) && read_log(&eval, run, "eval.jsonl", err);
    l->rows = rz_calloc((size_t)l->n + 1, sizeof *l->rows);
    l->newest = -1;
    l->measure = rz_history_column(&metrics, "loss") && !rz_history_column(&metrics, "reward/mean") ? "loss" : "reward/mean";
    for (int i = 0; i < l->n; i++) {
        row *r = &l->rows[i];
        r->path = paths[i];
        r->reward = r->accuracy = NAN;
        if (!ok)
            continue;
        r->whole = rz_file_facts_read(&r->f, r->path, &r->why);
        if (r->whole) {
            l->newest = i;
            add_measures(r, &metrics, &eval, l->measure);
        }
    }
    free(paths);
    l->best = find_best(l);
    rz_history_finish(&metrics);
    rz_history_finish(&eval);
    return ok;
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *file_or_null(const list *l, int i) { return i < 0 ? json_null() : json_string(l->rows[i].path); }

static void list_json(const list *l, const char *dir)
{
    json_t *all = json_array();
    for (int i = 0; i < l->n; i++) {
        const row *r = &l->rows[i];
        char when[32];
        time_text(r->f.written, when);
        json_t *o = json_pack("{s:s,s:b,s:I,s:s}", "file", r->path, "whole", r->whole, "bytes", (json_int_t)r->f.bytes, "written", when);
        if (r->whole) {
            json_object_set_new(o, "step", json_integer(r->f.at.step));
            json_object_set_new(o, "tokens_sampled", json_integer(r->f.at.tokens_sampled));
            json_object_set_new(o, "tokens_trained", json_integer(r->f.at.tokens_trained));
            json_object_set_new(o, l->measure, number(r->reward));
            json_object_set_new(o, "accuracy", number(r->accuracy));
        } else {
            json_object_set_new(o, "error", json_string(sentence(&r->why, r->path)));
        }
        json_array_append_new(all, o);
    }
    print_json(json_pack("{s:i,s:s,s:o,s:o,s:o}", "schema", 1, "path", dir, "checkpoints", all, "newest", file_or_null(l, l->newest), "best", file_or_null(l, l->best)));
}

static void cell(double x, double times, const char *fmt, int width)
{
    char text[32] = "-";
    if (isfinite(x))
        snprintf(text, sizeof text, fmt, times * x);
    fprintf(stderr, "  %*s", width, text);
}

static void list_people(const list *l)
{
    fprintf(stderr, "%8s  %8s  %-20s  %12s  %8s  %8s\n", "step", "size", "written", "tokens", !strcmp(l->measure, "loss") ? "loss" : "reward", "held-out");
    for (int i = 0; i < l->n; i++) {
        const row *r = &l->rows[i];
        char size[32], when[32];
        size_text(r->f.bytes, size, sizeof size);
        time_text(r->f.written, when);
        if (!r->whole) {
            fprintf(stderr, "%8s  %8s  %-20s  DAMAGED: ", "-", size, when);
            rz_print_safe(stderr, r->why.text, strlen(r->why.text));
            fputc('\n', stderr);
            continue;
        }
        fprintf(stderr, "%8lld  %8s  %-20s  %12lld", (long long)r->f.at.step, size, when,
                (long long)(r->f.at.tokens_sampled ? r->f.at.tokens_sampled : r->f.at.tokens_trained));
        cell(r->reward, 1, "%.4f", 8);
        cell(r->accuracy, 100, "%.1f%%", 8);
        fprintf(stderr, "%s%s%s\n", i == l->newest || i == l->best ? "  " : "", i == l->newest ? (i == l->best ? "newest, " : "newest") : "", i == l->best ? "best" : "");
    }
}

/* A run directory, or its folder of checkpoints. */
static bool list_folder(list *l, const char *dir, rz_err *err)
{
    char *inner = rz_asprintf("%s/checkpoints", dir), *run = rz_strdup(dir);
    size_t n = strlen(run);
    while (n > 1 && run[n - 1] == '/')
        run[--n] = '\0';
    bool ok;
    char *slash = strrchr(run, '/');
    if (is_folder(inner)) {
        ok = read_list(l, run, "checkpoints", err);
    } else if (slash) {
        *slash = '\0';
        ok = read_list(l, run, slash + 1, err);
    } else {
        ok = read_list(l, ".", run, err);
    }
    free(inner);
    free(run);
    return ok;
}

int rz_cmd_ckpt_list(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    ckpt_options o;
    const char *dir;
    list l = {0};
    if (!parse(&o, &dir, argc, argv, err))
        return (int)err->code;
    bool ok = is_folder(dir) || rz_fail(err, RZ_EIO, "%s is no folder", dir);
    ok = ok && list_folder(&l, dir, err);
    if (ok && !l.n)
        ok = rz_fail(err, RZ_EDATA, "%s holds no checkpoint: it is no run directory, or its first checkpoint is still to come", dir);
    if (ok && o.json)
        list_json(&l, dir);
    else if (ok)
        list_people(&l);
    for (int i = 0; i < l.n; i++)
        free(l.rows[i].path);
    free(l.rows);
    return (int)err->code;
}
