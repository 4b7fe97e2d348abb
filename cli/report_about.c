#include "cli/report.h"

#include "data/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- where the time went ---- */

/* docs/metrics.md: the first six add up to time/step_s but for a little; the others lie between steps. */
static const struct { const char *metric, *name; bool in_step; } phases[] = {
    {"time/sample_s", "sampling", true}, {"time/score_s", "scoring", true}, {"time/wait_s", "waiting", true},
    {"time/forward_backward_s", "gradients", true}, {"time/communication_s", "communication", true}, {"time/optimizer_s", "optimizer", true},
    {"time/eval_s", "evaluation", false},
    {"time/io_s", "files", false},
};
enum { N_PHASES = sizeof phases / sizeof phases[0] };
typedef struct { const char *name; double seconds; } part;

static double sum(const double *v, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; v && i < n; i++)
        s += isfinite(v[i]) && v[i] > 0 ? v[i] : 0;
    return s;
}

static int parts_of(const rz_report *r, part *p)
{
    int n = 0;
    double in_steps = 0, between = 0;
    for (int i = 0; i < N_PHASES; i++) {
        double s = sum(rz_history_column(&r->metrics, phases[i].metric), r->metrics.n);
        *(phases[i].in_step ? &in_steps : &between) += s;
        if (s > 0)
            p[n++] = (part){phases[i].name, s};
    }
    if (r->steps_s > in_steps)
        p[n++] = (part){"rest of the steps", r->steps_s - in_steps};
    if (r->wall_s > r->steps_s + between)
        p[n++] = (part){"start and stop", r->wall_s - r->steps_s - between};
    return n;
}

static void write_time(rz_html *h, const rz_report *r)
{
    part p[N_PHASES + 2];
    char text[RZ_NUMBER_TEXT];
    double total = 0;
    int n = parts_of(r, p);
    for (int i = 0; i < n; i++)
        total += p[i].seconds;
    if (!(total > 0))
        return;
    rz_time_text(total, text);
    rz_html_markup(h, "<section id=\"time\"><h2>Time</h2>\n<p class=\"small\">%s from the start to the last step, of all starts of the job "
                      "together, on the first rank.</p>\n<div class=\"stack\">", text);
    for (int i = 0; i < n; i++)
        rz_html_markup(h, "<span class=\"p%d\" style=\"width:%.2f%%\"></span>", i % 8, 100 * p[i].seconds / total);
    rz_html_markup(h, "</div>\n<ul class=\"legend\">");
    for (int i = 0; i < n; i++) {
        rz_html_markup(h, "<li><span class=\"swatch p%d\"></span>", i % 8);
        rz_html_say(h, "%s", p[i].name);
        rz_time_text(p[i].seconds, text);
        rz_html_markup(h, " <b>%s</b> <span class=\"unit\">%.0f%%</span></li>", text, 100 * p[i].seconds / total);
    }
    rz_html_markup(h, "</ul></section>\n");
}

/* ---- config and rules ---- */

static void write_changed(rz_html *h, const rz_report *r)
{
    rz_html_markup(h, "<div class=\"scroll\"><table class=\"keys\"><thead><tr><th>key</th><th>value</th><th>default</th><th>meaning</th></tr></thead>"
                      "<tbody>\n");
    for (int i = 0; i < rz_config_n_rows; i++) {
        const rz_option *o = &rz_config_rows[i];
        char *value = rz_options_value(o, &r->config), *def = rz_options_value(o, &r->defaults);
        if (strcmp(value, def)) {
            rz_html_markup(h, "<tr><td><code>");
            rz_html_say(h, "%s", o->key);
            rz_html_markup(h, "</code></td><td><code>");
            rz_html_say(h, "%s", value);
            rz_html_markup(h, "</code></td><td><code>");
            rz_html_say(h, "%s", def);
            rz_html_markup(h, "</code></td><td>");
            rz_html_say(h, "%s", o->help);
            rz_html_markup(h, "</td></tr>\n");
        }
        free(value);
        free(def);
    }
    rz_html_markup(h, "</tbody></table></div>\n");
}

static void write_text(rz_html *h, const char *summary, const char *text)
{
    rz_html_markup(h, "<details><summary>%s</summary><pre>", summary);
    rz_html_text(h, text, strlen(text));
    rz_html_markup(h, "</pre></details>\n");
}

static void write_config(rz_html *h, const rz_report *r)
{
    if (!r->config_text && !(r->rules && r->rules[0]))
        return;
    rz_html_markup(h, "<section id=\"config\"><h2>Config</h2>\n");
    if (r->has_config) {
        rz_html_markup(h, "<p class=\"small\">What differs from the defaults:</p>\n");
        write_changed(h, r);
    }
    if (r->config_text)
        write_text(h, "config.yaml as resolved, every key", r->config_text);
    if (r->rules && r->rules[0])
        write_text(h, "rule file", r->rules);
    rz_html_markup(h, "</section>\n");
}

/* ---- commands to go on ---- */

/* A word of a shell command: in single quotes where it must be. Caller frees. */
static char *quoted(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:+@%";
    size_t n = strlen(word), to = 0;
    if (n && strspn(word, plain) == n)
        return rz_strdup(word);
    char *out = rz_malloc(4 * n + 3);
    out[to++] = '\'';
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '\'') {
            memcpy(out + to, "'\\''", 4);
            to += 4;
        } else {
            out[to++] = word[i];
        }
    }
    out[to++] = '\'';
    out[to] = 0;
    return out;
}

