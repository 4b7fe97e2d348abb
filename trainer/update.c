#include "trainer/update.h"
#include "trainer/lineup.h"

#include "base/fault.h"
#include "base/file.h"
#include "policy/math64.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_ONCE = 512 }; /* trees are taken together up to about this many rows: large products, bounded memory; changes no bit */
enum { MAX_LEVELS = 12 };

/* Sum over the shards [index·2^level, (index+1)·2^level). sum NULL: none of them had a tree. */
typedef struct {
    int level, index;
    float *sum;
} part;

struct rz_update {
    rz_policy *p;
    rz_comm *comm;
    int shards, rank, size;
    bool balanced;
    rz_optimizer_options o;
    rz_learner *learner;
    float *buffers[MAX_LEVELS + 1];
    int n_buffers;                 /* of buffers, those not in use */
    int n_made;
    int64_t slice0, slice1;        /* this rank's parameters */
    float *m, *v;                  /* moments of the slice */
    int64_t t;
    double beta1_t, beta2_t;       /* β^t by repeated product */
    size_t activation_bytes;       /* that a rank may hold at once */
    rz_update_times spent;
    rz_update_trouble trouble;
};

/* Slices are whole norm blocks. */
static int64_t slice_start(const rz_update *u, int rank)
{
    int64_t n = u->p->layout.n_params, blocks = (n + RZ_NORM_BLOCK - 1) / RZ_NORM_BLOCK, at = blocks * rank / u->size * RZ_NORM_BLOCK;
    return at < n ? at : n;
}

enum { PIECE = 1 << 20 }; /* parameters that travel at once */

/* Parameters of a rank's slice in the piece that begins at `at`. */
static int64_t slice_piece(const rz_update *u, int rank, int64_t at)
{
    int64_t left = slice_start(u, rank + 1) - slice_start(u, rank) - at;
    return left < 0 ? 0 : left < PIECE ? left : PIECE;
}

static int first_shard(const rz_update *u, int rank)
{
    return (int)((int64_t)u->shards * rank / u->size);
}

static float *floats(int64_t n)
{
    return rz_calloc_large((size_t)n, sizeof(float));
}

static void free_floats(float *p, int64_t n)
{
    rz_free_large(p, (size_t)n, sizeof *p);
}

bool rz_update_create(rz_update **out, rz_policy *p, rz_comm *c, int shards, const rz_optimizer_options *o, rz_err *err)
{
    rz_update *u = rz_calloc(1, sizeof *u);
    *u = (rz_update){.p = p, .comm = c, .shards = shards, .rank = rz_comm_rank(c), .size = rz_comm_size(c), .o = *o, .beta1_t = 1, .beta2_t = 1,
                     .activation_bytes = SIZE_MAX};
    u->slice0 = slice_start(u, u->rank);
    u->slice1 = slice_start(u, u->rank + 1);
    u->m = floats(u->slice1 - u->slice0);
    u->v = floats(u->slice1 - u->slice0);
    if (!rz_comm_agree(c, rz_learner_create(&u->learner, p, err), err)) {
        rz_update_destroy(u);
        return false;
    }
    *out = u;
    return true;
}

void rz_update_destroy(rz_update *u)
{
    if (!u)
        return;
    rz_learner_destroy(u->learner);
    for (int i = 0; i < u->n_buffers; i++)
        free_floats(u->buffers[i], u->p->layout.n_params);
    free_floats(u->m, u->slice1 - u->slice0);
    free_floats(u->v, u->slice1 - u->slice0);
    free(u);
}

void rz_update_limit(rz_update *u, rz_recompute recompute, size_t activation_bytes)
{
    rz_learner_recompute(u->learner, recompute);
    u->activation_bytes = activation_bytes;
}

void rz_update_balance(rz_update *u)
{
    u->balanced = true;
}

static float *take_buffer(rz_update *u)
{
    if (u->n_buffers)
        return u->buffers[--u->n_buffers];
    u->n_made++;
    assert(u->n_made <= MAX_LEVELS + 1);
    return floats(u->p->layout.n_params);
}

static void give_buffer(rz_update *u, float *b)
{
    if (b)
        u->buffers[u->n_buffers++] = b;
}

typedef struct { const rz_kernels *k; float *to; const float *from; int64_t n; } add_work;
enum { ADD_CUT = 1 << 16 };

