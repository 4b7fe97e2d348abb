#include "cli/bench.h"

#include "base/file.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/flags.h"
#include "cli/meter.h"
#include "policy/peak.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define AT(field) offsetof(rz_bench_options, field)
#define INT(key, field, def, min, max, help) {key, RZ_OPT_INT, AT(field), def, min, max, NULL, RZ_OPT_FIXED, help}
const rz_option rz_bench_flags[] = {
    {"model", RZ_OPT_TEXT, AT(model), "", 0, 0, NULL, RZ_OPT_FIXED, "a model or checkpoint (*.h5), a Hugging Face folder or a GGUF file; empty: random weights of --shape"},
    {"shape", RZ_OPT_ENUM, AT(shape), "countdown", 0, 0, RZ_BENCH_SHAPES, RZ_OPT_FIXED,
     "sizes of random weights: the default job's, 3.0 million parameters, 135 million, 494 million"},
    INT("batch", batch, "0", 0, 1e7, "sequences (rules: completions); 0: 64 for decode and grpo, 16 for train, 2000 for rules"),
    INT("prompt", prompt, "16", 1, 1e6, "tokens of a prompt"),
    INT("new", new_tokens, "128", 1, 1e6, "tokens sampled for each sequence; nothing stops earlier"),
    INT("seq", seq, "128", 1, 1e6, "tokens of a sequence that is trained on"),
    INT("group", group, "8", 2, 4096, "grpo: completions a prompt"),
    INT("threads", threads, "1", 1, 1024, "threads a rank"),
    INT("gradient-shards", shards, "1", 1, 1024, "parts that a batch's gradient is summed from (a power of two, raised to the number of ranks)"),
    RZ_ARITHMETIC_FLAGS(rz_bench_options),
    {"rules", RZ_OPT_TEXT, AT(rules), "configs/rules/countdown.yaml", 0, 0, NULL, RZ_OPT_FIXED, "rule file of grpo and rules"},
    RZ_RULES_ALLOW_FLAG(rz_bench_options),
    {"seconds", RZ_OPT_FLOAT, AT(seconds), "3", 0, 3600, NULL, RZ_OPT_FIXED, "how long it is repeated at least; two rounds always"},
    {"lengths", RZ_OPT_INTS, AT(lengths), "0", 0, 1e7, NULL, RZ_OPT_FIXED, "grpo: tokens of a group's completions, in turn; 0: --new, which is the most"},
    {"plain", RZ_OPT_BOOL, AT(plain), "false", 0, 0, NULL, RZ_OPT_FIXED, "without the rounds that have a clock around each kernel: no multiply-adds are counted"},
    {"json", RZ_OPT_BOOL, AT(json), "false", 0, 0, NULL, RZ_OPT_FIXED, "one JSON object on stdout instead of a table"},
};
const int rz_bench_n_flags = sizeof rz_bench_flags / sizeof rz_bench_flags[0];

enum { MAX_ROUNDS = 1000, PEAK_MS = 2, PEAK_WINDOWS = 3 };

/* What the rounds came to, all ranks together. */
typedef struct {
    int ranks, n;
    rz_bench_done done;                     /* of one round */
    double plain_s[MAX_ROUNDS];             /* wall time of the rounds without the meter */
    double best_s, prompt_s;                /* of the fastest of these, and what prompts took of it (on the first rank) */
    double cpu_s;                           /* processor time of those */
    double peak;                            /* GFLOP/s of all cores in use, running the register loop at the same time */
    double read;                            /* GB/s of all cores in use, each reading its share of the weights */
    double metered_s;                       /* the fastest round with the meter … */
    rz_meter_count op[RZ_METER_OPS];        /* … and where its time went */
    double rss_mib;
} measured;

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double sum_over_ranks(rz_comm *comm, double x, double unit)
{
    int64_t whole = (int64_t)(x / unit);
    rz_comm_sum_i64(comm, &whole, 1);
    return (double)whole * unit;
}

/* data NULL: multiply-adds; else a thread reads its part of it. */
typedef struct { const char *name; bool half; const char *data; size_t bytes; int threads; double *rate; } peak_work;

static void peak_of_thread(void *ctx, int i, int thread)
{
    (void)thread;
    const peak_work *w = ctx;
    size_t part = w->bytes / (size_t)w->threads / 64 * 64;
    w->rate[i] = w->data ? rz_peak_read(w->name, w->data + part * (size_t)i, part) : (w->half ? rz_peak_half_gflops : rz_peak_gflops)(w->name, PEAK_MS);
}

