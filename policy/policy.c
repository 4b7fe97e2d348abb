#include "policy/policy.h"

#include "base/rng.h"
#include "policy/internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_matrix matrix(int64_t at, int64_t bias, int N, int K, int64_t *packed)
{
    rz_matrix m = {at, *packed, N, K, bias};
    *packed += (int64_t)rz_packed_size(N, rz_half_k(K)); /* panels of floats need no more */
    return m;
}

static float *own_memory(rz_shared *s, size_t bytes)
{
    rz_err none;
    rz_shared_init(s, NULL, bytes, &none); /* alone: nothing that could fail */
    return s->p;
}

bool rz_policy_create(rz_policy **out, const rz_arch *arch, const rz_kernels *kernels, rz_pool *pool, rz_err *err)
{
    if (!rz_arch_check(arch, err))
        return false;
    rz_rope *rope;
    if (!rz_rope_create(&rope, arch, err))
        return false;
    rz_policy *p = rz_calloc(1, sizeof *p);
    p->arch = *arch;
    p->k = kernels;
    p->pool = pool;
    p->heads = (rz_heads){arch->num_attention_heads, arch->num_key_value_heads, arch->head_dim, (float)(1.0 / sqrt(arch->head_dim))};
    rz_layout_init(&p->layout, arch);
    p->matrices = rz_calloc((size_t)arch->num_hidden_layers, sizeof *p->matrices);
    int D = arch->hidden_size, F = arch->intermediate_size, E = arch->head_dim, H = p->heads.H, G = p->heads.G;
    for (int l = 0; l < arch->num_hidden_layers; l++) {
        const rz_layer_offsets *o = &p->layout.layers[l];
        p->matrices[l].qkv = matrix(o->qkv, o->qkv_bias, (H + 2 * G) * E, D, &p->n_packed);
        p->matrices[l].o = matrix(o->o, o->o_bias, D, H * E, &p->n_packed);
        p->matrices[l].gate_up = matrix(o->gate_up, o->gate_up_bias, 2 * F, D, &p->n_packed);
        p->matrices[l].down = matrix(o->down, o->down_bias, D, F, &p->n_packed);
    }
    p->head = matrix(p->layout.head, -1, arch->vocab_size, D, &p->n_packed);
    p->w = own_memory(&p->w_memory, (size_t)p->layout.n_params * sizeof *p->w);
    p->rope = rope;
    *out = p;
    return true;
}

void rz_policy_destroy(rz_policy *p)
{
    if (!p)
        return;
    rz_layout_finish(&p->layout);
    free(p->matrices);
    rz_shared_finish(&p->w_memory);
    rz_shared_finish(&p->packed_memory);
    rz_rope_destroy(p->rope);
    free(p);
}

/* Standard deviation by the last part of the name: one row a kind of tensor. */
static double init_std(const rz_policy *p, const char *name)
{
    double wide = 1.0 / sqrt(p->arch.hidden_size), out = 0.02 / sqrt(2.0 * p->arch.num_hidden_layers);
    const struct { const char *part; double std; } table[] = {
        {"embed_tokens", 0.02}, {"lm_head", 0.02}, {"q_proj", wide}, {"k_proj", wide}, {"v_proj", wide},
        {"gate_proj", wide}, {"up_proj", wide}, {"o_proj", out}, {"down_proj", out},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strstr(name, table[i].part))
            return table[i].std;
    return 0; /* a norm: 1 everywhere; a bias: 0 */
}

void rz_policy_init_weights(rz_policy *p, uint32_t seed)
{
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        int64_t n = t->rows * (t->cols ? t->cols : 1);
        double std = init_std(p, t->name);
        for (int64_t j = 0; j < n; j++)
            p->w[t->offset + j] =
                t->cols ? (float)(std * rz_rng_normal(seed, RZ_RNG_INIT, (uint32_t)i, (uint32_t)j, (uint32_t)(j >> 32), 0)) : t->bias ? 0.0f : 1.0f;
    }
    rz_policy_refresh(p);
}