static void add_cut(void *ctx, int i, int thread)
{
    (void)thread;
    const add_work *w = ctx;
    int64_t at = (int64_t)i * ADD_CUT;
    w->k->add(w->to + at, w->from + at, w->n - at < ADD_CUT ? w->n - at : ADD_CUT);
}

/* left + right, left out where there is none. Returns the sum's place. */
static float *combine(const rz_update *u, float *left, float *right, int64_t n)
{
    if (left && right) {
        add_work w = {u->p->k, left, right, n};
        rz_pool_run(u->p->pool, (int)((n + ADD_CUT - 1) / ADD_CUT), add_cut, &w);
    }
    return left ? left : right;
}

/* How many of the trees are taken together. */
static int trees_at_once(const rz_update *u, const rz_tree *trees, int most, size_t kept)
{
    size_t room = u->activation_bytes > kept ? u->activation_bytes - kept : 0;
    int n = 1, rows = rz_tree_rows(trees);
    while (n < most && (rows += rz_tree_rows(&trees[n])) <= ROWS_AT_ONCE && rz_learner_bytes(u->learner, trees, n + 1) <= room)
        n++;
    return n;
}

/* Gradient of one shard, or NULL when it holds no tree. */
static float *shard_gradient(rz_update *u, int shard, const rz_lineup *l, float temperature, rz_tree_loss loss, void *ctx)
{
    int t0 = l->start[shard], t1 = l->start[shard + 1];
    if (t0 == t1)
        return NULL;
    float *grad = take_buffer(u);
    memset(grad, 0, (size_t)u->p->layout.n_params * sizeof *grad);
    rz_learner_root(u->learner, l->trees[0].prefix, l->n_root);
    for (int t = t0, n; t < t1; t += n) {
        n = trees_at_once(u, l->trees + t, t1 - t, rz_learner_kept_bytes(u->learner));
        rz_learner_forward(u->learner, l->trees + t, n, temperature);
        rz_pulse_beat();
        for (int i = t; i < t + n; i++)
            loss(ctx, l->index[i], &l->results[i]);
        rz_learner_backward(u->learner, grad);
        rz_pulse_beat();
    }
    rz_learner_finish_shard(u->learner, grad);
    return grad;
}

/* The largest aligned subtrees that shards [lo, hi) consist of, in order: level and index of each. Returns how many. */
static int subtrees(int lo, int hi, part *parts)
{
    int n = 0;
    while (lo < hi) {
        int level = 0;
        while (lo % (2 << level) == 0 && lo + (2 << level) <= hi)
            level++;
        parts[n++] = (part){level, lo >> level, NULL};
        lo += 1 << level;
    }
    return n;
}

/* This rank's shards, summed as far as the tree allows. Returns the number of parts (those of subtrees()). */
static int local_parts(rz_update *u, const rz_lineup *l, float temperature, rz_tree_loss loss, void *ctx, part *stack)
{
    int n = 0, lo = first_shard(u, u->rank), hi = first_shard(u, u->rank + 1);
    for (int s = lo; s < hi; s++) {
        stack[n++] = (part){0, s, shard_gradient(u, s, l, temperature, loss, ctx)};
        while (n > 1 && stack[n - 2].level == stack[n - 1].level && stack[n - 2].index % 2 == 0 && stack[n - 1].index == stack[n - 2].index + 1) {
            float *left = stack[n - 2].sum, *right = stack[n - 1].sum, *sum = combine(u, left, right, u->p->layout.n_params);
            give_buffer(u, left && right ? right : NULL);
            n--;
            stack[n - 1] = (part){stack[n - 1].level + 1, stack[n - 1].index / 2, sum};
        }
    }
    return n;
}

/* Parts of the other ranks that meet on this one: as many as there are when none is empty. */
static int others_parts(const rz_update *u)
{
    part parts[2 * MAX_LEVELS];
    int n = 0;
    for (int r = 0; r < u->size; r++)
        n += r != u->rank ? subtrees(first_shard(u, r), first_shard(u, r + 1), parts) : 0;
    return n;
}

static int64_t longest_piece(const rz_update *u)
{
    int64_t longest = 0;
    for (int r = 0; r < u->size; r++)
        longest = slice_piece(u, r, 0) > longest ? slice_piece(u, r, 0) : longest;
    return longest;
}

