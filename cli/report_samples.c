#include "cli/report.h"
#include "cli/samples.h"
#include "trainer/rundir.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 8, MOST_BYTES = 6000 };

/* First or last step of a file. */
static int64_t step_of(const rz_samples *s, bool last)
{
    int64_t step = s->n ? s->step[0] : 0;
    for (int64_t i = 1; i < s->n; i++)
        if (last ? s->step[i] > step : s->step[i] < step)
            step = s->step[i];
    return step;
}

/* The first completion for a slot in a step; −1 when there is none. */
static int64_t find(const rz_samples *s, int64_t step, int32_t slot)
{
    for (int64_t i = 0; i < s->n; i++)
        if (s->step[i] == step && s->slot[i] == slot && s->sample[i] == 0)
            return i;
    return -1;
}

static void write_capped(rz_html *h, const char *s, size_t len)
{
    rz_html_text(h, s, len < MOST_BYTES ? len : MOST_BYTES);
    if (len > MOST_BYTES)
        rz_html_say(h, " … (%zu more bytes)", len - MOST_BYTES);
}

/* Thinking dimmed, the answer marked, by their tags; a tag that is not closed lasts to the end. */
static void write_completion(rz_html *h, const char *s, size_t len)
{
    static const struct { const char *open, *close, *class; } tags[] = {{"<think>", "</think>", "thought"}, {"<answer>", "</answer>", "answer"}};
    rz_html_markup(h, "<pre class=\"words\">");
    while (len > 0) {
        size_t start = len, end = len;
        int which = -1;
        for (int t = 0; t < 2; t++) {
            const char *at = memmem(s, len, tags[t].open, strlen(tags[t].open));
            if (at && (size_t)(at - s) < start) {
                start = (size_t)(at - s);
                which = t;
            }
        }
        write_capped(h, s, start);
        if (which < 0)
            break;
        const char *close = memmem(s + start, len - start, tags[which].close, strlen(tags[which].close));
        if (close)
            end = (size_t)(close - s) + strlen(tags[which].close);
        rz_html_markup(h, "<span class=\"%s\">", tags[which].class);
        write_capped(h, s + start, end - start);
        rz_html_markup(h, "</span>");
        s += end;
        len -= end;
    }
    rz_html_markup(h, "</pre>");
}

/* prompt: told with the completion, when it is not that of its neighbour. */
static void write_card(rz_html *h, const rz_samples *s, int64_t i, bool prompt)
{
    size_t len;
    const char *text;
    char score[RZ_NUMBER_TEXT];
    rz_html_markup(h, "<div class=\"card\">");
    int64_t p = prompt ? rz_samples_prompt(s, i) : -1;
    if (p >= 0) {
        text = rz_text_at(&s->prompt, p, &len);
        rz_html_markup(h, "<pre class=\"prompt\">");
        write_capped(h, text, len);
        rz_html_markup(h, "</pre>");
    }
    rz_short_text(s->score[i], score);
    rz_html_markup(h, "<p class=\"verdict\"><span class=\"%s\">%s</span> score %s · %d tokens%s</p>", s->correct[i] ? "right" : "wrong",
                   s->correct[i] ? "✓ right" : "✗ wrong", score, s->n_tokens[i],
                   s->truncated[i] ? " · cut at the limit" : s->format_ok[i] ? "" : " · not in the form asked for");
    text = rz_text_at(&s->text, i, &len);
    write_completion(h, text, len);
    text = rz_text_at(&s->explain, i, &len);
    rz_html_markup(h, "<details><summary>why this score</summary><pre class=\"explain\">");
    write_capped(h, text, len);
    rz_html_markup(h, "</pre></details></div>\n");
}

static bool same_prompt(const rz_samples *a, int64_t i, const rz_samples *b, int64_t k)
{
    size_t la = 0, lb = 0;
    int64_t p = rz_samples_prompt(a, i), q = rz_samples_prompt(b, k);
    const char *x = p < 0 ? NULL : rz_text_at(&a->prompt, p, &la), *y = q < 0 ? NULL : rz_text_at(&b->prompt, q, &lb);
    return x && y && la == lb && !memcmp(x, y, la);
}

static void write_pair(rz_html *h, const rz_samples *a, int64_t i, const rz_samples *b, int64_t k)
{
    bool same = i >= 0 && k >= 0 && same_prompt(a, i, b, k);
    rz_html_markup(h, "<div class=\"pair%s\">\n", b ? "" : " single");
    if (same) {
        size_t len;
        const char *text = rz_text_at(&a->prompt, rz_samples_prompt(a, i), &len);
        rz_html_markup(h, "<pre class=\"prompt wide\">");
        write_capped(h, text, len);
        rz_html_markup(h, "</pre>\n");
    }
    if (i >= 0)
        write_card(h, a, i, !same);
    if (k >= 0)
        write_card(h, b, k, !same);
    rz_html_markup(h, "</div>\n");
}

/* b: NULL when there is only one step. */
static void write_pairs(rz_html *h, const rz_samples *a, int64_t step_a, const rz_samples *b, int64_t step_b, bool held_out)
{
    rz_html_markup(h, "<section id=\"samples\"><h2>Samples</h2>\n<p class=\"small\">The first completion for each of the first %d %s problems: in the "
                      "order drawn, not chosen. Thinking is dimmed, the answer marked.</p>\n", SHOWN, held_out ? "held-out" : "training");
    rz_html_markup(h, "<div class=\"pair heads%s\"><h3>%s step %lld</h3>", b ? "" : " single", held_out ? "After" : "In", (long long)step_a);
    if (b)
        rz_html_markup(h, "<h3>%s step %lld</h3>", held_out ? "After" : "In", (long long)step_b);
    rz_html_markup(h, "</div>\n");
    for (int32_t slot = 0; slot < SHOWN; slot++) {
        int64_t i = find(a, step_a, slot), k = b ? find(b, step_b, slot) : -1;
        if (i >= 0 || k >= 0)
            write_pair(h, a, i, b, k);
    }
    rz_html_markup(h, "</section>\n");
}

/* The first and the last file of a folder that can be read. */
static bool write_folder(rz_html *h, const rz_report *r, const char *folder, bool held_out)
{
    rz_err err = {0};
    char **paths = NULL;
    int n = 0, i = 0, k;
    rz_samples a = {0}, b = {0};
    rz_rundir_steps(r->dir, folder, &paths, &n, &err);
    while (i < n && !rz_samples_read(&a, paths[i], &err)) {
        rz_samples_finish(&a);
        i++;
    }
    for (k = n - 1; k > i && !rz_samples_read(&b, paths[k], &err); k--)
        rz_samples_finish(&b);
    bool found = i < n && a.n > 0;
    if (found) {
        const rz_samples *last = k > i ? &b : &a;
        int64_t first_step = step_of(&a, false), last_step = step_of(last, true);
        write_pairs(h, &a, first_step, last_step > first_step ? last : NULL, last_step, held_out);
    }
    rz_samples_finish(&a);
    rz_samples_finish(&b);
    for (i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    return found;
}

void rz_report_samples(rz_html *h, const rz_report *r)
{
    if (!write_folder(h, r, "eval", true))
        write_folder(h, r, "rollouts", false);
}