enum { PACK_ROWS = 32 * RZ_PANEL }; /* of a matrix, at once */

static const rz_matrix *nth_matrix(const rz_policy *p, int i)
{
    const rz_layer_matrices *l = &p->matrices[i / 4];
    return i == 4 * p->arch.num_hidden_layers ? &p->head : (const rz_matrix *[]){&l->qkv, &l->o, &l->gate_up, &l->down}[i % 4];
}

typedef struct { const rz_policy *p; int part, parts; } packing;

/* Piece i·parts + part of all matrices. */
static void pack_piece(void *ctx, int i, int thread)
{
    (void)thread;
    const packing *work = ctx;
    const rz_policy *p = work->p;
    int piece = i * work->parts + work->part, n;
    for (int k = 0; k <= 4 * p->arch.num_hidden_layers; k++, piece -= n) {
        const rz_matrix *m = nth_matrix(p, k);
        n = (m->N + PACK_ROWS - 1) / PACK_ROWS;
        if (piece >= n)
            continue;
        int64_t row = (int64_t)piece * PACK_ROWS, at = row * m->K;
        int rows = m->N - row < PACK_ROWS ? (int)(m->N - row) : PACK_ROWS;
        if (p->half)
            rz_pack_half(p->half + m->packed_at + row / RZ_PANEL * rz_half_panel(m->K), p->w + m->at + at, rows, m->K, p->k->fours);
        else
            rz_pack(p->packed + m->packed_at + at, p->w + m->at + at, rows, m->K);
        return;
    }
}

void rz_policy_refresh(rz_policy *p)
{
    int pieces = 0;
    packing work = {p, p->packed_memory.part, p->packed_memory.parts};
    if (!p->packed_memory.p)
        return;
    for (int k = 0; k <= 4 * p->arch.num_hidden_layers; k++)
        pieces += (nth_matrix(p, k)->N + PACK_ROWS - 1) / PACK_ROWS;
    rz_pool_run(p->pool, (pieces - work.part + work.parts - 1) / work.parts, pack_piece, &work);
    rz_shared_barrier(&p->packed_memory);
}

void rz_policy_store(rz_policy *p, rz_stored as, rz_compute compute, rz_kv_dtype kv_dtype)
{
    assert(!p->packed_memory.p);
    p->stored = as;
    p->compute = compute;
    p->kv_dtype = kv_dtype;
}

static bool half_panels(const rz_policy *p)
{
    return p->stored == RZ_STORED_BF16 || p->compute == RZ_COMPUTE_BF16;
}

/* Collective. Whether the kernels of all ranks want panels of bfloat16 in the same order: they do unless ranks were told to use different ones. */
static bool same_order(const rz_policy *p)
{
    int64_t wanted[2] = {p->k->fours, !p->k->fours};
    rz_comm_max_i64(p->w_memory.comm, wanted, 2);
    return wanted[0] != wanted[1];
}

void rz_policy_panels(rz_policy *p)
{
    rz_err why; /* each rank its own does as well */
    bool half = half_panels(p);
    if (p->packed_memory.p)
        return;
    rz_comm *with = half && p->w_memory.comm && !same_order(p) ? NULL : p->w_memory.comm;
    rz_shared_init(&p->packed_memory, with, (size_t)rz_policy_panel_bytes(p), &why);
    p->half = half ? p->packed_memory.p : NULL;
    p->packed = half ? NULL : p->packed_memory.p;
    rz_policy_refresh(p);
}

int64_t rz_policy_panel_bytes(const rz_policy *p)
{
    return p->n_packed * (int64_t)(half_panels(p) ? sizeof *p->half : sizeof *p->packed);
}