rz_update_memory rz_update_needs(const rz_update *u, const rz_tree *trees, int n_trees)
{
    int lo = first_shard(u, u->rank), hi = first_shard(u, u->rank + 1);
    size_t slice = (size_t)(u->slice1 - u->slice0) * sizeof(float), kept = 0, own = 0;
    part parts[2 * MAX_LEVELS];
    for (int s = lo; s < hi; s++) { /* held when shard s has its gradient: that, and the sums of those before */
        size_t held = (size_t)subtrees(lo, s, parts) + 1;
        own = held > own ? held : own;
    }
    rz_update_memory m = {own * (size_t)u->p->layout.n_params * sizeof(float), 2 * slice, 0};
    if (u->size > 1)
        m.gradients += (size_t)others_parts(u) * (size_t)longest_piece(u) * sizeof(float) + (lo == hi ? slice : 0);
    for (int t = 0, n; t < n_trees && lo < hi; t += n) {
        n = trees_at_once(u, trees + t, n_trees - t, kept);
        size_t bytes = kept + rz_learner_bytes(u->learner, trees + t, n);
        m.activations = bytes > m.activations ? bytes : m.activations;
        for (int i = t; i < t + n; i++)
            kept += (size_t)rz_tree_rows(&trees[i]) * ((size_t)u->p->arch.hidden_size * sizeof(float) + sizeof(int32_t));
    }
    return m;
}

static bool part_is_empty(const rz_lineup *l, const part *p)
{
    return l->start[p->index << p->level] == l->start[(p->index + 1) << p->level];
}

/* Sum at (level, index) of the slice, from the parts of all ranks. */
static float *sum_tree(const rz_update *u, const part *all, int n_all, int level, int index, int64_t n)
{
    for (int i = 0; i < n_all; i++)
        if (all[i].level == level && all[i].index == index)
            return all[i].sum;
    float *left = sum_tree(u, all, n_all, level - 1, 2 * index, n), *right = sum_tree(u, all, n_all, level - 1, 2 * index + 1, n);
    return combine(u, left, right, n);
}

/* The parts of all ranks, in order, and what of them meets on this rank. */
typedef struct {
    part *all;
    int *owner;       /* rank of each */
    int n;
    float *received;  /* a piece of every part that comes from elsewhere */
    rz_piece *send, *recv;
} meeting;

/* Elements [at, at + PIECE) of every slice: sends the other ranks theirs of this rank's parts, adds up the own to `to`. */
static void reduce_piece(rz_update *u, meeting *m, const rz_lineup *l, int64_t at, float *to)
{
    int n_send = 0, n_recv = 0, root = 0;
    int64_t own = slice_piece(u, u->rank, at);
    while (1 << root < u->shards)
        root++;
    part *parts = rz_calloc((size_t)m->n, sizeof *parts);
    for (int i = 0; i < m->n; i++) {
        float *sum = m->all[i].sum;
        parts[i] = m->all[i];
        for (int r = 0; sum && r < u->size; r++)
            if (r != u->rank)
                m->send[n_send++] = (rz_piece){r, sum + slice_start(u, r) + at, (size_t)slice_piece(u, r, at) * sizeof *sum};
        parts[i].sum = sum ? sum + u->slice0 + at : NULL;
        if (m->owner[i] != u->rank && !part_is_empty(l, &parts[i])) {
            parts[i].sum = m->received + n_recv * own;
            m->recv[n_recv++] = (rz_piece){m->owner[i], parts[i].sum, (size_t)own * sizeof *sum};
        }
    }
    rz_comm_exchange(u->comm, m->send, n_send, m->recv, n_recv);
    float *sum = sum_tree(u, parts, m->n, root, 0, own);
    if (own && sum != to + at)
        memcpy(to + at, sum, (size_t)own * sizeof *sum);
    free(parts);
}

/* Sends every rank its slice of this rank's parts; returns the sum of the own slice, in the own slice of a local part, or in *made where there is none. Piece
 * by piece, so that no second gradient is in memory. */
