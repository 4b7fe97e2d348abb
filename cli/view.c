#include "cli/cli.h"

#include "base/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct rz_view {
    bool live;           /* a terminal: rewrite one line */
    int columns;
    bool open_line;      /* something stands on the line in place */
    double stage_s, last_s;
    int64_t first_step, step, steps;
    int64_t tokens;      /* of the stage so far */
    char stage[32];
    char line[512];
};

/* mpirun gives ranks a pipe for stderr; ./run, which sees the terminal, passes its width. */
static int terminal_columns(void)
{
    struct winsize size = {0};
    const char *term = getenv("TERM"), *given = getenv("RULEZERO_COLUMNS");
    if (!term || !strcmp(term, "dumb"))
        return 0;
    if (isatty(STDERR_FILENO) && !ioctl(STDERR_FILENO, TIOCGWINSZ, &size))
        return size.ws_col;
    return given ? atoi(given) : 0;
}

void rz_print_safe(FILE *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xC2 && i + 1 < len && (unsigned char)text[i + 1] < 0xA0; /* U+0080 … U+009F */
        fputc(c1 || c == 0x7F || (c < 0x20 && c != '\n' && c != '\t') ? '?' : c, to);
        i += c1;
    }
}

rz_view *rz_view_create(void)
{
    rz_view *v = rz_calloc(1, sizeof *v);
    v->columns = terminal_columns();
    v->live = v->columns > 0;
    return v;
}

void rz_view_destroy(rz_view *v)
{
    free(v);
}

void rz_view_break(rz_view *v)
{
    if (v->open_line)
        fputc('\n', stderr);
    v->open_line = false;
}

static void show_in_place(rz_view *v, const char *text)
{
    fprintf(stderr, "\r%-*.*s", v->columns - 1, v->columns - 1, text);
    fflush(stderr);
    v->open_line = true;
}

static void on_note(void *ctx, const char *text)
{
    rz_view_break(ctx);
    fprintf(stderr, "%s\n", text);
}

static void on_stage(void *ctx, const char *name, int64_t step, int64_t steps)
{
    rz_view *v = ctx;
    snprintf(v->stage, sizeof v->stage, "%s", name);
    v->stage_s = v->last_s = rz_now_s();
    v->first_step = v->step = step;
    v->steps = steps;
    v->tokens = 0;
    v->line[0] = 0;
}

static void clock_text(double s, char *buf, size_t size)
{
    long t = (long)(s + 0.5);
    if (t >= 3600)
        snprintf(buf, size, "%ld:%02ld:%02ld", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(buf, size, "%ld:%02ld", t / 60, t % 60);
}

/* Columns of the progress line, each shown if the stage measures it. */
static const struct { const char *metric, *format; double scale; } columns[] = {
    {"loss", "  loss %.3f", 1},
    {"reward/mean", "  reward %.3f", 1},
    {"accuracy/mean", "  right %.0f%%", 100},
    {"format/mean", "  format %.0f%%", 100},
    {"completions/mean_length", "  length %.0f", 1},
    {"completions/clipped_ratio", "  cut %.0f%%", 100},
    {"entropy", "  entropy %.2f", 1},
};

static void on_step(void *ctx, const rz_metrics *m, int64_t step, int64_t steps)
{
    rz_view *v = ctx;
    double now = rz_now_s(), elapsed = now - v->stage_s, done = (double)(step - v->first_step), rate = elapsed / done;
    double sampled = rz_metrics_get(m, "tokens/sampled"), trained = rz_metrics_get(m, "tokens/trained");
    v->tokens += (int64_t)(isnan(sampled) ? trained : sampled);
    char eta[32];
    clock_text(rate * (double)(steps - step), eta, sizeof eta);
    size_t n = (size_t)snprintf(v->line, sizeof v->line, "%s %lld/%lld  ETA %s", v->stage, (long long)step, (long long)steps, eta);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        double x = rz_metrics_get(m, columns[i].metric);
        if (!isnan(x) && n < sizeof v->line)
            n += (size_t)snprintf(v->line + n, sizeof v->line - n, columns[i].format, x * columns[i].scale);
    }
    if (n < sizeof v->line)
        snprintf(v->line + n, sizeof v->line - n, "  %.2f s/step  %.0f tok/s", rate, (double)v->tokens / elapsed);
    v->step = step;
    bool due = v->live ? now - v->last_s > 0.1 : now - v->last_s > 5;
    if (!due && step != steps && step != v->first_step + 1)
        return;
    v->last_s = now;
    if (v->live)
        show_in_place(v, v->line);
    else
        fprintf(stderr, "%s\n", v->line);
}

static void on_evaluation(void *ctx, const rz_metrics *m)
{
    double low = rz_metrics_get(m, "accuracy_low"), high = rz_metrics_get(m, "accuracy_high");
    char interval[48] = "";
    rz_view_break(ctx);
    if (!isnan(low))
        snprintf(interval, sizeof interval, " [%.1f, %.1f]", 100 * low, 100 * high);
    fprintf(stderr, "held-out problems after step %.0f: %.1f%%%s right (%.0f problems, length %.0f, cut %.0f%%)\n", rz_metrics_get(m, "step"),
            100 * rz_metrics_get(m, "accuracy"), interval, rz_metrics_get(m, "problems"), rz_metrics_get(m, "mean_length"),
            100 * rz_metrics_get(m, "truncated"));
}

/* Long steps show that they live. */
static void on_tick(void *ctx, int64_t n_tokens)
{
    rz_view *v = ctx;
    char text[640];
    double now = rz_now_s();
    if (!v->live || now - v->last_s < 0.5)
        return;
    v->last_s = now;
    snprintf(text, sizeof text, "%s%s  [step %lld: sampling, %lld tokens]", v->line, v->line[0] ? "" : v->stage, (long long)v->step + 1,
             (long long)n_tokens);
    show_in_place(v, text);
}

void rz_view_progress(rz_view *v, const char *fmt, ...)
{
    char text[640];
    double now = rz_now_s();
    va_list args;
    if (!v->last_s)
        v->last_s = now;
    if (now - v->last_s < (v->live ? 0.2 : 10))
        return;
    v->last_s = now;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (v->live)
        show_in_place(v, text);
    else
        fprintf(stderr, "%s\n", text);
}

rz_listener rz_view_listener(rz_view *v)
{
    return (rz_listener){v, on_note, on_stage, on_step, on_evaluation, on_tick};
}
