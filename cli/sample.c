#include "cli/cli.h"

#include "base/store.h"
#include "trainer/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole array of any length; NULL when there is none of that name. Caller frees. */
static void *read_all(rz_store *s, const char *name, int64_t *n)
{
    rz_err err = {0};
    rz_shape shape;
    if (!rz_store_has(s, name) || !rz_store_shape(s, name, &shape, &err) || shape.n_dims != 1)
        return NULL;
    *n = shape.dims[0];
    void *data = rz_calloc((size_t)*n + 1, rz_type_size(shape.type));
    if (rz_store_get(s, name, shape, data, &err))
        return data;
    free(data);
    return NULL;
}

/* Item i of a column of texts; caller frees. */
static char *read_text(rz_store *s, const char *column, int64_t i)
{
    int64_t n, m;
    char *at = rz_asprintf("%s/offsets", column), *flat = rz_asprintf("%s/bytes", column), *text = NULL;
    int64_t *offsets = read_all(s, at, &n);
    char *bytes = read_all(s, flat, &m);
    if (offsets && bytes && i + 1 < n)
        text = rz_strndup(bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]));
    free(offsets);
    free(bytes);
    free(at);
    free(flat);
    return text;
}

/* The last completion that was right, or the last one if none was. */
static int64_t choose(rz_store *s)
{
    int64_t n = 0, i;
    uint8_t *correct = read_all(s, "correct", &n);
    for (i = n - 1; correct && i > 0 && !correct[i];)
        i--;
    if (correct && n && !correct[i])
        i = n - 1;
    free(correct);
    return correct && n ? i : -1;
}

/* Row of the prompt that completion i answers: the one of its step and slot. */
static int64_t prompt_of(rz_store *s, int64_t i)
{
    int64_t n, m, k, row = -1;
    int64_t *step = read_all(s, "step", &n), *prompt_step = read_all(s, "prompts/step", &m);
    int32_t *slot = read_all(s, "slot", &n), *prompt_slot = read_all(s, "prompts/slot", &m);
    for (k = 0; step && slot && prompt_step && prompt_slot && k < m; k++)
        if (prompt_step[k] == step[i] && prompt_slot[k] == slot[i])
            row = k;
    free(step);
    free(slot);
    free(prompt_step);
    free(prompt_slot);
    return row;
}

void rz_tell_sample(const char *rollouts)
{
    rz_err err = {0};
    rz_store *s;
    if (!rz_store_open(&s, rollouts, &err))
        return;
    int64_t i = choose(s), p = i < 0 ? -1 : prompt_of(s, i);
    char *prompt = p < 0 ? NULL : read_text(s, "prompts/prompt", p), *text = i < 0 ? NULL : read_text(s, "text", i),
         *explain = i < 0 ? NULL : read_text(s, "explain", i);
    if (prompt && text && explain) {
        fprintf(stderr, "one of its last completions, and why it got its score:\n  %s\n  %s\n", prompt, text);
        for (char *rest = explain, *line; (line = strsep(&rest, "\n"));)
            if (*line)
                fprintf(stderr, "    %s\n", line);
    }
    free(prompt);
    free(text);
    free(explain);
    rz_store_close(s);
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