/* The keys of the task that differ from the defaults, each with a space in front. Caller frees. */
static char *task_keys(const rz_report *r)
{
    char *all = rz_strdup("");
    for (int i = 0; i < rz_config_n_rows; i++) {
        const rz_option *o = &rz_config_rows[i];
        char *value = rz_options_value(o, &r->config), *def = rz_options_value(o, &r->defaults);
        if (!strncmp(o->key, "task.", 5) && strcmp(value, def)) {
            char *pair = rz_asprintf("%s=%s", o->key, value), *word = quoted(pair), *longer = rz_asprintf("%s %s", all, word);
            free(pair);
            free(word);
            free(all);
            all = longer;
        }
        free(value);
        free(def);
    }
    return all;
}

static void write_command(rz_html *h, const char *what, char *command)
{
    rz_html_markup(h, "<dt>%s</dt><dd><pre>", what);
    rz_html_text(h, command, strlen(command));
    rz_html_markup(h, "</pre></dd>\n");
    free(command);
}

/* As many ranks as wrote the newest checkpoint. */
static const char *ranks_of(const rz_report *r)
{
    for (int i = 0; i < r->n_facts; i++)
        if (!strcmp(r->facts[i].name, "ranks"))
            return r->facts[i].value;
    return "2";
}

/* The rollout.stop texts as flags of eval and generate. Caller frees. */
static char *stop_flags(const rz_config *c)
{
    char *all = rz_strdup("");
    for (int i = 0; i < c->rollout.stop.n; i++) {
        char *text = quoted(c->rollout.stop.v[i]), *longer = rz_asprintf("%s --stop %s", all, text);
        free(text);
        free(all);
        all = longer;
    }
    return all;
}

static void write_commands(rz_html *h, const rz_report *r)
{
    if (!r->has_config)
        return;
    const rz_config *c = &r->config;
    const char *verb = r->pretrain ? "pretrain" : "train", *n = ranks_of(r);
    int n_tasks;
    const char *const *tasks = rz_task_names(&n_tasks);
    bool task = false;
    for (int i = 0; i < n_tasks; i++)
        task |= !strcmp(tasks[i], c->data);
    char *dir = quoted(r->dir), *data = quoted(c->eval.data[0] ? c->eval.data : c->data), *rules = quoted(c->rules),
         *keys = task && !c->eval.data[0] ? task_keys(r) : rz_strdup(""), *end = quoted(c->eos_token), *stops = stop_flags(c);
    bool other_end = strcmp(c->eos_token, r->defaults.eos_token) != 0;
    long long seed = (long long)c->seed + 1;
    rz_html_markup(h, "<section id=\"next\"><h2>To go on</h2>\n<dl class=\"commands\">\n");
    if (!r->finished)
        write_command(h, "Go on from the newest checkpoint", rz_asprintf("mpirun -n %s build/rulezero %s %s/config.yaml", n, verb, dir));
    write_command(h, "The same with another seed",
                  rz_asprintf("mpirun -n %s build/rulezero %s %s/config.yaml seed=%lld out=%s-seed%lld", n, verb, dir, seed, dir, seed));
    write_command(h, "The same again, and is it the same?",
                  rz_asprintf("mpirun -n %s build/rulezero %s %s/config.yaml out=%s-again\nbuild/rulezero diff %s %s-again", n, verb, dir, dir, dir,
                              dir));
    if (!r->pretrain) {
        write_command(h, "A longer evaluation",
                      rz_asprintf("mpirun -n %s build/rulezero eval --model %s/model.h5 --data %s --rules %s --samples 8 --max-new %lld%s%s%s%s", n, dir,
                                  data, rules, (long long)c->rollout.max_new, other_end ? " --eos-token " : "", other_end ? end : "", stops, keys));
        write_command(h, "Ask it something", rz_asprintf("build/rulezero generate --model %s/model.h5%s%s%s --prompt '…'", dir,
                                                         other_end ? " --stop " : "", other_end ? end : "", stops));
    }
    write_command(h, "What is in the files", rz_asprintf("build/rulezero inspect %s", dir));
    rz_html_markup(h, "</dl></section>\n");
    free(dir);
    free(data);
    free(rules);
    free(keys);
    free(end);
    free(stops);
}

/* ---- facts ---- */

static void write_fact(rz_html *h, const char *name, const char *value)
{
    rz_html_markup(h, "<tr><td>");
    rz_html_say(h, "%s", name);
    rz_html_markup(h, "</td><td><code>");
    rz_html_say(h, "%s", value);
    rz_html_markup(h, "</code></td></tr>\n");
}

static void write_facts(rz_html *h, const rz_report *r)
{
    char text[RZ_NUMBER_TEXT];
    rz_html_markup(h, "<section id=\"facts\"><h2>Facts</h2>\n<div class=\"scroll\"><table class=\"keys\"><tbody>\n");
    write_fact(h, "this report", "rulezero " RULEZERO_VERSION);
    if (r->parameters) {
        rz_whole_text((double)r->parameters, text);
        write_fact(h, "parameters", text);
    }
    for (int i = 0; i < r->n_facts; i++)
        write_fact(h, r->facts[i].name, r->facts[i].value);
    if (r->metrics.n_unread + r->eval.n_unread) {
        rz_whole_text((double)(r->metrics.n_unread + r->eval.n_unread), text);
        write_fact(h, "lines of the logs that could not be read", text);
    }
    rz_html_markup(h, "</tbody></table></div>\n<p class=\"small\">%s</p></section>\n",
                   r->n_facts ? "From the newest checkpoint: who wrote it (ranks, kernels) changes no bit; the hashes say from which weights and problems "
                                "it came." : "");
}

void rz_report_about(rz_html *h, const rz_report *r)
{
    write_time(h, r);
    write_config(h, r);
    write_commands(h, r);
    write_facts(h, r);
}