/* All threads of all ranks at once: cores share power, clock and memory. */
static double peak(rz_comm *comm, rz_pool *pool, peak_work w)
{
    double sum = 0;
    w.threads = rz_pool_size(pool);
    w.rate = rz_calloc((size_t)w.threads, sizeof *w.rate);
    rz_comm_barrier(comm);
    rz_pool_run(pool, w.threads, peak_of_thread, &w);
    for (int i = 0; i < w.threads; i++)
        sum += w.rate[i];
    free(w.rate);
    return sum_over_ranks(comm, sum, 1e-6);
}

/* Short windows, and the best of several: another process may have the core in one of them. */
static void yardsticks(rz_comm *comm, rz_bench *b, const rz_kernels *k, bool half, measured *m)
{
    size_t bytes;
    const char *weights = rz_bench_weights(b, &bytes);
    for (int i = 0; i < PEAK_WINDOWS; i++) {
        double p = peak(comm, rz_bench_pool(b), (peak_work){.name = k->name, .half = half}), r;
        m->peak = p > m->peak ? p : m->peak;
        r = weights ? peak(comm, rz_bench_pool(b), (peak_work){.name = k->name, .data = weights, .bytes = bytes}) : 0;
        m->read = r > m->read ? r : m->read;
    }
}

/* Wall seconds of one round, from when the first rank may begin to when the last has ended. */
static bool timed_round(rz_comm *comm, rz_bench *b, const rz_bench_work *w, rz_bench_done *done, double *seconds, rz_err *err)
{
    rz_comm_barrier(comm);
    double start = rz_now_s();
    if (!rz_bench_round(b, w, done, err))
        return false;
    rz_comm_barrier(comm);
    *seconds = rz_now_s() - start;
    return true;
}

static bool metered_round(rz_comm *comm, rz_bench *b, const rz_bench_work *w, const rz_kernels *k, measured *m, rz_err *err)
{
    rz_policy *p = rz_bench_policy(b);
    rz_meter_count op[RZ_METER_OPS];
    int64_t flat[3 * RZ_METER_OPS];
    rz_bench_done done;
    double seconds;
    rz_meter_reset();
    if (p)
        p->k = rz_meter_wrap(k);
    bool ok = timed_round(comm, b, w, &done, &seconds, err);
    if (p)
        p->k = k;
    if (!ok)
        return false;
    rz_meter_read(op);
    memcpy(flat, op, sizeof flat);
    rz_comm_sum_i64(comm, flat, 3 * RZ_METER_OPS);
    rz_comm_bcast(comm, &seconds, sizeof seconds, 0);
    if (!m->metered_s || seconds < m->metered_s) {
        m->metered_s = seconds;
        memcpy(m->op, flat, sizeof flat);
    }
    return true;
}

