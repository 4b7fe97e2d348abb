/* Part of kernels_vec.c: attention as products of small matrices, one key/value head g at a time. The rows of a block are its (query, head
 * of g) pairs in order; keys and values are used where they lie: a key block is a packed panel, the values are a row-major matrix.
 *   scores (rows, keys) = Q·Kᵀ     out (rows, E) = P·V, the causal edge skipped
 * The backward pass takes a block of rows through all keys, a tile of keys at a time: dQ goes on from tile to tile, dK and dV in memory. */

enum { FORWARD_ROWS = 24, BACKWARD_ROWS = 48, SCORE_ROWS = 12, KEY_TILE = 128, TILE_STRIDE = KEY_TILE + RZ_PANEL };
enum { CHAINS = VF_REGISTERS >= 32 ? 8 : 4 };

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

/* Rows the scratch of a forward call has room for. */
static int64_t forward_room(int n_q, int R)
{
    int rows = block_rows(n_q, R, FORWARD_ROWS);
    return rows > CHAINS ? rows : CHAINS;
}

static size_t attention_scratch(int n_q, int n_keys, rz_heads heads)
{
    int R = heads.H / heads.G;
    int64_t E = heads.E, turned = 2 * E * round_up((int64_t)n_keys + RZ_PANEL);
    int64_t forward = forward_room(n_q, R) * (score_stride(n_keys) + 2 * E + 1);
    int64_t backward = turned + block_rows(n_q, R, BACKWARD_ROWS) * (3 * E + 3 + 2 * TILE_STRIDE);
    return (size_t)((forward > backward ? forward : backward) + RZ_PANEL); /* and room to align */
}

