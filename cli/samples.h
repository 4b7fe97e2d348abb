/* The completions of a file of rollouts or of an evaluation (docs/files.md, "Rollouts"): what people read of them, without the tokens. */
#ifndef RZ_CLI_SAMPLES_H
#define RZ_CLI_SAMPLES_H
#include "base/error.h"
#include <stdint.h>

typedef struct {
    int64_t *offsets; /* (n + 1) rising, within bytes: checked */
    char *bytes;
} rz_texts;

typedef struct {
    int64_t n, n_prompts;
    int64_t *step, *prompt_step;                   /* (n), (n_prompts) */
    int32_t *slot, *sample, *n_tokens, *prompt_slot;
    uint8_t *correct, *format_ok, *truncated;
    double *score;
    rz_texts text, explain, prompt;                /* prompt: by prompt */
} rz_samples;

bool rz_samples_read(rz_samples *s, const char *path, rz_err *err);
void rz_samples_finish(rz_samples *s); /* accepts a zeroed one */
/* The prompt that completion i answers, or −1. */
int64_t rz_samples_prompt(const rz_samples *s, int64_t i);
/* Item i; not NUL-terminated. */
const char *rz_text_at(const rz_texts *t, int64_t i, size_t *len);
#endif