/* Rounds without and with the meter, and the peak, by turns. */
static bool measure(rz_comm *comm, rz_bench *b, const rz_bench_work *w, const rz_kernels *k, const rz_bench_options *o, measured *m, rz_err *err)
{
    double start = rz_now_s();
    int64_t go_on = 1;
    m->ranks = rz_comm_size(comm);
    while (go_on) {
        yardsticks(comm, b, k, o->compute == RZ_COMPUTE_BF16, m);
        double cpu = processor_s();
        if (!timed_round(comm, b, w, &m->done, &m->plain_s[m->n], err))
            return false;
        m->cpu_s += processor_s() - cpu;
        if (m->n == 0 || m->plain_s[m->n] < m->best_s)
            m->best_s = m->plain_s[m->n], m->prompt_s = m->done.prompt_s;
        m->n++;
        if (!o->plain && !metered_round(comm, b, w, k, m, err))
            return false;
        go_on = rz_comm_rank(comm) == 0 && m->n < MAX_ROUNDS && (m->n < 2 || rz_now_s() - start < o->seconds);
        rz_comm_sum_i64(comm, &go_on, 1);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    rz_comm_sum_i64(comm, &m->done.tokens, 1);
    rz_comm_sum_i64(comm, &m->done.items, 1);
    rz_comm_sum_i64(comm, &m->done.trained, 1);
    rz_comm_sum_i64(comm, &m->done.flop_again, 1);
    m->cpu_s = sum_over_ranks(comm, m->cpu_s, 1e-6);
    m->rss_mib = sum_over_ranks(comm, (double)usage.ru_maxrss / 1024, 1e-3);
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the figures ---- */

typedef struct {
    double best_s, median_s, flop, products_flop, products_s, counted_s, thread_s, peak_of_core;
} figures;

static figures derive(measured *m, int64_t threads)
{
    figures f = {0};
    qsort(m->plain_s, (size_t)m->n, sizeof *m->plain_s, by_value);
    f.best_s = m->best_s;
    f.median_s = m->plain_s[m->n / 2];
    for (int i = 0; i < RZ_METER_OPS; i++) {
        f.flop += (double)m->op[i].flop;
        f.counted_s += 1e-9 * (double)m->op[i].ns;
        if (i < RZ_METER_PRODUCTS) {
            f.products_flop += (double)m->op[i].flop;
            f.products_s += 1e-9 * (double)m->op[i].ns;
        }
    }
    f.flop -= (double)m->done.flop_again;
    f.thread_s = m->metered_s * m->ranks * (double)threads;
    f.peak_of_core = m->peak / (m->ranks * (double)threads);
    return f;
}

static void put_ratio(json_t *o, const char *name, double over, double under)
{
    json_object_set_new(o, name, under > 0 ? json_real(over / under) : json_null());
}

static json_t *operations(const measured *m, const figures *f)
{
    json_t *list = json_array();
    for (int i = 0; i < RZ_METER_OPS; i++) {
        double s = 1e-9 * (double)m->op[i].ns;
        if (!m->op[i].calls)
            continue;
        json_t *o = json_pack("{s:s,s:I,s:f,s:f,s:I}", "name", rz_meter_names[i], "calls", (json_int_t)m->op[i].calls, "seconds", s, "share_of_time",
                              s / f->thread_s, "flop", (json_int_t)m->op[i].flop);
        if (m->op[i].flop) {
            put_ratio(o, "gflops", 1e-9 * (double)m->op[i].flop, s);
            put_ratio(o, "share_of_peak", 1e-9 * (double)m->op[i].flop / s, f->peak_of_core);
        }
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json(const rz_bench_work *w, rz_bench *b, const rz_bench_options *o, const rz_kernels *k, const measured *m, const figures *f)
{
    const rz_policy *p = rz_bench_policy(b);
    size_t bytes;
    rz_bench_weights(b, &bytes);
    static const char *const shapes[] = {"countdown", "small", "smollm2", "qwen0.5b"};
    json_t *root = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "schema", 1, "work", w->name, "kernels", k->name, "dtype", o->dtype ? "bf16" : "f32", "compute", o->compute ? "bf16" : "f32",
                             "kv_dtype", o->kv_dtype ? "bf16" : "f32", "ranks", m->ranks, "threads", (json_int_t)o->threads, "parameters", (json_int_t)(p ? p->layout.n_params : 0), "batch",
                             (json_int_t)rz_bench_batch(b), "prompt", (json_int_t)o->prompt, "new", (json_int_t)o->new_tokens, "seq",
                             (json_int_t)o->seq, "group", (json_int_t)o->group);
    json_object_set_new(root, "model", json_string(o->model[0] ? o->model : shapes[o->shape]));
    json_object_set_new(root, "rounds", json_integer(m->n));
    json_object_set_new(root, "tokens", json_integer(m->done.tokens));
    json_object_set_new(root, "tokens_trained", json_integer(m->done.trained));
    json_object_set_new(root, "seconds", json_real(f->best_s));
    json_object_set_new(root, "seconds_median", json_real(f->median_s));
    json_object_set_new(root, "prompt_seconds", json_real(m->prompt_s));
    put_ratio(root, "tokens_per_s", (double)m->done.tokens, f->best_s);
    put_ratio(root, "tokens_per_s_median", (double)m->done.tokens, f->median_s);
    put_ratio(root, "tokens_per_cpu_s", (double)m->done.tokens * m->n, m->cpu_s);
    if (m->done.items)
        put_ratio(root, "completions_per_s", (double)m->done.items, f->best_s);
    json_object_set_new(root, "flop", json_integer((json_int_t)f->flop));
    put_ratio(root, "gflops", 1e-9 * f->flop, f->best_s);
    put_ratio(root, "peak_gflops", m->peak, m->peak > 0);
    put_ratio(root, "read_gb_s", m->read, m->read > 0);
    json_object_set_new(root, "weight_bytes", json_integer((json_int_t)bytes));
    put_ratio(root, "share_of_peak", 1e-9 * f->flop / f->best_s, m->peak);
    put_ratio(root, "matmul_share_of_peak", f->products_s > 0 ? 1e-9 * f->products_flop / f->products_s : 0, f->products_s > 0 ? f->peak_of_core : 0);
    put_ratio(root, "matmul_share_of_time", f->products_s, f->products_s > 0 ? f->thread_s : 0);
    json_object_set_new(root, "peak_rss_mib", json_real(m->rss_mib));
    json_object_set_new(root, "operations", operations(m, f));
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

static void print_row(const char *name, int64_t calls, double s, double flop, const figures *f)
{
    fprintf(stderr, "  %-30s %8.2f ms %5.1f %%", name, 1e3 * s, 100 * s / f->thread_s);
    if (calls)
        fprintf(stderr, " %9lld calls", (long long)calls);
    if (flop > 0)
        fprintf(stderr, " %8.1f GFLOP/s", 1e-9 * flop / s);
    if (flop > 0 && f->peak_of_core > 0)
        fprintf(stderr, " %5.1f %% of peak", 1e-7 * flop / s / f->peak_of_core);
    fputc('\n', stderr);
}

static void print_table(const rz_bench_work *w, rz_bench *b, const rz_bench_options *o, const rz_kernels *k, const measured *m, const figures *f)
{
    const rz_policy *p = rz_bench_policy(b);
    fprintf(stderr, "%s: %s\n", w->name, w->what);
    if (p)
        fprintf(stderr, "%lld parameters (f32), kernels %s, %d rank%s x %lld thread%s, batch %lld\n", (long long)p->layout.n_params, k->name, m->ranks,
                m->ranks > 1 ? "s" : "", (long long)o->threads, o->threads > 1 ? "s" : "", (long long)rz_bench_batch(b));
    fprintf(stderr, "%.0f tokens/s in the fastest of %d rounds (median %.0f; %.0f a processor second), %.1f MiB\n", (double)m->done.tokens / f->best_s, m->n,
            (double)m->done.tokens / f->median_s, (double)m->done.tokens * m->n / m->cpu_s, m->rss_mib);
    if (m->prompt_s > 0)
        fprintf(stderr, "prompts took %.1f of its %.1f ms; %.0f tokens/s without them\n", 1e3 * m->prompt_s, 1e3 * f->best_s,
                (double)m->done.tokens / (f->best_s - m->prompt_s));
    if (m->done.items)
        fprintf(stderr, "%.0f completions/s\n", (double)m->done.items / f->best_s);
    if (!p || o->plain)
        return;
    fprintf(stderr, "%.1f GFLOP/s", 1e-9 * f->flop / f->best_s);
    if (m->peak > 0)
        fprintf(stderr, " of %.1f that multiply-adds on registers alone reach here: %.1f %%", m->peak, 1e-7 * f->flop / f->best_s / m->peak);
    fprintf(stderr, "\nwhere the time goes (the fastest round with a clock around each kernel, %.1f %% slower):\n", 100 * (m->metered_s / f->best_s - 1));
    for (int i = 0; i < RZ_METER_OPS; i++)
        if (m->op[i].calls)
            print_row(rz_meter_names[i], m->op[i].calls, 1e-9 * (double)m->op[i].ns, (double)m->op[i].flop, f);
    print_row("outside the kernels, idle", 0, f->thread_s - f->counted_s, 0, f);
    print_row("all products", 0, f->products_s, f->products_flop, f);
}

/* ---- the command ---- */

static const rz_bench_work *find_work(const char *name, rz_err *err)
{
    const char *names[8];
    int n = 0;
    for (const rz_bench_work *w = rz_bench_works; w->name; w++) {
        if (name && !strcmp(w->name, name))
            return w;
        names[n++] = w->name;
    }
    const char *near = name ? rz_nearest(name, names, n) : NULL;
    if (!name)
        rz_fail(err, RZ_EUSAGE, "the work is missing: bench decode|train|grpo|rules");
    else if (near)
        rz_fail(err, RZ_EUSAGE, "there is no work '%s'; did you mean '%s'?", name, near);
    else
        rz_fail(err, RZ_EUSAGE, "there is no work '%s': bench decode|train|grpo|rules", name);
    return NULL;
}

static const rz_bench_work *prepare(rz_bench_options *o, const rz_kernels **k, int argc, char **argv, rz_err *err)
{
    const char *name = NULL;
    if (!rz_flags_parse(rz_bench_flags, rz_bench_n_flags, o, NULL, NULL, &name, argc, argv, err))
        return NULL;
    const rz_bench_work *w = find_work(name, err);
    return w && rz_cli_kernels(k, err) ? w : NULL;
}

int rz_cmd_bench(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    rz_bench_options o = {0};
    const rz_kernels *k;
    rz_bench *b = NULL;
    measured *m = rz_calloc(1, sizeof *m);
    signal(SIGINT, SIG_DFL); /* there is nothing to save */
    signal(SIGTERM, SIG_DFL);
    const rz_bench_work *w = prepare(&o, &k, argc, argv, err);
    bool ok = rz_comm_agree(comm, w != NULL, err) && rz_bench_open(&b, w, &o, comm, k, err) && measure(comm, b, w, k, &o, m, err);
    if (ok && rz_comm_rank(comm) == 0) {
        figures f = derive(m, o.threads);
        (o.json ? print_json : print_table)(w, b, &o, k, m, &f);
    }
    rz_bench_close(b);
    free(m);
    rz_options_finish(rz_bench_flags, rz_bench_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
