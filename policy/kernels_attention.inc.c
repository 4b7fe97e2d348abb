/* Part of kernels_vec.c: attention as products of small matrices, one key/value head g at a time. The rows of a block are its (query, head
 * of g) pairs in order; keys and values are used where they lie: a key block is a packed panel, the values are a row-major matrix.
 *   scores (rows, keys) = Q·Kᵀ     out (rows, E) = P·V, the causal edge skipped
 * The backward pass takes a block of rows through all keys, a tile of keys at a time: dQ goes on from tile to tile, dK and dV in memory. */

enum { FORWARD_ROWS = 24, BACKWARD_ROWS = 48, SCORE_ROWS = 12, KEY_TILE = 128, TILE_STRIDE = KEY_TILE + RZ_PANEL };

static int64_t round_up(int64_t n) { return (n + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL; }

static int block_rows(int n_q, int R, int most)
{
    int queries = most / R < 1 ? 1 : most / R;
    return (queries < n_q ? queries : n_q) * R;
}

/* Row length of a score matrix: panels of parent and of own may each stick out by a part. Not a multiple of a KiB: rows would share cache sets. */
static int64_t score_stride(int n_keys)
{
    int64_t n = round_up((int64_t)n_keys + RZ_PANEL);
    return n % 256 ? n : n + RZ_PANEL;
}

/* Rows the scratch of a forward call has room for: all heads of a single query, which is what a step has. */
static int64_t forward_room(int n_q, rz_heads heads)
{
    int rows = block_rows(n_q, heads.H / heads.G, FORWARD_ROWS);
    return rows > heads.H ? rows : heads.H;
}

static size_t attention_scratch(int n_q, int n_keys, rz_heads heads)
{
    int R = heads.H / heads.G;
    int64_t E = heads.E, turned = 2 * E * round_up((int64_t)n_keys + RZ_PANEL);
    int64_t forward = forward_room(n_q, heads) * (score_stride(n_keys) + 2 * E + 1);
    int64_t backward = turned + block_rows(n_q, R, BACKWARD_ROWS) * (3 * E + 3 + 2 * TILE_STRIDE);
    return (size_t)((forward > backward ? forward : backward) + RZ_PANEL); /* and room to align */
}

static float *aligned(float *p)
{
    return (float *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

/* j0 is a multiple of 16. The next block of g is RZ_PANEL·G·E on, the next value G·E. */
static const float *keys_of(const rz_kv *kv, rz_heads h, int g, int j0) { return kv->k + ((int64_t)j0 * h.G + (int64_t)g * RZ_PANEL) * h.E; }
static const float *values_of(const rz_kv *kv, rz_heads h, int g, int j0) { return kv->v + ((int64_t)j0 * h.G + g) * h.E; }

/* dst(rows, E) are the rows (i, r) of a matrix whose queries are ld apart. */
static void gather_rows(float *dst, const float *src, int64_t ld, int rows, int R, int E)
{
    for (int i = 0; i < rows / R; i++)
        memcpy(dst + (int64_t)i * R * E, src + i * ld, (size_t)R * (size_t)E * sizeof *dst);
}

/* c(rows, keys) = a(rows, E) · keys, blocks of E×16 that lie sp apart. Row m needs the first `first + m/R` keys: a few more are computed. */
static void scores(float *c, int64_t ldc, const float *a, int64_t sm, const float *keys, int64_t sp, int rows, int first, int most, int R, int E)
{
    for (int m = 0, n; m < rows; m += n) {
        n = minimum(rows - m, SCORE_ROWS);
        int need = first + (m + n - 1) / R;
        need = need < 0 ? 0 : need < most ? need : most;
        product((block){.c = c + m * ldc, .ldc = ldc, .a = a + m * sm, .sm = sm, .sk = 1, .b = keys, .sb = RZ_PANEL, .sp = sp, .K = E}, n,
                (int)round_up(need));
    }
}

/* ---- forward ---- */

typedef struct {
    const float *q;
    int64_t ldq;
    const rz_kv *parent, *own;
    rz_heads heads;
    int R, E, n_parent, before; /* query i sees own keys 0 … before + i */
    int64_t lds;
    float *s, *a, *o, *sum; /* scores (rows, lds); queries, if they must be gathered, and weighted values (rows, E); sums (rows) */
    const float *soon;      /* n_soon floats: as many as there is time for are asked for while scores become weights */
    int64_t n_soon;
} forward;

static forward begin_forward(const float *q, int64_t ldq, int n_q, const rz_kv *parent, const rz_kv *own, rz_heads heads, float *scratch)
{
    int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0;
    int64_t room = forward_room(n_q, heads);
    forward f = {q, ldq, parent, own, heads, R, E, n_parent, own->n - n_q, score_stride(n_parent + own->n), aligned(scratch), NULL, NULL, NULL, NULL, 0};
    f.a = f.s + f.lds * room;
    f.o = f.a + E * room;
    f.sum = f.o + E * room;
    return f;
}

/* Scores of the rows of queries i … and heads of g. */
static void forward_scores(const forward *f, float *s, int g, int i, int rows)
{
    const float *a = f->q + i * f->ldq + (int64_t)g * f->R * f->E;
    int64_t sm = rows == f->R ? f->E : f->ldq, sp = (int64_t)RZ_PANEL * f->heads.G * f->E; /* one query, or one head */
    if (rows > f->R && f->R > 1) {
        gather_rows(f->a, a, f->ldq, rows, f->R, f->E);
        a = f->a, sm = f->E;
    }
    if (f->n_parent)
        product((block){.c = s, .ldc = f->lds, .a = a, .sm = sm, .sk = 1, .b = keys_of(f->parent, f->heads, g, 0), .sb = RZ_PANEL, .sp = sp, .K = f->E},
                rows, (int)round_up(f->n_parent));
    scores(s + f->n_parent, f->lds, a, sm, keys_of(f->own, f->heads, g, 0), sp, rows, f->before + i + 1, f->own->n, f->R, f->E);
}

/* o(rows, E) = p·values. */
static void forward_values(const forward *f, const float *p, float *o, int g, int i, int rows)
{
    int edge[FORWARD_ROWS], E = f->E;
    block t = {.c = o, .ldc = E, .a = p, .sm = f->lds, .sk = 1, .sb = (int64_t)f->heads.G * E, .sp = RZ_PANEL};
    if (f->n_parent) {
        t.b = values_of(f->parent, f->heads, g, 0), t.K = f->n_parent;
        product(t, rows, E);
    }
    t.a = p + f->n_parent, t.b = values_of(f->own, f->heads, g, 0), t.K = f->before + i + 1, t.add = f->n_parent > 0;
    if (rows > f->R) {
        for (int m = 0; m < rows; m++)
            edge[m] = f->before + i + m / f->R + 1;
        t.edge = edge;
    }
    product(t, rows, E);
}

/* Scores become weights: queries i … of `n_heads` heads from h on. sum(rows) for later; row_max and row_sum for backward. */
static void forward_softmax(const forward *f, float *row_max, float *row_sum, int h, int n_heads, int i, int rows)
{
    enum { ASKED = 16 * RZ_PANEL /* as many lines as can be waited for */ };
    for (int m = 0; m < rows; m++) {
        for (int64_t j = m * ASKED; j < (m + 1) * ASKED && j < f->n_soon; j += RZ_PANEL)
            __builtin_prefetch(f->soon + j, 0, 3);
        int query = i + m / n_heads, keys = f->n_parent + f->before + query + 1;
        int64_t at = (int64_t)query * f->heads.H + h + m % n_heads;
        float *s = f->s + m * f->lds, mx = greatest(s, f->heads.scale, keys);
        f->sum[m] = sum_exp(s, NULL, s, f->heads.scale, mx, keys);
        if (row_max)
            row_max[at] = mx;
        if (row_sum)
            row_sum[at] = f->sum[m];
    }
}

static void forward_store(const forward *f, float *out, int64_t ldo, int h, int n_heads, int i, int rows)
{
    for (int m = 0; m < rows; m++) {
        float *to = out + (i + m / n_heads) * ldo + (int64_t)(h + m % n_heads) * f->E;
        SIXTEENS(e, n, f->E)
            put(to + e, vf_div(get(f->o + (int64_t)m * f->E + e, n), vf_set(f->sum[m])), n);
    }
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n >= n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    forward f = begin_forward(q, ldq, n_q, parent, own, heads, scratch);
    int queries = block_rows(n_q, f.R, FORWARD_ROWS) / f.R;
    for (int g = g0; g < g1; g++)
        for (int i = 0; i < n_q; i += queries) {
            int rows = (n_q - i < queries ? n_q - i : queries) * f.R;
            forward_scores(&f, f.s, g, i, rows);
            forward_softmax(&f, row_max, row_sum, g * f.R, f.R, i, rows);
            forward_values(&f, f.s, f.o, g, i, rows);
            forward_store(&f, out, ldo, g * f.R, f.R, i, rows);
        }
}

/* ---- a step: one query of all its heads, keys and values read in the order in which they lie, from wherever they are ---- */

/* Of so many heads of a g: blocks of keys, panels of E at once. CHAINS: of the heads of some g together. More heads than these go the way of long runs. */
#if VF_REGISTERS >= 32
enum { CHAINS = 16, MOST_GROUPS = 8, MOST_HEADS = 8, MOST_BLOCKS = 8 };
static const int blocks_of_heads[MOST_HEADS + 1] = {0, 8, 4, 4, 4, 4, 4, 3, 3}, panels_of_heads[MOST_HEADS + 1] = {0, 4, 4, 4, 4, 4, 4, 3, 3};
#else
enum { CHAINS = 4, MOST_GROUPS = 4, MOST_HEADS = 4, MOST_BLOCKS = 4 };
static const int blocks_of_heads[MOST_HEADS + 1] = {0, 4, 2, 1, 1}, panels_of_heads[MOST_HEADS + 1] = {0, 4, 2, 1, 1};
#endif

/* Intel's processors are ahead of loops over as many chains as 32 registers hold by themselves; where asking as well would slow them down, they wait only where a loop
 * begins. */
static bool ahead_by_itself(void)
{
    return VF_REGISTERS >= 32 && on_intel();
}

/* Where what is needed after a segment lies: while one sequence is attended to the next one's keys and values are asked for, in the order in which they lie. Of a
 * parent that both have, or of sequences that are too long to lie near, it is the segment itself: nothing. */
static const rz_kv *soon_after(const rz_kv *kv, const rz_kv *next, int n_keys, rz_heads heads)
{
    enum { NEAR = 400 << 10 };
    return !ahead_by_itself() && next && next->n && (int64_t)n_keys * heads.G * heads.E * 2 * (int64_t)sizeof(float) <= NEAR ? next : kv;
}

/* Some blocks of keys, of either segment: where they lie, of the first g, where their scores go, of the first head. soon: keys that are needed after these. */
typedef struct {
    const float *q, *k[MOST_BLOCKS], *soon;
    float *s[MOST_BLOCKS];
    int64_t lds;
    int E;
} key_blocks;

/* Scores of the R heads of a g. */
INLINE void scores_of_blocks(const key_blocks *t, const int R, const int n, const bool ask)
{
    vf acc[MOST_HEADS][MOST_BLOCKS];
    const key_blocks u = *t;
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int i = 0; i < n; i++)
            acc[r][i] = vf_zero();
    for (int64_t e = 0; e < u.E; e++) {
        vf k[MOST_BLOCKS];
        UNROLL for (int i = 0; i < n; i++) {
            k[i] = vf_load(u.k[i] + e * RZ_PANEL);
            if (ask)
                __builtin_prefetch(u.soon + (e * n + i) * RZ_PANEL, 0, 2);
        }
        UNROLL for (int r = 0; r < R; r++) {
            vf q = vf_set(u.q[r * u.E + e]);
            UNROLL for (int i = 0; i < n; i++)
                acc[r][i] = vf_fma(q, k[i], acc[r][i]);
        }
    }
    UNROLL for (int i = 0; i < n; i++) /* what a block has beyond the last key of its segment the next one takes the place of */
        UNROLL for (int r = 0; r < R; r++)
            vf_store(u.s[i] + r * u.lds, acc[r][i]);
}

/* F(heads of a g, blocks) */
#define UP_TO_3_OF(F, R) F(R, 1) F(R, 2) F(R, 3)
#define UP_TO_4_OF(F, R) UP_TO_3_OF(F, R) F(R, 4)
#if VF_REGISTERS >= 32
#define EACH_BLOCKS(F)                                                                                                                      \
    UP_TO_4_OF(F, 1) F(1, 5) F(1, 6) F(1, 7) F(1, 8) UP_TO_4_OF(F, 2) UP_TO_4_OF(F, 3) UP_TO_4_OF(F, 4) UP_TO_4_OF(F, 5) UP_TO_4_OF(F, 6)       \
    UP_TO_3_OF(F, 7) UP_TO_3_OF(F, 8)
#else
#define EACH_BLOCKS(F) UP_TO_4_OF(F, 1) F(2, 1) F(2, 2) F(3, 1) F(4, 1)
#endif
#define BLOCKS(R, N)                                                                                     \
    static void blocks_##R##x##N##_0(const key_blocks *t) { scores_of_blocks(t, R, N, false); }            \
    static void blocks_##R##x##N##_1(const key_blocks *t) { scores_of_blocks(t, R, N, true); }
#define BLOCKS_ENTRY(R, N) [R][N] = {blocks_##R##x##N##_0, blocks_##R##x##N##_1},
EACH_BLOCKS(BLOCKS)
static void (*const blocks_fns[MOST_HEADS + 1][MOST_BLOCKS + 1][2])(const key_blocks *t) = {EACH_BLOCKS(BLOCKS_ENTRY)};

/* Keys that are asked for, of one segment after the other: `left` floats of this one. */
typedef struct {
    const float *p, *then;
    int64_t left;
} asked_keys;

static asked_keys ask_keys(const rz_kv *parent, const rz_kv *next_parent, const rz_kv *own, const rz_kv *next_own, rz_heads h)
{
    bool has_parent = next_parent->k != parent->k, has_own = next_own->k != own->k;
    return (asked_keys){has_parent ? next_parent->k : NULL, has_own ? next_own->k : NULL, has_parent ? round_up(next_parent->n) * h.G * h.E : 0};
}

/* Of these the next n floats; the last few of a segment are let go. NULL: there are none. */
static const float *take_keys(asked_keys *a, int64_t n)
{
    if (a->left < n / 2)
        *a = (asked_keys){a->then, NULL, a->then ? INT64_MAX : 0};
    const float *p = a->p;
    if (p)
        a->p += n, a->left -= n;
    return p;
}

/* Scores of all heads on both segments, some blocks at a time. */
static void step_scores(const forward *f, const rz_kv *next_parent, const rz_kv *next_own, int g0, int g1)
{
    const int E = f->E, R = f->R, first = (int)(round_up(f->n_parent) / RZ_PANEL), blocks = first + (int)(round_up(f->own->n) / RZ_PANEL);
    const int64_t size = (int64_t)f->heads.G * E * RZ_PANEL; /* of a block */
    if (R > MOST_HEADS) {
        for (int g = g0; g < g1; g++)
            forward_scores(f, f->s + (int64_t)(g - g0) * R * f->lds, g, 0, R);
        return;
    }
    asked_keys ask = ask_keys(f->parent, next_parent, f->own, next_own, f->heads);
    for (int b = 0, i = 0, n; b < blocks; b += n, i++) {
        n = even_part(blocks, blocks_of_heads[R], i);
        key_blocks t = {.q = f->q + (int64_t)g0 * R * E, .lds = f->lds, .E = E};
        for (int j = 0; j < n; j++) {
            bool own = b + j >= first;
            int at = own ? b + j - first : b + j;
            t.k[j] = (own ? f->own->k : f->parent->k) + at * size + (int64_t)g0 * E * RZ_PANEL;
            t.s[j] = f->s + (own ? f->n_parent : 0) + at * RZ_PANEL;
        }
        for (int g = g0; g < g1; g++) {
            t.soon = take_keys(&ask, (int64_t)n * E * RZ_PANEL);
            blocks_fns[R][n][t.soon != NULL](&t);
            t.q += R * E;
            for (int j = 0; j < n; j++)
                t.k[j] += E * RZ_PANEL, t.s[j] += R * f->lds;
        }
    }
}

/* The values of both segments, of the first g; soon: values that are needed after these. */
typedef struct {
    float *out;
    const float *p, *v[2], *soon[2];
    int64_t ldp, ldv;
    int E, n[2];
} together;

/* Weighted values of some g: their heads have few chains each, together they hide each other's latency. */
INLINE void values_together(const together *t, const int groups, const int R, const int np)
{
    vf acc[CHAINS][4];
    const together u = *t;
    UNROLL for (int r = 0; r < groups * R; r++)
        UNROLL for (int i = 0; i < np; i++)
            acc[r][i] = vf_zero();
    const float *p = u.p;
    for (int k = 0; k < 2; p += u.n[k], k++)
        for (int64_t j = 0; j < u.n[k]; j++)
            UNROLL for (int g = 0; g < groups; g++) {
                vf v[4];
                UNROLL for (int i = 0; i < np; i++) {
                    v[i] = vf_load(u.v[k] + j * u.ldv + (g * np + i) * 16);
                    __builtin_prefetch(u.soon[k] + j * u.ldv + (g * np + i) * 16, 0, 2);
                }
                UNROLL for (int r = g * R; r < (g + 1) * R; r++) {
                    vf w = vf_set(p[r * u.ldp + j]);
                    UNROLL for (int i = 0; i < np; i++)
                        acc[r][i] = vf_fma(w, v[i], acc[r][i]);
                }
            }
    UNROLL for (int r = 0; r < groups * R; r++)
        UNROLL for (int i = 0; i < np; i++)
            vf_store(u.out + r * u.E + 16 * i, acc[r][i]);
}

/* F(panels of E, heads of a g, groups): of some groups, by how many chains there are at once; of one */
#define EACH_OF_4(F) F(1, 1, 2) F(1, 1, 3) F(1, 1, 4) F(1, 2, 2) F(2, 1, 2)
#define UP_TO_3_BY(F, R) F(1, R, 1) F(2, R, 1) F(3, R, 1)
#define UP_TO_4_BY(F, R) UP_TO_3_BY(F, R) F(4, R, 1)
#define EACH_OF_16(F)                                                                                                                 \
    EACH_OF_4(F) F(1, 1, 5) F(1, 1, 6) F(1, 1, 7) F(1, 1, 8) F(1, 2, 3) F(1, 2, 4) F(1, 3, 2) F(1, 3, 3) F(1, 4, 2) F(2, 1, 3) F(2, 1, 4)  \
    F(2, 1, 5) F(2, 1, 6) F(2, 1, 7) F(2, 1, 8) F(2, 2, 2) F(2, 2, 3) F(2, 2, 4) F(2, 3, 2) F(2, 4, 2) F(3, 1, 2) F(3, 1, 3) F(3, 1, 4)    \
    F(3, 2, 2) F(4, 1, 2) F(4, 1, 3) F(4, 1, 4) F(4, 2, 2)
#if VF_REGISTERS >= 32
#define EACH_TOGETHER(F)                                                                                                                        \
    EACH_OF_16(F) UP_TO_4_BY(F, 1) UP_TO_4_BY(F, 2) UP_TO_4_BY(F, 3) UP_TO_4_BY(F, 4) UP_TO_4_BY(F, 5) UP_TO_4_BY(F, 6) UP_TO_3_BY(F, 7) UP_TO_3_BY(F, 8)
#else
#define EACH_TOGETHER(F) EACH_OF_4(F) UP_TO_4_BY(F, 1) F(1, 2, 1) F(2, 2, 1) F(1, 3, 1) F(1, 4, 1)
#endif
#define TOGETHER(NP, R, GROUPS) \
    static void together_##NP##x##R##x##GROUPS(const together *t) { values_together(t, GROUPS, R, NP); }
#define TOGETHER_ENTRY(NP, R, GROUPS) [NP][R][GROUPS] = together_##NP##x##R##x##GROUPS,
EACH_TOGETHER(TOGETHER)
static void (*const together_fns[5][MOST_HEADS + 1][MOST_GROUPS + 1])(const together *t) = {EACH_TOGETHER(TOGETHER_ENTRY)};

/* How many of the n_g groups left to take together: 1, or so many that all their heads fit. */
static int groups_together(int R, int panels, int n_g)
{
    int fit = panels > 4 ? 0 : minimum(CHAINS / (panels * R), MOST_GROUPS), n = fit < 2 ? 1 : even_part(n_g, fit, 0);
    while (n > 1 && !together_fns[panels][R][n])
        n--;
    return n;
}

static void step_values(const forward *f, const rz_kv *next_parent, const rz_kv *next_own, int g0, int g1)
{
    int E = f->E, R = f->R, panels = E / RZ_PANEL;
    for (int g = g0, n; g < g1; g += n) {
        int64_t row = (int64_t)(g - g0) * R;
        float *p = f->s + row * f->lds, *o = f->o + row * E;
        if (R > MOST_HEADS || E % RZ_PANEL) {
            n = 1;
            forward_values(f, p, o, g, 0, R);
            continue;
        }
        n = groups_together(R, panels, g1 - g);
        int most = n > 1 ? panels : panels_of_heads[R];
        for (int x = 0, i = 0, np; x < panels; x += np, i++) {
            np = even_part(panels, most, i);
            together t = {o + x * RZ_PANEL, p, {NULL, values_of(f->own, f->heads, g, 0) + x * RZ_PANEL}, {NULL, values_of(next_own, f->heads, g, 0) + x * RZ_PANEL},
                          f->lds, (int64_t)f->heads.G * E, E, {f->n_parent, f->own->n}};
            if (f->n_parent) {
                t.v[0] = values_of(f->parent, f->heads, g, 0) + x * RZ_PANEL;
                t.soon[0] = values_of(next_parent, f->heads, g, 0) + x * RZ_PANEL;
            }
            together_fns[np][R][n](&t);
        }
    }
}

/* The last key and value of own, from the rows of a token; lanes of a block beyond the last key are computed on, then dropped: let them be numbers. */
static void append_last(const rz_kv *own, const float *k, const float *v, rz_heads heads, int g0, int g1)
{
    int at = own->n - 1, lane = at % RZ_PANEL, E = heads.E;
    float *keys = own->k + ((int64_t)(at - lane) * heads.G) * E, *vals = own->v + (int64_t)at * heads.G * E;
    if (lane == 0)
        memset(keys + (int64_t)g0 * RZ_PANEL * E, 0, (size_t)((g1 - g0) * RZ_PANEL * E) * sizeof *keys);
    for (int64_t i = (int64_t)g0 * E; i < (int64_t)g1 * E; i++)
        keys[i * RZ_PANEL + lane] = k[i];
    memcpy(vals + (int64_t)g0 * E, v + (int64_t)g0 * E, (size_t)((g1 - g0) * E) * sizeof *v);
}

static void attention_step(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n >= 0 && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int H = heads.H, R = H / heads.G, E = heads.E, rows = (g1 - g0) * R;
    for (int i = 0; i < n; i++) {
        const float *row = qkv + i * ld;
        append_last(&own[i], row + (int64_t)H * E, row + (int64_t)(H + heads.G) * E, heads, g0, g1);
        forward f = begin_forward(row, ld, 1, &parent[i], &own[i], heads, scratch);
        const rz_kv *next_parent = soon_after(&parent[i], i + 1 < n ? &parent[i + 1] : NULL, parent[i].n + own[i].n, heads),
                    *next_own = soon_after(&own[i], i + 1 < n ? &own[i + 1] : NULL, parent[i].n + own[i].n, heads);
        if (ahead_by_itself())
            f.soon = values_of(&own[i], heads, g0, 0), f.n_soon = (int64_t)own[i].n * heads.G * E;
        step_scores(&f, next_parent, next_own, g0, g1);
        forward_softmax(&f, row_max ? row_max + (int64_t)i * H : NULL, row_sum ? row_sum + (int64_t)i * H : NULL, g0 * R, rows, 0, rows);
        step_values(&f, next_parent, next_own, g0, g1);
        forward_store(&f, out + i * ldo, ldo, g0 * R, rows, 0, rows);
    }
}

/* ---- backward ---- */

/* The keys of one g in one segment, turned around: rows(n,E) are its keys, panels its values in blocks of E×16. */
typedef struct {
    const rz_kv *kv;
    float *rows, *panels;
    float *dk, *dv; /* row 0, head g */
    bool causal;
} side;

typedef struct {
    rz_heads heads;
    int R, E;
    float scale;
    int64_t ldd;
    float *q, *dout, *dq;   /* (rows,E) */
    float *mx, *r, *dot;    /* (rows) */
    float *p, *ds;          /* (rows,TILE_STRIDE): scores, then weights; dp, then ds */
} backward;

static void turn(const side *s, rz_heads heads, int g)
{
    int E = heads.E;
    vf t[16];
    for (int j = 0; j < s->kv->n; j += 16)
        for (int e = 0; e < E; e += 16) {
            int n = E - e < 16 ? E - e : 16;
            const float *k = keys_of(s->kv, heads, g, j) + e * 16, *v = values_of(s->kv, heads, g, j) + e;
            for (int i = 0; i < 16; i++)
                t[i] = i < n ? vf_load(k + i * 16) : vf_zero();
            vf_transpose(t);
            for (int i = 0; i < 16; i++)
                put(s->rows + (int64_t)(j + i) * E + e, t[i], n);
            for (int i = 0; i < 16; i++)
                t[i] = get(v + (int64_t)i * heads.G * E, n);
            vf_transpose(t);
            for (int i = 0; i < n; i++)
                vf_store(s->panels + (int64_t)j * E + (e + i) * 16, t[i]);
        }
}

/* p and ds of the first n keys of a row; what is computed beyond is not used. */
static void backward_weights(const backward *b, int m, int n)
{
    float *p = b->p + m * TILE_STRIDE, *ds = b->ds + m * TILE_STRIDE;
    vf scale = vf_set(b->scale), mx = vf_set(b->mx[m]), r = vf_set(b->r[m]), dot = vf_set(b->dot[m]);
    for (int j = 0; j < n; j += 16) {
        vf w = vf_mul(vf_exp(vf_sub(vf_mul(vf_load(p + j), scale), mx)), r);
        vf_store(p + j, w);
        vf_store(ds + j, vf_mul(vf_mul(w, vf_sub(vf_load(ds + j), dot)), scale));
    }
}

/* Keys j0 … j0+n−1 of one segment and the rows of queries i0 …; `add`: earlier keys are already in dq. */
static void backward_tile(const backward *b, const side *s, int g, int j0, int n, int i0, int rows, bool add)
{
    int E = b->E, R = b->R, first = s->causal ? i0 - j0 + 1 : n, row_edge[BACKWARD_ROWS], key_edge[KEY_TILE];
    bool ragged = first < n; /* then there are several queries, so rows ≤ BACKWARD_ROWS */
    scores(b->p, TILE_STRIDE, b->q, E, keys_of(s->kv, b->heads, g, j0), (int64_t)RZ_PANEL * b->heads.G * E, rows, first, n, R, E);
    scores(b->ds, TILE_STRIDE, b->dout, E, s->panels + (int64_t)j0 * E, (int64_t)RZ_PANEL * E, rows, first, n, R, E);
    for (int m = 0; m < rows; m++) {
        int seen = first + m / R < n ? first + m / R : n;
        backward_weights(b, m, seen);
        if (ragged)
            row_edge[m] = seen > 0 ? seen : 0;
    }
    for (int j = 0; ragged && j < n; j++)
        key_edge[j] = j0 + j > i0 ? (j0 + j - i0) * R : 0;
    product((block){.c = b->dq, .ldc = E, .a = b->ds, .sm = TILE_STRIDE, .sk = 1, .b = s->rows + (int64_t)j0 * E, .sb = E, .sp = RZ_PANEL, .K = n,
                    .add = add, .edge = ragged ? row_edge : NULL}, rows, E);
    block t = {.c = s->dv + j0 * b->ldd, .ldc = b->ldd, .a = b->p, .sm = 1, .sk = TILE_STRIDE, .b = b->dout, .sb = E, .sp = RZ_PANEL,
               .K = rows, .add = true, .edge = ragged ? key_edge : NULL};
    product(t, n, E);
    t.c = s->dk + j0 * b->ldd, t.a = b->ds, t.b = b->q;
    product(t, n, E);
}

static void attention_backward(float *dq, float *dk_own, float *dv_own, float *dk_parent, float *dv_parent, int64_t ldd, const float *dout,
                               const float *out, int64_t ldo, const float *row_max, const float *row_sum, const float *q, int64_t ldq, int n_q,
                               const rz_kv *parent, const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n == n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int R = heads.H / heads.G, E = heads.E, most = block_rows(n_q, R, BACKWARD_ROWS), n_parent = parent ? parent->n : 0;
    backward b = {.heads = heads, .R = R, .E = E, .scale = heads.scale, .ldd = ldd, .p = aligned(scratch)};
    b.ds = b.p + most * TILE_STRIDE;
    b.q = b.ds + most * TILE_STRIDE, b.dout = b.q + (int64_t)most * E, b.dq = b.dout + (int64_t)most * E;
    b.mx = b.dq + (int64_t)most * E, b.r = b.mx + most, b.dot = b.r + most;
    float *turned = b.dot + most;
    int64_t own_at = 2 * E * round_up(n_parent);
    for (int g = g0; g < g1; g++) {
        int64_t head = (int64_t)g * R * E, at = (int64_t)g * E;
        const side sides[2] = {
            {parent, turned, turned + E * round_up(n_parent), n_parent ? dk_parent + at : NULL, n_parent ? dv_parent + at : NULL, false},
            {own, turned + own_at, turned + own_at + E * round_up(n_q), dk_own + at, dv_own + at, true},
        };
        for (int k = n_parent ? 0 : 1; k < 2; k++)
            turn(&sides[k], heads, g);
        for (int i = 0, rows; i < n_q; i += rows / R) {
            rows = (n_q - i) * R < most ? (n_q - i) * R : most;
            gather_rows(b.q, q + i * ldq + head, ldq, rows, R, E);
            gather_rows(b.dout, dout + i * ldo + head, ldo, rows, R, E);
            for (int m = 0; m < rows; m++) {
                int64_t row = (int64_t)(i + m / R) * heads.H + g * R + m % R;
                b.mx[m] = row_max[row], b.r[m] = 1.0f / row_sum[row];
                b.dot[m] = sum16_fma(b.dout + (int64_t)m * E, out + (i + m / R) * ldo + head + (int64_t)(m % R) * E, E);
            }
            for (int k = n_parent ? 0 : 1; k < 2; k++)
                for (int j = 0, n, keys = k ? i + rows / R : n_parent; j < keys; j += n) {
                    n = keys - j < KEY_TILE ? keys - j : KEY_TILE;
                    backward_tile(&b, &sides[k], g, j, n, i, rows, j > 0 || (k && n_parent));
                }
            for (int m = 0; m < rows / R; m++)
                memcpy(dq + (i + m) * ldd + head, b.dq + (int64_t)m * R * E, (size_t)R * (size_t)E * sizeof *dq);
        }
    }
}

/* ---- appending keys and values ---- */

/* Sixteen keys, the rows of a matrix, to one block. */
static void append_block(float *to, const float *k, int64_t ld, int E)
{
    vf t[16];
    for (int e = 0; e < E; e += 16) {
        int n = E - e < 16 ? E - e : 16;
        for (int i = 0; i < 16; i++)
            t[i] = get(k + i * ld + e, n);
        vf_transpose(t);
        for (int i = 0; i < n; i++)
            vf_store(to + (e + i) * 16, t[i]);
    }
}

static void kv_append(const rz_kv *kv, const float *k, const float *v, int64_t ld, int n, int G, int E)
{
    assert(n >= 0 && kv->n + n <= kv->cap && kv->cap % RZ_PANEL == 0);
    int64_t width = (int64_t)G * E;
    for (int i = 0; i < n; i++)
        memcpy(kv->v + (kv->n + i) * width, v + i * ld, (size_t)width * sizeof *v);
    for (int i = 0, step; i < n; i += step) {
        int lane = (kv->n + i) % RZ_PANEL;
        float *to = kv->k + (kv->n + i - lane) * width;
        step = lane == 0 && n - i >= RZ_PANEL ? RZ_PANEL : 1;
        for (int g = 0; step > 1 && g < G; g++)
            append_block(to + (int64_t)g * RZ_PANEL * E, k + i * ld + (int64_t)g * E, ld, E);
        for (int64_t e = 0; step == 1 && e < width; e++)
            to[e * RZ_PANEL + lane] = k[i * ld + e];
    }
}