static float *reduce(rz_update *u, const part *mine, int n_mine, const rz_lineup *l, float **made)
{
    size_t most = (size_t)u->size * 2 * MAX_LEVELS;
    meeting m = {rz_calloc(most, sizeof *m.all), rz_calloc(most, sizeof *m.owner), 0, NULL, NULL, NULL};
    int n_others = 0;
    int64_t longest = 0;
    float *to = NULL;
    for (int r = 0; r < u->size; r++) {
        int64_t slice = slice_start(u, r + 1) - slice_start(u, r);
        longest = slice > longest ? slice : longest;
        int n = subtrees(first_shard(u, r), first_shard(u, r + 1), m.all + m.n);
        assert(r != u->rank || n == n_mine);
        for (int i = 0; i < n; i++, m.n++) {
            m.owner[m.n] = r;
            m.all[m.n].sum = r == u->rank ? mine[i].sum : NULL;
            n_others += r != u->rank && !part_is_empty(l, &m.all[m.n]);
            to = m.all[m.n].sum && !to ? m.all[m.n].sum + u->slice0 : to;
        }
    }
    if (!to)
        to = *made = floats(u->slice1 - u->slice0);
    m.received = rz_malloc((size_t)n_others * (size_t)longest_piece(u) * sizeof(float) + 1);
    m.send = rz_calloc((size_t)n_mine * (size_t)u->size + 1, sizeof *m.send);
    m.recv = rz_calloc((size_t)n_others + 1, sizeof *m.recv);
    for (int64_t at = 0; at < longest; at += PIECE)
        reduce_piece(u, &m, l, at, to);
    free(m.all);
    free(m.owner);
    free(m.received);
    free(m.send);
    free(m.recv);
    return to;
}

static void gather_counts(const rz_update *u, size_t *counts, int64_t unit, size_t bytes)
{
    for (int r = 0; r < u->size; r++)
        counts[r] = (size_t)((slice_start(u, r + 1) - slice_start(u, r) + unit - 1) / unit) * bytes;
}

/* Global norm: one sum a block, blocks added in order. */
static double global_norm(rz_update *u, const float *grad, size_t *counts)
{
    int64_t n = u->slice1 - u->slice0, blocks = (n + RZ_NORM_BLOCK - 1) / RZ_NORM_BLOCK,
            total = (u->p->layout.n_params + RZ_NORM_BLOCK - 1) / RZ_NORM_BLOCK;
    double *mine = rz_calloc((size_t)blocks + 1, sizeof *mine), *all = rz_calloc((size_t)total + 1, sizeof *all), sum = 0;
    for (int64_t b = 0; grad && b < blocks; b++) {
        int64_t left = n - b * RZ_NORM_BLOCK;
        mine[b] = u->p->k->sumsq(grad + b * RZ_NORM_BLOCK, left < RZ_NORM_BLOCK ? left : RZ_NORM_BLOCK);
    }
    gather_counts(u, counts, RZ_NORM_BLOCK, sizeof(double));
    rz_comm_allgather(u->comm, mine, all, counts);
    for (int64_t b = 0; b < total; b++)
        sum += all[b];
    free(mine);
    free(all);
    return sqrt(sum);
}

/* AdamW on the own slice: tensor by tensor, since norms do not decay. */
static void adamw(rz_update *u, const float *grad, double scale, double lr)
{
    const rz_policy *p = u->p;
    u->t++;
    u->beta1_t *= u->o.beta1;
    u->beta2_t *= u->o.beta2;
    rz_adamw a = {.grad_scale = (float)scale, .b1 = (float)u->o.beta1, .one_b1 = (float)(1 - u->o.beta1), .b2 = (float)u->o.beta2,
                  .one_b2 = (float)(1 - u->o.beta2), .step = (float)(lr / (1 - u->beta1_t)),
                  .inv_sqrt_bias2 = (float)(1 / sqrt(1 - u->beta2_t)), .eps = (float)u->o.eps};
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        int64_t lo = t->offset, hi = lo + t->rows * (t->cols ? t->cols : 1);
        lo = lo > u->slice0 ? lo : u->slice0;
        hi = hi < u->slice1 ? hi : u->slice1;
        if (lo >= hi)
            continue;
        a.lr_wd = t->decay ? (float)(lr * u->o.weight_decay) : 0;
        int64_t s = lo - u->slice0;
        p->k->adamw(p->w + lo, u->m + s, u->v + s, grad + s, hi - lo, &a);
    }
}

