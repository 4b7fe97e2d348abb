#include "policy/rope.h"

#include "policy/math64.h"

#include <assert.h>
#include <stdlib.h>

enum { ROWS = 256 }; /* computed at a time */

/* The rule of Llama 3.1: long waves turn slower by the factor, short ones as before, and those between go over smoothly. Steps and their order are
 * those of transformers, in binary32. */
static float llama3(float f, const rz_arch *a)
{
    const float two_pi = (float)6.283185307179586, original = (float)a->original_max_position_embeddings, factor = (float)a->factor,
                low = (float)a->low_freq_factor;
    float wave = (1.0f / f) * two_pi;
    if (wave > (float)(a->original_max_position_embeddings / a->low_freq_factor))
        return f / factor;
    if (wave < (float)(a->original_max_position_embeddings / a->high_freq_factor))
        return f;
    float smooth = ((1.0f / wave) * original - low) / (float)(a->high_freq_factor - a->low_freq_factor);
    return ((1.0f - smooth) * f) / factor + smooth * f;
}

void rz_rope_frequencies(float *frequency, const rz_arch *a)
{
    int E = a->head_dim;
    for (int e = 0; e < E / 2; e++) {
        float exponent = (float)(2 * e) / (float)E, f = 1.0f / (float)rz_pow64(a->rope_theta, exponent);
        frequency[e] = a->rope_type == RZ_ROPE_LLAMA3 ? llama3(f, a) : a->rope_type == RZ_ROPE_LINEAR ? f / (float)a->factor : f;
    }
}

bool rz_rope_create(rz_rope **out, const rz_arch *a, rz_err *err)
{
    rz_rope *r = rz_calloc(1, sizeof *r);
    r->head_dim = a->head_dim;
    r->limit = a->max_position_embeddings;
    if (!rz_arena_init(&r->arena, ((size_t)r->limit + 1) * (size_t)r->head_dim * sizeof(float) + (1 << 20), err)) {
        free(r);
        return false;
    }
    r->frequency = RZ_NEW(&r->arena, r->head_dim / 2, float);
    rz_rope_frequencies(r->frequency, a);
    r->cs = RZ_NEW(&r->arena, 0, float);
    *out = r;
    return true;
}

void rz_rope_destroy(rz_rope *r)
{
    if (!r)
        return;
    rz_arena_finish(&r->arena);
    free(r);
}

/* Angles as transformers computes them: frequency and product in binary32; cosine and sine of that angle in binary64, rounded once. */
void rz_rope_reach(rz_rope *r, int n_positions)
{
    int E = r->head_dim, to = (n_positions + ROWS - 1) / ROWS * ROWS;
    assert(n_positions <= r->limit);
    if (n_positions <= r->n)
        return;
    to = to < r->limit ? to : r->limit;
    rz_arena_release(&r->arena, (size_t)((char *)r->cs - r->arena.base));
    r->cs = RZ_NEW(&r->arena, (size_t)to * (size_t)E, float);
    for (int pos = r->n; pos < to; pos++)
        for (int e = 0; e < E / 2; e++) {
            double s, c;
            rz_sincos64((float)pos * r->frequency[e], &s, &c);
            r->cs[(int64_t)pos * E + 2 * e] = (float)c;
            r->cs[(int64_t)pos * E + 2 * e + 1] = (float)s;
        }
    r->n = to;
}
