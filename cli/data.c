#include "cli/data.h"
#include "cli/cli.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where data sets go ---- */

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n > m && !strcmp(text + n - m, ending);
}

bool rz_data_sink_open(rz_data_sink *s, const char *path, rz_err *err)
{
    static const char *const endings[] = {".jsonl", ".json", ".ndjson", ".gz", ".zst", ".h5", ".hdf5"};
    bool known = false;
    *s = (rz_data_sink){.path = path, .to_stdout = !strcmp(path, "-"), .to_store = ends_with(path, ".h5") || ends_with(path, ".hdf5")};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        known = known || ends_with(path, endings[i]);
    if (!known && !s->to_stdout)
        return rz_fail(err, RZ_EUSAGE, "'%s' does not say what kind of file it shall be: end the name in .jsonl, .jsonl.gz, .jsonl.zst or .h5, or give - for the terminal",
                       path);
    if (!s->to_stdout && rz_file_exists(path))
        return rz_fail(err, RZ_ECREATE, "%s is there already, and nothing is overwritten: give another name", path);
    if (s->to_stdout || s->to_store || rz_packer_create(&s->packer, path, rz_packing_of(path), err))
        return true;
    err->code = RZ_ECREATE;
    return false;
}

bool rz_data_sink_line(rz_data_sink *s, const char *line, size_t len, rz_err *err)
{
    s->n++;
    if (!s->to_stdout)
        return rz_packer_add(s->packer, line, len, err) && rz_packer_add(s->packer, "\n", 1, err);
    if (fwrite(line, 1, len, stdout) == len && putchar('\n') != EOF)
        return true;
    return rz_fail(err, RZ_EIO, "cannot write to stdout: %s", strerror(errno));
}

bool rz_data_sink_problem(rz_data_sink *s, const char *where, const rz_raw_problem *p, rz_err *err)
{
    if (s->to_store) {
        s->n++;
        return rz_dataset_add(&s->set, where, p, err);
    }
    char *line = rz_dataset_line(p, s->n + 1);
    bool ok = rz_data_sink_line(s, line, strlen(line), err);
    free(line);
    return ok;
}

bool rz_data_sink_commit(rz_data_sink *s, rz_err *err)
{
    if (s->to_store)
        return rz_dataset_write_store(&s->set, s->path, err);
    if (!s->to_stdout)
        return rz_packer_commit(s->packer, err);
    return fflush(stdout) == 0 || rz_fail(err, RZ_EIO, "cannot write to stdout: %s", strerror(errno));
}

void rz_data_sink_close(rz_data_sink *s)
{
    rz_packer_close(s->packer);
    rz_dataset_finish(&s->set);
}

/* ---- convert ---- */

static bool pass_line(void *ctx, const char *line, size_t len, rz_err *err)
{
    return rz_data_sink_line(ctx, line, len, err);
}

static bool pass_problems(rz_data_sink *s, const char *path, rz_err *err)
{
    rz_dataset d = {0};
    bool ok = rz_dataset_load(&d, path, err);
    for (int64_t i = 0; ok && i < d.prompt.n; i++) {
        size_t len;
        char *where = rz_dataset_where(&d, path, i), *prompt = rz_column_text(&d.prompt, i), *answer = rz_column_text(&d.answer, i),
             *task = rz_column_text(&d.task, i);
        rz_raw_problem p = {prompt, answer, task[0] ? task : NULL, rz_column_get(&d.meta, i, &len), 0, d.clusters[i], i};
        p.meta_len = len;
        ok = rz_data_sink_problem(s, where, &p, err);
        free(where);
        free(prompt);
        free(answer);
        free(task);
    }
    if (ok && d.n_other)
        fprintf(stderr, "%lld problems have a field that HDF5 data sets do not keep, such as '%s': put into meta what shall be kept\n", (long long)d.n_other,
                d.other);
    rz_dataset_finish(&d);
    return ok;
}

bool rz_data_convert(int argc, char **argv, rz_err *err)
{
    rz_data_sink s = {0};
    bool from_store;
    rz_jsonl_kind kind = RZ_JSONL_PROBLEMS;
    for (int i = 0; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            return rz_fail(err, RZ_EUSAGE, "'%s' is not understood: data convert IN OUT", argv[i]);
    if (argc != 2)
        return rz_fail(err, RZ_EUSAGE, "data convert takes two files, IN and OUT, not %d", argc);
    if (!rz_dataset_is_store(argv[0], &from_store, err) || (!from_store && !rz_jsonl_kind_of(argv[0], &kind, err)))
        return false;
    bool ok = rz_data_sink_open(&s, argv[1], err);
    /* lines stay as they are, whatever else they hold; only HDF5 knows nothing but problems, and GSM8K's become ours */
    bool problems = from_store || s.to_store || kind == RZ_JSONL_GSM8K;
    ok = ok && (problems ? pass_problems(&s, argv[0], err) : rz_jsonl_each(argv[0], pass_line, &s, err));
    ok = ok && rz_data_sink_commit(&s, err);
    if (ok)
        fprintf(stderr, "%lld %s in %s\n", (long long)s.n, problems ? "problems" : "lines", s.to_stdout ? "all" : s.path);
    rz_data_sink_close(&s);
    return ok;
}

/* ---- the command ---- */

int rz_cmd_data(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    static const struct {
        const char *name;
        bool (*run)(int argc, char **argv, rz_err *err);
    } verbs[] = {{"tasks", rz_data_tasks}, {"make", rz_data_make}, {"show", rz_data_show}, {"convert", rz_data_convert}};
    static const char *const names[] = {"tasks", "make", "show", "convert"};
    (void)comm;
    if (argc < 1)
        return rz_fail(err, RZ_EUSAGE, "say what to do: data tasks, data make, data show or data convert; data --help tells more"), (int)err->code;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(argv[0], verbs[i].name))
            return verbs[i].run(argc - 1, argv + 1, err) ? 0 : (int)err->code;
    const char *near = rz_nearest(argv[0], names, 4);
    rz_fail(err, RZ_EUSAGE, "there is no data %s; %s%s%s", argv[0], near ? "did you mean data " : "it is tasks, make, show or convert", near ? near : "", near ? "?" : "");
    return (int)err->code;
}