static float *aligned(float *p)
{
    return (float *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

static const float *keys_of(const rz_kv *kv, int g, int j0, int E) { return kv->k + ((int64_t)g * kv->cap + j0) * E; }
static const float *values_of(const rz_kv *kv, int g, int j0, int E) { return kv->v + ((int64_t)g * kv->cap + j0) * E; }

/* dst(rows, E) are the rows (i, r) of a matrix whose queries are ld apart. */
static void gather_rows(float *dst, const float *src, int64_t ld, int rows, int R, int E)
{
    for (int i = 0; i < rows / R; i++)
        memcpy(dst + (int64_t)i * R * E, src + i * ld, (size_t)R * (size_t)E * sizeof *dst);
}

/* c(rows, keys) = a(rows, E) · keys (blocks of E×16). Row m needs the first `first + m/R` keys: a few more are computed. */
static void scores(float *c, int64_t ldc, const float *a, int64_t sm, const float *keys, int rows, int first, int most, int R, int E)
{
    for (int m = 0, n; m < rows; m += n) {
        n = minimum(rows - m, SCORE_ROWS);
        int need = first + (m + n - 1) / R;
        need = need < 0 ? 0 : need < most ? need : most;
        product((block){.c = c + m * ldc, .ldc = ldc, .a = a + m * sm, .sm = sm, .sk = 1, .b = keys, .sb = RZ_PANEL,
                        .sp = (int64_t)RZ_PANEL * E, .K = E}, n, (int)round_up(need));
    }
}

/* ---- weighted values of a single query: its heads have few chains each, so the heads of several g run together ---- */

typedef struct {
    float *out;
    const float *p;
    int64_t ldp;
    const float *v; /* of the first g; those of the next are v_stride on */
    int64_t v_stride;
    int R, E, n;
    bool add;
} together;

INLINE void values_together(const together *t, const int rows, const int np)
{
    vf acc[CHAINS][4];
    const float *v[CHAINS];
    const together u = *t;
    UNROLL for (int r = 0; r < rows; r++) {
        v[r] = u.v + r / u.R * u.v_stride;
        UNROLL for (int i = 0; i < np; i++)
            acc[r][i] = u.add ? vf_load(u.out + r * u.E + 16 * i) : vf_zero();
    }
    for (int64_t j = 0; j < u.n; j++)
        UNROLL for (int r = 0; r < rows; r++) {
            vf w = vf_set(u.p[r * u.ldp + j]);
            UNROLL for (int i = 0; i < np; i++)
                acc[r][i] = vf_fma(w, vf_load(v[r] + j * u.E + 16 * i), acc[r][i]);
        }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int i = 0; i < np; i++)
            vf_store(u.out + r * u.E + 16 * i, acc[r][i]);
}

#define TOGETHER(ROWS, NP) \
    static void together_##ROWS##x##NP(const together *t) { values_together(t, ROWS, NP); }
TOGETHER(2, 1) TOGETHER(3, 1) TOGETHER(4, 1) TOGETHER(2, 2)
#if VF_REGISTERS >= 32
TOGETHER(5, 1) TOGETHER(6, 1) TOGETHER(7, 1) TOGETHER(8, 1) TOGETHER(3, 2) TOGETHER(4, 2) TOGETHER(2, 3) TOGETHER(2, 4)
#endif
/* by panels of E, and rows */
static void (*const together_fns[5][CHAINS + 1])(const together *t) = {
#if VF_REGISTERS >= 32
    [1] = {[2] = together_2x1, together_3x1, together_4x1, together_5x1, together_6x1, together_7x1, together_8x1},
    [2] = {[2] = together_2x2, together_3x2, together_4x2},
    [3] = {[2] = together_2x3},
    [4] = {[2] = together_2x4},
#else
    [1] = {[2] = together_2x1, together_3x1, together_4x1},
    [2] = {[2] = together_2x2},
#endif
};

/* How many of the n_g groups to take together: 1, or so many that all their heads fit. */
static int groups_together(int n_q, int R, int E, int n_g)
{
    int panels = E / RZ_PANEL;
    if (n_q != 1 || E % RZ_PANEL || panels > 4)
        return 1;
    int fit = CHAINS / (panels * R);
    return fit < 2 ? 1 : fit < n_g ? fit : n_g;
}

/* ---- forward ---- */

typedef struct {
    const float *q;
    int64_t ldq;
    const rz_kv *parent, *own;
    rz_heads heads;
    int R, E, n_parent, before; /* query i sees own keys 0 … before + i */
    int64_t lds;
    float *s, *a, *o; /* scores (rows, lds); queries, if they must be gathered, and weighted values (rows, E) */
} forward;

/* Scores of the rows of queries i … and heads of g. */
static void forward_scores(const forward *f, float *s, int g, int i, int rows)
{
    const float *a = f->q + i * f->ldq + (int64_t)g * f->R * f->E;
    int64_t sm = rows == f->R ? f->E : f->ldq; /* one query, or one head */
    if (rows > f->R && f->R > 1) {
        gather_rows(f->a, a, f->ldq, rows, f->R, f->E);
        a = f->a, sm = f->E;
    }
    if (f->n_parent)
        product((block){.c = s, .ldc = f->lds, .a = a, .sm = sm, .sk = 1, .b = keys_of(f->parent, g, 0, f->E), .sb = RZ_PANEL,
                        .sp = (int64_t)RZ_PANEL * f->E, .K = f->E}, rows, (int)round_up(f->n_parent));
    scores(s + f->n_parent, f->lds, a, sm, keys_of(f->own, g, 0, f->E), rows, f->before + i + 1, f->own->n, f->R, f->E);
}

/* o(rows, E) = p·values: for the rows of one g, or of n_g groups and one query. */
static void forward_values(const forward *f, int g, int n_g, int i, int rows)
{
    int edge[FORWARD_ROWS], E = f->E;
    if (n_g > 1) {
        together t = {f->o, f->s, f->lds, NULL, 0, f->R, E, f->n_parent, false};
        if (f->n_parent) {
            t.v = values_of(f->parent, g, 0, E), t.v_stride = (int64_t)f->parent->cap * E;
            together_fns[E / RZ_PANEL][rows](&t);
        }
        t.p = f->s + f->n_parent, t.v = values_of(f->own, g, 0, E), t.v_stride = (int64_t)f->own->cap * E, t.n = f->before + i + 1;
        t.add = f->n_parent > 0;
        together_fns[E / RZ_PANEL][rows](&t);
        return;
    }
    block t = {.c = f->o, .ldc = E, .a = f->s, .sm = f->lds, .sk = 1, .sb = E, .sp = RZ_PANEL};
    if (f->n_parent) {
        t.b = values_of(f->parent, g, 0, E), t.K = f->n_parent;
        product(t, rows, E);
    }
    t.a = f->s + f->n_parent, t.b = values_of(f->own, g, 0, E), t.K = f->before + i + 1, t.add = f->n_parent > 0;
    if (rows > f->R) {
        for (int m = 0; m < rows; m++)
            edge[m] = f->before + i + m / f->R + 1;
        t.edge = edge;
    }
    product(t, rows, E);
}

/* Scores become weights: queries i … of `n_heads` heads from h on. sum(rows) for later; row_max and row_sum for backward. */
static void forward_softmax(const forward *f, float *sum, float *row_max, float *row_sum, int h, int n_heads, int i, int rows)
{
    for (int m = 0; m < rows; m++) {
        int query = i + m / n_heads, keys = f->n_parent + f->before + query + 1;
        int64_t at = (int64_t)query * f->heads.H + h + m % n_heads;
        float *s = f->s + m * f->lds, mx = greatest(s, f->heads.scale, keys);
        sum[m] = sum_exp(s, NULL, s, f->heads.scale, mx, keys);
        if (row_max)
            row_max[at] = mx;
        if (row_sum)
            row_sum[at] = sum[m];
    }
}

static void forward_store(const forward *f, float *out, int64_t ldo, const float *sum, int h, int n_heads, int i, int rows)
{
    for (int m = 0; m < rows; m++) {
        float *to = out + (i + m / n_heads) * ldo + (int64_t)(h + m % n_heads) * f->E;
        SIXTEENS(e, n, f->E)
            put(to + e, vf_div(get(f->o + (int64_t)m * f->E + e, n), vf_set(sum[m])), n);
    }
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n >= n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0, queries = block_rows(n_q, R, FORWARD_ROWS) / R;
    int64_t room = forward_room(n_q, R);
    forward f = {q, ldq, parent, own, heads, R, E, n_parent, own->n - n_q, score_stride(n_parent + own->n), aligned(scratch), NULL, NULL};
    f.a = f.s + f.lds * room;
    f.o = f.a + E * room;
    float *sum = f.o + E * room;
    for (int g = g0, n_g; g < g1; g += n_g) {
        n_g = groups_together(n_q, R, E, g1 - g);
        for (int i = 0; i < n_q; i += queries) {
            int rows = (n_q - i < queries ? n_q - i : queries) * R; /* of each group */
            for (int k = 0; k < n_g; k++)
                forward_scores(&f, f.s + k * rows * f.lds, g + k, i, rows);
            forward_softmax(&f, sum, row_max, row_sum, g * R, n_g * R, i, n_g * rows);
            forward_values(&f, g, n_g, i, n_g * rows);
            forward_store(&f, out, ldo, sum, g * R, n_g * R, i, n_g * rows);
        }
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
    int R, E;
    float scale;
    int64_t ldd;
    float *q, *dout, *dq;   /* (rows,E) */
    float *mx, *r, *dot;    /* (rows) */
    float *p, *ds;          /* (rows,TILE_STRIDE): scores, then weights; dp, then ds */
} backward;

static void turn(const side *s, int g, int E)
{
    vf t[16];
    for (int j = 0; j < s->kv->n; j += 16)
        for (int e = 0; e < E; e += 16) {
            int n = E - e < 16 ? E - e : 16;
            const float *k = keys_of(s->kv, g, j, E) + e * 16, *v = values_of(s->kv, g, j, E) + e;
            for (int i = 0; i < 16; i++)
                t[i] = i < n ? vf_load(k + i * 16) : vf_zero();
            vf_transpose(t);
            for (int i = 0; i < 16; i++)
                put(s->rows + (int64_t)(j + i) * E + e, t[i], n);
            for (int i = 0; i < 16; i++)
                t[i] = get(v + (int64_t)i * E, n);
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
    scores(b->p, TILE_STRIDE, b->q, E, keys_of(s->kv, g, j0, E), rows, first, n, R, E);
    scores(b->ds, TILE_STRIDE, b->dout, E, s->panels + (int64_t)j0 * E, rows, first, n, R, E);
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
    backward b = {.R = R, .E = E, .scale = heads.scale, .ldd = ldd, .p = aligned(scratch)};
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
            turn(&sides[k], g, E);
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
    for (int g = 0; g < G; g++, k += E, v += E) {
        int64_t at = (int64_t)g * kv->cap * E;
        for (int i = 0; i < n; i++)
            memcpy(kv->v + at + (int64_t)(kv->n + i) * E, v + i * ld, (size_t)E * sizeof *v);
        for (int i = 0, step; i < n; i += step) {
            int lane = (kv->n + i) % 16;
            float *to = kv->k + at + (int64_t)(kv->n + i - lane) * E;
            step = lane == 0 && n - i >= 16 ? 16 : 1;
            if (step == 16)
                append_block(to, k + i * ld, ld, E);
            else
                for (int e = 0; e < E; e++)
                    to[e * 16 + lane] = k[i * ld + e];
        }
    }
}
