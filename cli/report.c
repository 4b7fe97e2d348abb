#include "cli/report.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One accent; the other lines of a chart are greys told apart by their strokes too. Nothing may be loaded or run: not by us, not by what a
 * model wrote. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root{--paper:#fff;--ink:#1c2430;--soft:#5d6776;--faint:#97a0ad;--line:#e3e7ec;--panel:#f6f8fa;--accent:#1f66b1;--wash:#e8f0f9;--s1:#6b7480;"
    "--s2:#a0a8b3}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#14181e;--ink:#e4e8ee;--soft:#a3adba;--faint:#6d7784;--line:#2a313b;--panel:#1b2028;"
    "--accent:#74b0f4;"
    "--wash:#1d2b3c;--s1:#98a2ae;--s2:#69737f}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif}\n"
    "main{max-width:1080px;margin:0 auto;padding:56px 28px 96px}\n"
    "h1{font-size:15px;font-weight:600;color:var(--soft);margin:0 0 10px;overflow-wrap:anywhere}\n"
    "h2{font-size:20px;font-weight:650;margin:64px 0 10px}h3{font-size:14px;font-weight:600;color:var(--soft);margin:0}\n"
    ".lede{font-size:25px;line-height:1.38;font-weight:550;margin:0 0 6px;max-width:44em;letter-spacing:-.01em;text-wrap:pretty}\n"
    ".small,.state{font-size:14px;color:var(--soft);max-width:52em}.state{font-size:15px}.unit{color:var(--faint);font-weight:400}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:26px 20px;margin:34px 0 0;padding:0;list-style:none}\n"
    ".tiles li{border-top:2px solid var(--line);padding-top:10px}.tiles li:first-child{border-color:var(--accent)}\n"
    ".tiles b{display:block;font-size:21px;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}.tiles span{font-size:13px;"
    "color:var(--soft)}\n"
    ".findings{margin:18px 0 0;padding:0;list-style:none}\n"
    ".findings li{background:var(--wash);border-left:3px solid var(--accent);padding:12px 18px;margin:0 0 10px;max-width:60em}\n"
    ".findings small{display:block;color:var(--soft);font-size:13px;margin-top:4px}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:38px 44px;margin-top:26px}\n"
    "figure{margin:0;min-width:0;break-inside:avoid;display:flex;flex-direction:column;justify-content:flex-end}figcaption{font-size:14px;"
    "display:flex;flex-wrap:wrap;gap:0 12px;align-items:baseline;margin-bottom:6px}\n"
    "figcaption b{font-weight:600}figcaption .unit{font-size:13px}.key{font-size:13px;color:var(--soft);white-space:nowrap}"
    ".key svg{margin-right:5px}\n"
    ".ends{margin-left:auto;font-size:13px;color:var(--accent);font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "svg.chart{display:block;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}\n"
    ".grid{stroke:var(--line);fill:none}.axis{stroke:var(--faint);fill:none}\n"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.dots{fill:none;stroke-width:3;stroke-linecap:round;opacity:.28}\n"
    ".range{fill:none;stroke-width:2.2;opacity:.2}.bar{fill:none;stroke-width:1.3;opacity:.75}\n"
    ".s0{stroke:var(--accent)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s1)}.s4{stroke:var(--s2)}.s5{stroke:var(--faint)}\n"
    ".line.s1,.line.s2,.line.s3,.line.s4,.line.s5{stroke-width:1.6}.line.s2{stroke-dasharray:6 4}.line.s3{stroke-dasharray:1.5 3.5}"
    ".line.s4{stroke-dasharray:1 5}"
    ".line.s5{stroke-dasharray:9 3 2 3}.point{fill:var(--paper);stroke-width:2}\n"
    ".cell{fill:transparent}.cell:hover{fill:var(--ink);fill-opacity:.09}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}\n"
    "th{font-weight:600;color:var(--soft);text-align:right}td{text-align:right}th:first-child,td:first-child,.keys th,.keys td{text-align:left}\n"
    "th,td{padding:6px 22px 6px 0;border-bottom:1px solid var(--line);vertical-align:baseline;white-space:nowrap}td small{color:var(--soft);"
    "font-size:12px}\n"
    ".keys td{white-space:normal;overflow-wrap:anywhere}.keys td:first-child{white-space:nowrap}.keys td:nth-child(2){min-width:13em}\n"
    "code,pre{font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}\n"
    "details{margin-top:10px;font-size:14px}summary{cursor:pointer;color:var(--soft)}details pre{background:var(--panel);padding:14px 16px;"
    "margin-top:8px}\n"
    ".pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:10px 32px;padding:18px 0;border-top:1px solid var(--line);"
    "break-inside:avoid}\n"
    ".pair.single{grid-template-columns:minmax(0,1fr)}.pair.heads{border:0;padding:14px 0 8px}.wide{grid-column:1/-1}.prompt{font-weight:600}\n"
    ".verdict{font-size:13px;color:var(--soft);margin:2px 0 6px}.right{color:var(--accent);font-weight:650}.wrong{color:var(--ink);font-weight:650}\n"
    ".words{unicode-bidi:isolate}.thought{color:var(--faint)}.answer{background:var(--wash);padding:1px 3px}.explain{font-size:12px}"
    ".card details{font-size:13px;margin-top:6px}\n"
    ".stack{display:flex;height:16px;gap:2px;margin:14px 0}.stack span{display:block;min-width:1px}.legend{list-style:none;margin:0;padding:0;"
    "display:flex;"
    "flex-wrap:wrap;gap:6px 28px;font-size:14px}.legend b{font-weight:600;margin-left:4px}.swatch{display:inline-block;width:11px;height:11px;"
    "margin-right:7px}\n"
    ".p0{background:var(--accent)}.p1{background:var(--s1)}.p2{background:var(--s2)}.p3{background:var(--ink)}.p4{background:var(--faint)}"
    ".p5{background:var(--line)}.p6{background:var(--accent);opacity:.55}.p7{background:var(--s1);opacity:.55}\n"
    ".commands dt{font-size:14px;color:var(--soft);margin-top:14px}.commands dd{margin:4px 0 0;background:var(--panel);padding:9px 14px}\n"
    "@media(max-width:640px){main{padding:32px 18px 64px}.lede{font-size:21px}.pair{grid-template-columns:minmax(0,1fr)}}\n"
    "@media print{main{max-width:none;padding:0}h2{margin-top:34px}.charts{grid-template-columns:1fr 1fr;gap:22px 28px}"
    "details::details-content{content-visibility:visible;"
    "display:block}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
    "</style>\n";

/* ---- the result in a sentence ---- */

static const char *base_name(const char *dir, int *len)
{
    int n = (int)strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    int start = n;
    while (start > 0 && dir[start - 1] != '/')
        start--;
    *len = n - start;
    return dir + start;
}

static void say_share(rz_html *h, const rz_history *e, int64_t line)
{
    double low, high;
    char text[RZ_NUMBER_TEXT];
    rz_report_interval(e, "accuracy", line, &low, &high);
    rz_percent_text(rz_history_get(e, "accuracy", line), text);
    rz_html_say(h, "%s", text);
    if (isfinite(low) && isfinite(high))
        rz_html_say(h, " [%.1f, %.1f]", 100 * low, 100 * high);
}

static int64_t fifth(const rz_report *r)
{
    return r->metrics.n / 5 ? r->metrics.n / 5 : 1;
}

static double begin_of(const rz_report *r, const char *name)
{
    return rz_history_mean(&r->metrics, name, 0, fifth(r));
}

static double end_of(const rz_report *r, const char *name)
{
    return rz_history_mean(&r->metrics, name, r->metrics.n - fifth(r), r->metrics.n);
}

/* A count that the newest checkpoint has: what a run went back over is no longer in its log. */
static int64_t fact(const rz_report *r, const char *name)
{
    for (int i = 0; i < r->n_facts; i++)
        if (!strcmp(r->facts[i].name, name))
            return strtoll(r->facts[i].value, NULL, 10);
    return 0;
}

/* Where the clock of a start begins again. */
static int64_t starts(const rz_history *m)
{
    const double *elapsed = rz_history_column(m, "time/elapsed_s");
    int64_t n = m->n > 0;
    for (int64_t i = 1; elapsed && i < m->n; i++)
        n += elapsed[i] < elapsed[i - 1];
    return n;
}

/* What went wrong on the way, and that it was got over. */
static void say_troubles(rz_html *h, const rz_report *r)
{
    const rz_history *m = &r->metrics;
    double logged = 0, failed = m->n ? rz_history_get(m, "checkpoint/failed", m->n - 1) : 0;
    for (int64_t i = 0; i < m->n; i++)
        logged += rz_history_get(m, "guard/skipped", i) > 0 ? rz_history_get(m, "guard/skipped", i) : 0;
    int64_t skipped = fact(r, "skipped") > (int64_t)logged ? fact(r, "skipped") : (int64_t)logged, back = fact(r, "rollbacks"), begun = starts(m);
    if (begun > 1)
        rz_html_say(h, " The job was started %lld times, and went on from a checkpoint each time.", (long long)begun);
    if (skipped)
        rz_html_say(h, " %lld update%s left out, for numbers were not finite.", (long long)skipped, skipped > 1 ? "s were" : " was");
    if (back)
        rz_html_say(h, " The run went back to a checkpoint %lld time%s, and on with other problems.", (long long)back, back > 1 ? "s" : "");
    if (failed > 0)
        rz_html_say(h, " Since the last start %.0f checkpoint%s could not be written.", failed, failed > 1 ? "s" : "");
}

static void write_lede(rz_html *h, const rz_report *r)
{
    char steps[RZ_NUMBER_TEXT], time[RZ_NUMBER_TEXT], sampled[RZ_NUMBER_TEXT];
    const char *name = r->pretrain ? "loss" : "reward/mean", *what = r->pretrain ? "The loss" : "The mean reward";
    rz_whole_text((double)r->step, steps);
    rz_time_text(r->wall_s, time);
    rz_whole_text(rz_report_tokens(r), sampled);
    rz_html_markup(h, "<p class=\"lede\">");
    if (r->control)
        rz_html_say(h, "A control run: the reward is a coin, not the rules. ");
    if (!r->metrics.n) {
        rz_html_say(h, r->base.n ? "Its base is being made; no step has been finished yet." : "No step has been finished yet.");
    } else {
        if (r->eval.n > 1) {
            rz_html_say(h, "Of the held-out problems ");
            say_share(h, &r->eval, 0);
            rz_html_say(h, " were right at step %.0f, and ", rz_history_get(&r->eval, "step", 0));
            say_share(h, &r->eval, r->eval.n - 1);
            rz_html_say(h, " after step %.0f", rz_history_get(&r->eval, "step", r->eval.n - 1));
        } else {
            rz_html_say(h, "%s was %.3f in the first fifth of the steps and %.3f in the last", what, begin_of(r, name), end_of(r, name));
        }
        rz_html_say(h, ": %s steps, %s, %s tokens %s.", steps, time, sampled, r->pretrain ? "read" : "sampled");
    }
    rz_html_markup(h, "</p>\n<p class=\"state\">");
    if (r->finished)
        rz_html_say(h, "The run is finished.");
    else if (r->steps)
        rz_html_say(h, "Step %lld of %lld: the job is still going on, or was stopped.", (long long)r->step, (long long)r->steps);
    else
        rz_html_say(h, "The job is still going on, or was stopped.");
    if (r->eval.n > 1)
        rz_html_say(h, " In brackets: 95%% intervals.");
    if (r->base.n) {
        rz_whole_text((double)r->base.n, steps);
        rz_time_text(rz_report_wall(&r->base), time);
        rz_whole_text(rz_history_get(&r->base, "tokens/trained_total", r->base.n - 1), sampled);
        rz_html_say(h, " Its base was made first: %s steps, %s tokens, %s.", steps, sampled, time);
    }
    say_troubles(h, r);
    rz_html_markup(h, "</p>\n");
}

/* ---- tiles ---- */

static void write_tile(rz_html *h, const char *what, const char *from, const char *to)
{
    rz_html_markup(h, "<li><b>%s%s%s</b><span>", from, from[0] ? " → " : "", to);
    rz_html_say(h, "%s", what);
    rz_html_markup(h, "</span></li>\n");
}

static void write_tiles(rz_html *h, const rz_report *r)
{
    static const struct { const char *metric, *what; void (*text)(double x, char *out); } rows[] = {
        {"reward/mean", "reward", rz_short_text}, {"loss", "loss, nats a token", rz_short_text}, {"accuracy/mean", "right in training", rz_percent_text},
        {"completions/mean_length", "tokens a completion", rz_short_text}, {"entropy", "entropy, nats", rz_short_text},
    };
    char from[RZ_NUMBER_TEXT], to[RZ_NUMBER_TEXT];
    if (!r->metrics.n)
        return;
    rz_html_markup(h, "<ul class=\"tiles\">\n");
    if (r->eval.n > 1) {
        rz_percent_text(rz_history_get(&r->eval, "accuracy", 0), from);
        rz_percent_text(rz_history_get(&r->eval, "accuracy", r->eval.n - 1), to);
        write_tile(h, "held-out problems right", from, to);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double a = begin_of(r, rows[i].metric), b = end_of(r, rows[i].metric);
        if (!isfinite(a) || !isfinite(b))
            continue;
        rows[i].text(a, from);
        rows[i].text(b, to);
        write_tile(h, rows[i].what, from, to);
    }
    rz_html_markup(h, "</ul>\n<p class=\"small\">Of the steps: means of the first fifth and of the last.</p>\n");
}

static void write_findings(rz_html *h, const rz_report *r)
{
    int n = 0;
    const rz_finding *f = r->diagnosis ? rz_diagnosis_findings(r->diagnosis, &n) : NULL;
    if (!n)
        return;
    rz_html_markup(h, "<section id=\"diagnosis\"><h2>What looks wrong</h2>\n<ul class=\"findings\">\n");
    for (int i = 0; i < n; i++) {
        rz_html_markup(h, "<li>");
        rz_html_say(h, "%s", f[i].text);
        rz_html_markup(h, "<small>");
        if (f[i].last >= r->step)
            rz_html_say(h, "Noticed at step %lld; still so at the end.", (long long)f[i].first);
        else if (f[i].last > f[i].first)
            rz_html_say(h, "Noticed at step %lld; last so at step %lld.", (long long)f[i].first, (long long)f[i].last);
        else
            rz_html_say(h, "So at step %lld, no longer after it.", (long long)f[i].first);
        rz_html_markup(h, "</small></li>\n");
    }
    rz_html_markup(h, "</ul></section>\n");
}

/* ---- evaluations ---- */

enum { MOST_EVALUATIONS = 5 }; /* what fits a page */

static bool is_share(const char *name)
{
    static const char *const shares[] = {"accuracy", "format", "truncated", "pass@", "maj@", "trace/equations_right"};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        if (!strncmp(name, shares[i], strlen(shares[i])))
            return true;
    return false;
}

static void write_cell(rz_html *h, const rz_history *e, const char *name, int64_t line)
{
    void (*text)(double, char *) = is_share(name) ? rz_percent_text : rz_short_text;
    double x = rz_history_get(e, name, line), low, high;
    char shown[RZ_NUMBER_TEXT], exact[32] = "";
    rz_report_interval(e, name, line, &low, &high);
    text(x, shown);
    if (isfinite(x))
        rz_double_text(x, exact);
    rz_html_markup(h, "<td data-value=\"%s\">%s", exact, shown);
    if (isfinite(low) && isfinite(high)) {
        char to[RZ_NUMBER_TEXT];
        text(low, shown);
        text(high, to);
        rz_html_markup(h, " <small>[%.*s, %.*s]</small>", (int)strcspn(shown, "%"), shown, (int)strcspn(to, "%"), to);
    }
    rz_html_markup(h, "</td>");
}

void rz_report_evaluations(rz_html *h, const rz_report *r)
{
    const rz_history *e = &r->eval;
    int shown = e->n < MOST_EVALUATIONS ? (int)e->n : MOST_EVALUATIONS;
    if (!e->n)
        return;
    rz_html_markup(h, "<section id=\"evaluations\"><h2>Evaluations</h2>\n"
                      "<p class=\"small\">On held-out problems, with 95%% intervals where they are known");
    if (e->n > shown)
        rz_html_markup(h, "; %d of %lld, evenly picked: eval.jsonl has all", shown, (long long)e->n);
    rz_html_markup(h, ".</p>\n<div class=\"scroll\"><table id=\"evaluation-table\"><thead><tr><th>after step</th>");
    for (int k = 0; k < shown; k++) {
        char text[RZ_NUMBER_TEXT];
        rz_whole_text(rz_history_get(e, "step", shown > 1 ? (e->n - 1) * k / (shown - 1) : 0), text);
        rz_html_markup(h, "<th>%s</th>", text);
    }
    rz_html_markup(h, "</tr></thead><tbody>\n");
    for (int i = 0; i < e->n_columns; i++) {
        const char *name = e->columns[i].name;
        if (!strcmp(name, "step") || rz_report_is_bound(name))
            continue;
        rz_html_markup(h, "<tr><td>");
        rz_html_say(h, "%s", name);
        rz_html_markup(h, "</td>");
        for (int k = 0; k < shown; k++)
            write_cell(h, e, name, shown > 1 ? (e->n - 1) * k / (shown - 1) : 0);
        rz_html_markup(h, "</tr>\n");
    }
    rz_html_markup(h, "</tbody></table></div></section>\n");
}

/* ---- the page ---- */

void rz_report_page(rz_html *h, const rz_report *r)
{
    int len;
    const char *name = base_name(r->dir, &len);
    fputs(head, h->f);
    rz_html_markup(h, "<title>");
    rz_html_say(h, "%.*s – rulezero", len, name);
    rz_html_markup(h, "</title></head>\n<body><main>\n<header><h1>");
    rz_html_say(h, "%s", r->dir);
    rz_html_markup(h, "</h1>\n");
    write_lede(h, r);
    write_tiles(h, r);
    rz_html_markup(h, "</header>\n");
    write_findings(h, r);
    rz_report_curves(h, r);
    rz_report_evaluations(h, r);
    rz_report_samples(h, r);
    rz_report_about(h, r);
    rz_html_markup(h, "</main></body></html>\n");
}

bool rz_report_write(const char *dir, const char *path, rz_err *err)
{
    rz_report r;
    rz_html h;
    bool ok = rz_report_read(&r, dir, err);
    if (ok) {
        rz_report_read_checkpoint(&r);
        rz_html_init(&h);
        rz_report_page(&h, &r);
        rz_html_finish(&h);
        ok = rz_file_write(path, h.data, h.len, err);
        free(h.data);
    }
    rz_report_finish(&r);
    return ok;
}

/* ---- the command ---- */

int rz_cmd_report(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    const char *dir = NULL, *given = NULL;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "-o") || !strcmp(argv[i], "--output")) {
            if (++i == argc)
                return rz_fail(err, RZ_EUSAGE, "%s needs a FILE", argv[i - 1]), RZ_EUSAGE;
            given = argv[i];
        } else if (argv[i][0] == '-' || dir) {
            return rz_fail(err, RZ_EUSAGE, "'%s' is not understood: report RUN [-o FILE.html]", argv[i]), RZ_EUSAGE;
        } else {
            dir = argv[i];
        }
    }
    if (!dir)
        return rz_fail(err, RZ_EUSAGE, "a run directory is missing; for example runs/quick"), RZ_EUSAGE;
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') /* as a shell completes it: the commands of the page put words behind */
        len--;
    char *run = rz_strndup(dir, len), *path = given ? rz_strdup(given) : rz_asprintf("%s/report.html", run);
    bool ok = rz_report_write(run, path, err);
    if (ok)
        fprintf(stderr, "report: %s\n", path);
    free(path);
    free(run);
    return ok ? 0 : (int)err->code;
}
