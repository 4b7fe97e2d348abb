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
} forward;

static forward begin_forward(const float *q, int64_t ldq, int n_q, const rz_kv *parent, const rz_kv *own, rz_heads heads, float *scratch)
{
    int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0;
    int64_t room = forward_room(n_q, heads);
    forward f = {q, ldq, parent, own, heads, R, E, n_parent, own->n - n_q, score_stride(n_parent + own->n), aligned(scratch), NULL, NULL, NULL};
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
    for (int m = 0; m < rows; m++) {
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

#if VF_REGISTERS >= 32
enum { CHAINS = 16, MOST_GROUPS = 8, MOST_HEADS = 4 };
#else
enum { CHAINS = 4, MOST_GROUPS = 4, MOST_HEADS = 2 };
#endif

typedef struct {
    float *out;
    const float *p, *v; /* of the first g */
    const float *soon;  /* values that are needed after these, ldv apart */
    int64_t ldp, ldv;
    int E, n;
    bool add;
} together;

/* Weighted values of some g: their heads have few chains each, together they hide each other's latency. */
INLINE void values_together(const together *t, const int groups, const int R, const int np)
{
    vf acc[CHAINS][4];
    const together u = *t;
    UNROLL for (int r = 0; r < groups * R; r++)
        UNROLL for (int i = 0; i < np; i++)
            acc[r][i] = u.add ? vf_load(u.out + r * u.E + 16 * i) : vf_zero();
    for (int64_t j = 0; j < u.n; j++)
        UNROLL for (int g = 0; g < groups; g++) {
            vf v[4];
            UNROLL for (int i = 0; i < np; i++) {
                v[i] = vf_load(u.v + j * u.ldv + (g * np + i) * 16);
                __builtin_prefetch(u.soon + j * u.ldv + (g * np + i) * 16, 0, 2);
            }
            UNROLL for (int r = g * R; r < (g + 1) * R; r++) {
                vf w = vf_set(u.p[r * u.ldp + j]);
                UNROLL for (int i = 0; i < np; i++)
                    acc[r][i] = vf_fma(w, v[i], acc[r][i]);
            }
        }
    UNROLL for (int r = 0; r < groups * R; r++)
        UNROLL for (int i = 0; i < np; i++)
            vf_store(u.out + r * u.E + 16 * i, acc[r][i]);
}

/* F(panels of E, heads of a g, groups), by how many chains there are at once */
#define EACH_OF_4(F) F(1, 1, 2) F(1, 1, 3) F(1, 1, 4) F(1, 2, 2) F(2, 1, 2)
#define EACH_OF_16(F)                                                                                                                 \
    EACH_OF_4(F) F(1, 1, 5) F(1, 1, 6) F(1, 1, 7) F(1, 1, 8) F(1, 2, 3) F(1, 2, 4) F(1, 3, 2) F(1, 3, 3) F(1, 4, 2) F(2, 1, 3) F(2, 1, 4)  \
    F(2, 1, 5) F(2, 1, 6) F(2, 1, 7) F(2, 1, 8) F(2, 2, 2) F(2, 2, 3) F(2, 2, 4) F(2, 3, 2) F(2, 4, 2) F(3, 1, 2) F(3, 1, 3) F(3, 1, 4)    \
    F(3, 2, 2) F(4, 1, 2) F(4, 1, 3) F(4, 1, 4) F(4, 2, 2)
#if VF_REGISTERS >= 32
#define EACH_TOGETHER EACH_OF_16
#else
#define EACH_TOGETHER EACH_OF_4
#endif
#define TOGETHER(NP, R, GROUPS) \
    static void together_##NP##x##R##x##GROUPS(const together *t) { values_together(t, GROUPS, R, NP); }
#define TOGETHER_ENTRY(NP, R, GROUPS) [NP][R][GROUPS] = together_##NP##x##R##x##GROUPS,
EACH_TOGETHER(TOGETHER)
static void (*const together_fns[5][MOST_HEADS + 1][MOST_GROUPS + 1])(const together *t) = {EACH_TOGETHER(TOGETHER_ENTRY)};

/* How many of the n_g groups left to take together: 1, or so many that all their heads fit. */
static int groups_together(int R, int E, int n_g)
{
    int panels = E / RZ_PANEL;
    if (E % RZ_PANEL || panels > 4 || R > MOST_HEADS)
        return 1;
    int fit = minimum(CHAINS / (panels * R), MOST_GROUPS), n = fit < 2 ? 1 : even_part(n_g, fit, 0);
    while (n > 1 && !together_fns[panels][R][n])
        n--;
    return n;
}

/* Where what is needed after a segment lies: while one sequence is attended to the next one's keys and values are asked for, in the order in which they lie. Of a
 * parent that both have, or of sequences that are too long to lie near, it is the segment itself: nothing. */
static const rz_kv *soon_after(const rz_kv *kv, const rz_kv *next, int n_keys, rz_heads heads)
{
    enum { NEAR = 400 << 10 };
    return next && next->n && (int64_t)n_keys * heads.G * heads.E * 2 * (int64_t)sizeof(float) <= NEAR ? next : kv;
}

/* Scores of all heads on one segment, a few blocks of keys at a time. */
static void step_scores(const forward *f, const rz_kv *kv, const rz_kv *next, float *s, int g0, int g1)
{
    int R = f->R, E = f->E, blocks = (int)round_up(kv->n) / RZ_PANEL;
    const float *soon = next->k == kv->k ? NULL : keys_of(next, f->heads, g0, 0);
    for (int b = 0, i = 0, n; b < blocks; b += n, i++) {
        n = even_part(blocks, MAX_PANELS, i);
        for (int g = g0; g < g1; g++) {
            product((block){.c = s + (int64_t)(g - g0) * R * f->lds + b * RZ_PANEL, .ldc = f->lds, .a = f->q + (int64_t)g * R * E, .sm = E, .sk = 1,
                            .b = keys_of(kv, f->heads, g, b * RZ_PANEL), .sb = RZ_PANEL, .sp = (int64_t)RZ_PANEL * f->heads.G * E, .K = E,
                            .soon = (const char *)soon, .soon_panel = RZ_PANEL * sizeof *soon, .soon_k = n * (int64_t)(RZ_PANEL * sizeof *soon)}, R,
                    n * RZ_PANEL);
            soon = soon ? soon + (int64_t)n * RZ_PANEL * E : NULL;
        }
    }
}

static void step_values(const forward *f, const rz_kv *next_parent, const rz_kv *next_own, int g0, int g1)
{
    int E = f->E, R = f->R;
    for (int g = g0, n; g < g1; g += n) {
        n = groups_together(R, E, g1 - g);
        int64_t row = (int64_t)(g - g0) * R;
        float *p = f->s + row * f->lds, *o = f->o + row * E;
        if (n == 1) {
            forward_values(f, p, o, g, 0, R);
            continue;
        }
        together t = {o, p, NULL, NULL, f->lds, (int64_t)f->heads.G * E, E, f->n_parent, false};
        if (f->n_parent) {
            t.v = values_of(f->parent, f->heads, g, 0), t.soon = values_of(next_parent, f->heads, g, 0);
            together_fns[E / RZ_PANEL][R][n](&t);
        }
        t.p = p + f->n_parent, t.v = values_of(f->own, f->heads, g, 0), t.n = f->own->n, t.add = f->n_parent > 0;
        t.soon = values_of(next_own, f->heads, g, 0);
        together_fns[E / RZ_PANEL][R][n](&t);
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
        if (f.n_parent)
            step_scores(&f, &parent[i], next_parent, f.s, g0, g1);
        step_scores(&f, &own[i], next_own, f.s + f.n_parent, g0, g1);
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