bool rz_policy_far(const rz_policy *p)
{
    enum { CACHES = 32 << 20 };
    return rz_policy_panel_bytes(p) > CACHES;
}

/* `full`: it has weights that go along. */
static bool share(rz_policy *p, rz_comm *c, bool full, rz_err *why)
{
    rz_shared own = p->w_memory;
    assert(!p->packed_memory.p && !own.comm);
    bool ok = rz_shared_init(&p->w_memory, c, own.bytes, why);
    if (p->w_memory.common) {
        if (full && !p->w_memory.part)
            memcpy(p->w_memory.p, own.p, own.bytes);
        rz_shared_barrier(&p->w_memory);
        rz_shared_finish(&own);
    } else { /* nobody else on this machine, or it cannot be */
        rz_shared_finish(&p->w_memory);
        p->w_memory = own;
        p->w_memory.comm = c;
    }
    p->w = p->w_memory.p;
    return ok;
}

bool rz_policy_share(rz_policy *p, rz_comm *c, rz_err *why)
{
    return share(p, c, true, why);
}

bool rz_policy_copy(rz_policy **out, const rz_policy *p, rz_comm *c, rz_err *err)
{
    rz_err why;
    rz_policy *copy = NULL;
    if (!rz_comm_agree(c, rz_policy_create(&copy, &p->arch, p->k, p->pool, err), err)) {
        rz_policy_destroy(copy);
        return false;
    }
    rz_policy_store(copy, p->stored, p->compute, p->kv_dtype);
    share(copy, c, false, &why);
    if (!copy->w_memory.part)
        memcpy(copy->w, p->w, (size_t)p->layout.n_params * sizeof *p->w);
    rz_shared_barrier(&copy->w_memory);
    *out = copy;
    return true;
}

/* An exponent of ones is NaN or infinity: one more there carries into the sign. Without branches, so that the compiler takes many at once. */
bool rz_policy_finite(const rz_policy *p, int64_t from, int64_t to)
{
    uint32_t carried = 0;
    for (int64_t i = from; i < to; i++) {
        uint32_t bits;
        memcpy(&bits, &p->w[i], sizeof bits);
        carried |= (bits & 0x7fffffff) + 0x00800000;
    }
    return !(carried >> 31);
}

static rz_shape tensor_shape(const rz_tensor *t)
{
    return (rz_shape){RZ_F32, t->cols ? 2 : 1, {t->rows, t->cols}};
}

bool rz_policy_put(const rz_policy *p, const float *w, rz_store *s, rz_err *err)
{
    char *arch = rz_arch_dump(&p->arch);
    bool ok = rz_store_put_text(s, "arch", arch, err);
    free(arch);
    for (int i = 0; ok && i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        char name[128];
        snprintf(name, sizeof name, "model/%s", t->name);
        ok = rz_store_put(s, name, tensor_shape(t), w + t->offset, err);
    }
    return ok;
}

bool rz_policy_get_arch(rz_arch *a, rz_store *s, rz_err *err)
{
    char *text = rz_store_get_text(s, "arch", err);
    bool ok = text && rz_arch_parse(a, "arch", text, err);
    free(text);
    return ok;
}

bool rz_policy_get(rz_policy *p, rz_store *s, rz_err *err)
{
    rz_arch have;
    char text[200];
    if (!rz_policy_get_arch(&have, s, err))
        return false;
    if (rz_arch_differ(&have, &p->arch, text, sizeof text))
        return rz_fail(err, RZ_EDATA, "it holds another architecture: %s", text);
    for (int i = 0; !p->w_memory.part && i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        char name[128];
        snprintf(name, sizeof name, "model/%s", t->name);
        if (!rz_store_get(s, name, tensor_shape(t), p->w + t->offset, err))
            return false;
    }
    return p->w_memory.part || rz_policy_finite(p, 0, p->layout.n_params) || rz_fail(err, RZ_EDATA, "it holds weights that are not finite (NaN or infinity)");
}