/* Results of the trees are made where their shard lives; everyone needs them. */
static void share_results(rz_update *u, const rz_lineup *l, rz_tree_result *results, size_t *counts)
{
    for (int r = 0; r < u->size; r++)
        counts[r] = (size_t)(l->start[first_shard(u, r + 1)] - l->start[first_shard(u, r)]) * sizeof *results;
    rz_comm_allgather(u->comm, l->results + l->start[first_shard(u, u->rank)], l->results, counts);
    for (int i = 0; i < l->n; i++)
        results[l->index[i]] = l->results[i];
}

/* The time since *start goes to *to; the next piece starts. */
static void spend(double *to, double *start)
{
    double now = rz_now_s();
    *to += now - *start;
    *start = now;
}

static __attribute__((format(printf, 2, 0))) void note_trouble(rz_update *u, const char *fmt, va_list args)
{
    if (!u->trouble.why[0])
        vsnprintf(u->trouble.why, sizeof u->trouble.why, fmt, args);
}

void rz_update_skip(rz_update *u, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note_trouble(u, fmt, args);
    va_end(args);
    u->trouble.skipped++;
}

rz_update_trouble rz_update_take_trouble(rz_update *u)
{
    rz_update_trouble t = u->trouble;
    u->trouble = (rz_update_trouble){0};
    return t;
}

/* Norm that the gradient has behind clipping at most: the square of any element fits into a second moment, so moments are finite if gradients are. */
static const double MOST_NORM = 1e18;

/* Whether a step may be made of this. Every rank has the same numbers. */
static bool sound(rz_update *u, const rz_tree_result *results, int n_trees, double norm)
{
    double most = u->o.max_grad_norm, clipped = most > 0 && norm > most ? most : norm;
    for (int i = 0; i < n_trees; i++)
        if (!isfinite(results[i].loss) || isnan(results[i].mismatch)) {
            rz_update_skip(u, "the loss is not finite (that of tree %d of %d)", i + 1, n_trees);
            return false;
        }
    if (!isfinite(norm) || clipped > MOST_NORM) {
        rz_update_skip(u, "the gradient is not finite, or too large to be squared (norm %g)", fabs(norm));
        return false;
    }
    return true;
}

/* Collective. Whether the weights of all slices are numbers still. */
static void check_weights(rz_update *u)
{
    int64_t bad = !rz_policy_finite(u->p, u->slice0, u->slice1);
    rz_comm_max_i64(u->comm, &bad, 1);
    if (bad && !u->trouble.broken)
        snprintf(u->trouble.why, sizeof u->trouble.why, "weights are not finite after an update");
    u->trouble.broken |= bad;
}

bool rz_update_step(rz_update *u, const rz_tree *trees, int n_trees, float temperature, rz_tree_loss loss, void *ctx, double learning_rate,
                    rz_tree_result *results, double *grad_norm)
{
    part mine[2 * MAX_LEVELS];
    size_t *counts = rz_calloc((size_t)u->size, sizeof *counts);
    float *made = NULL;
    double start = rz_now_s();
    assert(n_trees > 0);
    rz_lineup l;
    rz_lineup_make(&l, trees, n_trees, u->shards, u->balanced);
    int n_mine = local_parts(u, &l, temperature, loss, ctx, mine);
    spend(&u->spent.forward_backward_s, &start);
    float *grad = reduce(u, mine, n_mine, &l, &made);
    share_results(u, &l, results, counts);
    rz_lineup_finish(&l);
    if (rz_fault_nan(RZ_NAN_LOSS))
        results[0].loss = NAN;
    if (rz_fault_nan(RZ_NAN_GRADIENT) && u->slice0 == 0 && u->slice1 > 0)
        grad[0] = NAN;
    *grad_norm = global_norm(u, grad, counts);
    spend(&u->spent.communication_s, &start);
    bool ok = sound(u, results, n_trees, *grad_norm);
    if (ok) {
        rz_shared_barrier(&u->p->w_memory); /* nobody computes with the old weights any more */
        double most = u->o.max_grad_norm, scale = most > 0 && *grad_norm > most ? most / *grad_norm : 1;
        adamw(u, grad, scale, learning_rate);
        if (rz_fault_nan(RZ_NAN_WEIGHTS) && u->slice0 == 0 && u->slice1 > 0)
            u->p->w[0] = NAN;
        check_weights(u);
        spend(&u->spent.optimizer_s, &start);
        gather_counts(u, counts, 1, sizeof(float));
        if (u->p->w_memory.common)
            rz_shared_gather(&u->p->w_memory, counts);
        else
            rz_comm_allgather(u->comm, u->p->w + u->slice0, u->p->w, counts);
        spend(&u->spent.communication_s, &start);
        rz_policy_refresh(u->p);
        spend(&u->spent.optimizer_s, &start);
    }
    for (int i = 0; i < n_mine; i++)
        give_buffer(u, mine[i].sum);
    rz_learner_rest(u->learner); /* sampling needs room */
    free_floats(made, u->slice1 - u->slice0);
    free(counts);
    return ok;
}

