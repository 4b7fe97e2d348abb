/* Part of kernels_vec.c: attention of a step, one query of all its heads; keys and values are read in the order in which they lie, from wherever they are. */

/* Of so many heads of a g: blocks of keys, panels of E at once. CHAINS: of the heads of some g together. More heads than these, and heads that are not made of panels, go the way of long runs. */
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
    return !ahead_by_itself() && next && next->n && words(kv, n_keys) * heads.G * heads.E * 2 * (int64_t)sizeof(float) <= NEAR ? next : kv;
}

/* Some blocks of keys, of either segment: where they lie, of the first g, where their scores go, of the first head. soon: keys that are needed after these. */
typedef struct {
    const float *q, *k[MOST_BLOCKS], *soon;
    float *s[MOST_BLOCKS];
    int64_t lds;
    int E;
} key_blocks;

/* Sixteen floats, or the first or the second ones of as many pairs of bfloat16. */
INLINE vf load_as(const float *p, const bool half, const bool second)
{
    const uint16_t *pairs = (const void *)p;
    return !half ? vf_load(p) : second ? vf_load_odd(pairs) : vf_load_even(pairs);
}

/* Scores of the R heads of a g. half: lines hold two elements of each key. */
INLINE void scores_of_blocks(const key_blocks *t, const int R, const int n, const bool ask, const bool half)
{
    const int each = half ? 2 : 1;
    vf acc[MOST_HEADS][MOST_BLOCKS];
    const key_blocks u = *t;
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int i = 0; i < n; i++)
            acc[r][i] = vf_zero();
    for (int64_t line = 0; line * each < u.E; line++)
        UNROLL for (int x = 0; x < each; x++) {
            vf k[MOST_BLOCKS];
            UNROLL for (int i = 0; i < n; i++) {
                k[i] = load_as(u.k[i] + line * RZ_PANEL, half, x);
                if (ask && x == 0)
                    __builtin_prefetch(u.soon + (line * n + i) * RZ_PANEL, 0, 2);
            }
            UNROLL for (int r = 0; r < R; r++) {
                vf q = vf_set(u.q[r * u.E + line * each + x]);
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
#define BLOCKS_OF(R, N, ASK, HALF) \
    static void blocks_##R##x##N##_##ASK##HALF(const key_blocks *t) { scores_of_blocks(t, R, N, ASK, HALF); }
#define BLOCKS(R, N) BLOCKS_OF(R, N, 0, 0) BLOCKS_OF(R, N, 0, 1) BLOCKS_OF(R, N, 1, 0) BLOCKS_OF(R, N, 1, 1)
#define BLOCKS_ENTRY(R, N) [R][N] = {{blocks_##R##x##N##_00, blocks_##R##x##N##_01}, {blocks_##R##x##N##_10, blocks_##R##x##N##_11}},
EACH_BLOCKS(BLOCKS)
static void (*const blocks_fns[MOST_HEADS + 1][MOST_BLOCKS + 1][2][2])(const key_blocks *t) = {EACH_BLOCKS(BLOCKS_ENTRY)}; /* ask, half */

/* Keys that are asked for, of one segment after the other: `left` words of this one. */
typedef struct {
    const float *p, *then;
    int64_t left;
} asked_keys;

static asked_keys ask_keys(const rz_kv *parent, const rz_kv *next_parent, const rz_kv *own, const rz_kv *next_own, rz_heads h)
{
    const float *parent_keys = key_words(next_parent), *own_keys = key_words(next_own);
    const bool has_parent = parent_keys != key_words(parent), has_own = own_keys != key_words(own);
    return (asked_keys){has_parent ? parent_keys : NULL, has_own ? own_keys : NULL, has_parent ? words(next_parent, round_up(next_parent->n) * h.G * h.E) : 0};
}

/* Of these the next n words; the last few of a segment are let go. NULL: there are none. */
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
    const bool half = f->own->half_k;
    const int64_t part = words(f->own, (int64_t)E * RZ_PANEL), size = f->heads.G * part; /* of a block, the share of a g and all of it */
    asked_keys ask = ask_keys(f->parent, next_parent, f->own, next_own, f->heads);
    for (int b = 0, i = 0, n; b < blocks; b += n, i++) {
        n = even_part(blocks, blocks_of_heads[R], i);
        key_blocks t = {.q = f->q + (int64_t)g0 * R * E, .lds = f->lds, .E = E};
        for (int j = 0; j < n; j++) {
            bool own = b + j >= first;
            int at = own ? b + j - first : b + j;
            t.k[j] = key_words(own ? f->own : f->parent) + at * size + g0 * part;
            t.s[j] = f->s + (own ? f->n_parent : 0) + at * RZ_PANEL;
        }
        for (int g = g0; g < g1; g++) {
            t.soon = take_keys(&ask, n * part);
            blocks_fns[R][n][t.soon != NULL][half](&t);
            t.q += R * E;
            for (int j = 0; j < n; j++)
                t.k[j] += part, t.s[j] += R * f->lds;
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

/* acc += weights p (of heads, ldp apart) times a row of values, of both its tokens where it has two. */
INLINE void add_values(vf acc[CHAINS][4], const float *p, int64_t ldp, const float *row, const float *soon, const int groups, const int R, const int np, const bool half,
                       const int tokens)
{
    UNROLL for (int g = 0; g < groups; g++)
        UNROLL for (int x = 0; x < tokens; x++) {
            vf v[4];
            UNROLL for (int i = 0; i < np; i++) {
                v[i] = load_as(row + (g * np + i) * 16, half, x);
                if (x == 0)
                    __builtin_prefetch(soon + (g * np + i) * 16, 0, 2);
            }
            UNROLL for (int r = g * R; r < (g + 1) * R; r++) {
                vf w = vf_set(p[r * ldp + x]);
                UNROLL for (int i = 0; i < np; i++)
                    acc[r][i] = vf_fma(w, v[i], acc[r][i]);
            }
        }
}

/* Weighted values of some g: their heads have few chains each, together they hide each other's latency. half: rows hold the values of two tokens. */
INLINE void values_together(const together *t, const int groups, const int R, const int np, const bool half)
{
    const int each = half ? 2 : 1;
    vf acc[CHAINS][4];
    const together u = *t;
    UNROLL for (int r = 0; r < groups * R; r++)
        UNROLL for (int i = 0; i < np; i++)
            acc[r][i] = vf_zero();
    const float *p = u.p;
    for (int k = 0; k < 2; k++) {
        const int64_t rows = u.n[k] / each;
        for (int64_t j = 0; j < rows; j++, p += each)
            add_values(acc, p, u.ldp, u.v[k] + j * u.ldv, u.soon[k] + j * u.ldv, groups, R, np, half, each);
        if (half && u.n[k] % 2)
            add_values(acc, p++, u.ldp, u.v[k] + rows * u.ldv, u.soon[k] + rows * u.ldv, groups, R, np, half, 1);
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
#define TOGETHER_OF(NP, R, GROUPS, HALF) \
    static void together_##NP##x##R##x##GROUPS##_##HALF(const together *t) { values_together(t, GROUPS, R, NP, HALF); }
#define TOGETHER(NP, R, GROUPS) TOGETHER_OF(NP, R, GROUPS, 0) TOGETHER_OF(NP, R, GROUPS, 1)
#define TOGETHER_ENTRY(NP, R, GROUPS) [NP][R][GROUPS] = {together_##NP##x##R##x##GROUPS##_0, together_##NP##x##R##x##GROUPS##_1},
EACH_TOGETHER(TOGETHER)
static void (*const together_fns[5][MOST_HEADS + 1][MOST_GROUPS + 1][2])(const together *t) = {EACH_TOGETHER(TOGETHER_ENTRY)}; /* half */

/* How many of the n_g groups left to take together: 1, or so many that all their heads fit. */
static int groups_together(int R, int panels, int n_g)
{
    int fit = panels > 4 ? 0 : minimum(CHAINS / (panels * R), MOST_GROUPS), n = fit < 2 ? 1 : even_part(n_g, fit, 0);
    while (n > 1 && !together_fns[panels][R][n][false])
        n--;
    return n;
}

static void step_values(const forward *f, const rz_kv *next_parent, const rz_kv *next_own, int g0, int g1)
{
    int E = f->E, R = f->R, panels = E / RZ_PANEL;
    for (int g = g0, n; g < g1; g += n) {
        int64_t row = (int64_t)(g - g0) * R;
        float *p = f->s + row * f->lds, *o = f->o + row * E;
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
            together_fns[np][R][n][f->own->half_v != NULL](&t);
        }
    }
}

/* The last key and value of own, from the rows of a token; lanes of a block beyond the last key are computed on, then dropped: let them be numbers. */
static void append_last(const rz_kv *own, const float *k, const float *v, rz_heads heads, int g0, int g1)
{
    const int at = own->n - 1;
    const int64_t part = words(own, (int64_t)RZ_PANEL * heads.E);
    if (at % RZ_PANEL == 0)
        memset((float *)keys_of(own, heads, g0, at), 0, (size_t)((g1 - g0) * part) * sizeof(float));
    append_token(own, at, k, v, heads.G, heads.E, g0, g1);
}

static void attention_step(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n >= 0 && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int H = heads.H, R = H / heads.G, E = heads.E, rows = (g1 - g0) * R;
    for (int i = 0; i < n; i++) {
        const float *row = qkv + i * ld;
        append_last(&own[i], row + (int64_t)H * E, row + (int64_t)(H + heads.G) * E, heads, g0, g1);
        if (R > MOST_HEADS || E % RZ_PANEL) {
            attention_forward(out + i * ldo, ldo, row_max ? row_max + (int64_t)i * H : NULL, row_sum ? row_sum + (int64_t)i * H : NULL, row, ld, 1, &parent[i], &own[i],
                              heads, g0, g1, scratch);
            continue;
        }
        forward f = begin_forward(row, ld, 1, &parent[i], &own[i], heads, scratch);
        const rz_kv *next_parent = soon_after(&parent[i], i + 1 < n ? &parent[i + 1] : NULL, parent[i].n + own[i].n, heads),
                    *next_own = soon_after(&own[i], i + 1 < n ? &own[i + 1] : NULL, parent[i].n + own[i].n, heads);
        if (ahead_by_itself())
            f.soon = values_of(&own[i], heads, g0, 0), f.n_soon = words(&own[i], own[i].n) * heads.G * E;
        step_scores(&f, next_parent, next_own, g0, g1);
        forward_softmax(&f, row_max ? row_max + (int64_t)i * H : NULL, row_sum ? row_sum + (int64_t)i * H : NULL, g0 * R, rows, 0, rows);
        step_values(&f, next_parent, next_own, g0, g1);
        forward_store(&f, out + i * ldo, ldo, g0 * R, rows, 0, rows);
    }
}

