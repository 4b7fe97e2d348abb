#include "cli/cli.h"
#include "cli/samples.h"
#include "trainer/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last completion that was right, or the last one if none was. */
static int64_t choose(const rz_samples *s)
{
    for (int64_t i = s->n - 1; i >= 0; i--)
        if (s->correct[i])
            return i;
    return s->n - 1;
}

static void print_lines(const char *text, size_t len, const char *indent)
{
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len, taken = n + (end != NULL);
        fputs(indent, stderr);
        rz_print_safe(stderr, text, n);
        fputc('\n', stderr);
        text += taken;
        len -= taken;
    }
}

void rz_tell_sample(const char *rollouts)
{
    rz_err err = {0};
    rz_samples s;
    size_t len;
    bool ok = rz_samples_read(&s, rollouts, &err);
    int64_t i = ok ? choose(&s) : -1, p = i < 0 ? -1 : rz_samples_prompt(&s, i);
    if (p >= 0) {
        fprintf(stderr, "one of its last completions, and why it got its score:\n");
        const char *text = rz_text_at(&s.prompt, p, &len);
        print_lines(text, len, "  ");
        text = rz_text_at(&s.text, i, &len);
        print_lines(text, len, "  ");
        text = rz_text_at(&s.explain, i, &len);
        print_lines(text, len, "    ");
    }
    rz_samples_finish(&s);
}

char *rz_newest_step_file(const char *dir, const char *folder)
{
    rz_err err = {0};
    char **paths, *found = NULL;
    int n;
    if (rz_rundir_steps(dir, folder, &paths, &n, &err) && n)
        found = rz_strdup(paths[n - 1]);
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    return found;
}
