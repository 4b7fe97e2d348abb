#include "rollout/sampler.h"

#include "policy/math64.h"
#include "policy/mathf.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 512 };

float rz_sampling_temperature(const rz_sampling *s)
{
    return s->temperature > 0 ? (float)s->temperature : 1.0f;
}

bool rz_sampling_filters(const rz_sampling *s, int V)
{
    return s->temperature <= 0 || (s->top_k > 0 && s->top_k < V) || s->top_p < 1 || s->min_p > 0;
}

static int argmax(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* a goes before b: more likely, or as likely with the lower id */
static bool before(const float *e, int a, int b)
{
    return e[a] > e[b] || (e[a] == e[b] && a < b);
}

static void sift_down(const float *e, int *heap, int n, int i)
{
    for (;;) {
        int first = i;
        for (int c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (before(e, heap[c], heap[first]))
                first = c;
        if (first == i)
            return;
        int t = heap[i];
        heap[i] = heap[first];
        heap[first] = t;
        i = first;
    }
}

/* Takes ids off the heap, most likely first, until the filters are satisfied; the rest get probability 0. */
static void filter(const rz_sampling *s, float *e, int V, rz_arena scratch)
{
    int *heap = RZ_NEW(&scratch, V, int), n = V, kept = 0;
    int *order = RZ_NEW(&scratch, V, int);
    for (int i = 0; i < V; i++)
        heap[i] = i;
    for (int i = V / 2; i-- > 0;)
        sift_down(e, heap, V, i);
    int most = s->top_k > 0 && s->top_k < V ? s->top_k : V;
    while (kept < most && n > 0 && e[heap[0]] > 0) {
        order[kept++] = heap[0];
        heap[0] = heap[--n];
        sift_down(e, heap, n, 0);
    }
    double total = 0, sum = 0;
    for (int i = 0; i < kept; i++)
        total += e[order[i]];
    int nucleus = 0;
    while (nucleus < kept && (nucleus == 0 || sum < s->top_p * total))
        sum += e[order[nucleus++]];
    while (nucleus > 1 && e[order[nucleus - 1]] < s->min_p * e[order[0]])
        nucleus--;
    float *left = RZ_ZNEW(&scratch, V, float);
    for (int i = 0; i < nucleus; i++)
        left[order[i]] = e[order[i]];
    memcpy(e, left, (size_t)V * sizeof *e);
}

/* First id whose cumulative sum exceeds u·total; −1 when there is none, which takes a NaN: u < 1 makes u·total round to less than the total. */
static int invert(const rz_kernels *k, const float *e, int V, double u, double *total, rz_arena scratch)
{
    int n_blocks = (V + BLOCK - 1) / BLOCK, block = 0, choice = -1;
    double *sums = RZ_NEW(&scratch, n_blocks, double), at = 0;
    *total = 0;
    for (int b = 0; b < n_blocks; b++) {
        sums[b] = k->sum16(e + b * BLOCK, V - b * BLOCK < BLOCK ? V - b * BLOCK : BLOCK);
        *total += sums[b];
    }
    double goal = u * *total;
    while (block < n_blocks && !(at + sums[block] > goal))
        at += sums[block++];
    for (int i = block * BLOCK; i < V && i < (block + 1) * BLOCK; i++) {
        if (!(e[i] > 0))
            continue;
        choice = i;
        at += e[i];
        if (at > goal)
            break;
    }
    return choice;
}

int rz_sample_token(const rz_kernels *k, const rz_sampling *s, const float *logits, int V, double u, rz_sampled *of, rz_arena scratch)
{
    float *e = RZ_NEW(&scratch, V, float), temperature = rz_sampling_temperature(s), mx, sum, weighted;
    k->exp_row(e, &mx, &sum, &weighted, logits, temperature, V);
    bool filtered = rz_sampling_filters(s, V), greedy = s->temperature <= 0;
    if (filtered && !greedy)
        filter(s, e, V, scratch);
    double total = 0;
    int found = greedy ? argmax(logits, V) : invert(k, e, V, u, &total, scratch), id = found < 0 ? 0 : found; /* not a number anywhere: the trainer's finite checks speak of it; here any id will do */
    float log_sum = rz_logf(sum);
    of->logp = (logits[id] * (1.0f / temperature) - mx) - log_sum;
    of->entropy = log_sum - weighted / sum;
    of->logp_behaviour = greedy ? 0 : filtered ? (float)rz_log64((double)e[id] / total) : of->logp;
    return id;
}