void rz_update_owned(const rz_update *u, int n_trees, int *t0, int *t1)
{
    *t0 = rz_lineup_start(first_shard(u, u->rank), u->shards, n_trees);
    *t1 = rz_lineup_start(first_shard(u, u->rank + 1), u->shards, n_trees);
}

rz_update_times rz_update_spent(const rz_update *u)
{
    return u->spent;
}

int64_t rz_update_again(const rz_update *u)
{
    return rz_learner_again(u->learner);
}

int64_t rz_update_count(const rz_update *u)
{
    return u->t;
}

static void gather_moment(rz_update *u, const float *slice, float *all)
{
    for (int64_t at = 0, n_here; u->rank && (n_here = slice_piece(u, u->rank, at)) > 0; at += n_here)
        rz_comm_send(u->comm, 0, slice + at, (size_t)n_here * sizeof *slice);
    if (u->rank)
        return;
    memcpy(all, slice, (size_t)u->slice1 * sizeof *slice);
    for (int r = 1; r < u->size; r++)
        for (int64_t at = 0, n_here; (n_here = slice_piece(u, r, at)) > 0; at += n_here)
            rz_comm_recv(u->comm, r, all + slice_start(u, r) + at, (size_t)n_here * sizeof *all);
}

void rz_update_slice(const rz_update *u, int64_t *from, int64_t *to, const float **m, const float **v)
{
    *from = u->slice0, *to = u->slice1, *m = u->m, *v = u->v;
}

void rz_update_moments(rz_update *u, float *m, float *v)
{
    gather_moment(u, u->m, m);
    gather_moment(u, u->v, v);
}

static bool get_moment(rz_update *u, rz_store *s, const char *name, float *slice, rz_err *err)
{
    rz_shape shape = {RZ_F32, 1, {u->p->layout.n_params}};
    return rz_store_get_part(s, name, shape, u->slice0, u->slice1 - u->slice0, slice, err);
}

#define MAX_STEPS ((int64_t)1 << 40)

bool rz_update_get(rz_update *u, rz_store *s, rz_err *err)
{
    int64_t t;
    if (!get_moment(u, s, "optimizer/m", u->m, err) || !get_moment(u, s, "optimizer/v", u->v, err) ||
        !rz_store_get_i64(s, "optimizer_steps", &t, err))
        return false;
    if (t < 0 || t > MAX_STEPS)
        return rz_fail(err, RZ_EDATA, "optimizer_steps is %lld, not in 0..2^40; the checkpoint is damaged", (long long)t);
    u->t = t;
    u->beta1_t = u->beta2_t = 1;
    for (int64_t i = 0; i < t; i++) {
        double b1 = u->beta1_t * u->o.beta1, b2 = u->beta2_t * u->o.beta2;
        if (b1 == u->beta1_t && b2 == u->beta2_t) /* 0, or the least number there is */
            break;
        u->beta1_t = b1;
        u->beta2_t = b2;
    }
    return true;
}

double rz_learning_rate(const rz_optimizer_options *o, int64_t t, int64_t steps)
{
    if (t <= o->warmup_steps)
        return o->learning_rate * (double)t / (double)o->warmup_steps;
    int64_t span = steps - o->warmup_steps;
    double at = span > 0 ? (double)(t - o->warmup_steps) / (double)span : 1, s, c;
    switch ((rz_schedule_kind)o->schedule) {
    case RZ_SCHEDULE_CONSTANT: return o->learning_rate;
    case RZ_SCHEDULE_LINEAR: return o->learning_rate * (1 - (1 - o->min_lr_ratio) * at);
    case RZ_SCHEDULE_COSINE: rz_sincos64(3.14159265358979323846 * at, &s, &c); return o->learning_rate * (o->min_lr_ratio + (1 - o->min_lr_ratio) * 0.5 * (1 + c));
    }
    return 0;
}
