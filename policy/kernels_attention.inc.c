/* Part of kernels_vec.c: attention as products of small matrices, one key/value head g at a time. The rows of a block are its (query, head
 * of g) pairs in order; keys and values are used where they lie: a key block is a packed panel, the values are a row-major matrix.
 *   scores (rows, keys) = Q·Kᵀ     out (rows, E) = P·V, the causal edge skipped
 * The backward pass takes a block of rows through all keys, a tile of keys at a time: dQ goes on from tile to tile, dK and dV in memory. */

enum { FORWARD_ROWS = 24, BACKWARD_ROWS = 48, SCORE_ROWS = 12, KEY_TILE = 128, TILE_STRIDE = KEY_TILE + RZ_PANEL };

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
    int64_t forward = turned + forward_room(n_q, heads) * (score_stride(n_keys) + 2 * E + 1);
    int64_t backward = turned + block_rows(n_q, R, BACKWARD_ROWS) * (3 * E + 3 + 2 * TILE_STRIDE);
    return (size_t)((forward > backward ? forward : backward) + RZ_PANEL); /* and room to align */
}

static float *aligned(float *p)
{
    return (float *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
}

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
    int64_t lds, ldm;           /* rows of s, of row_max and row_sum */
    float *s, *a, *o, *sum; /* scores (rows, lds); queries, if they must be gathered, and weighted values (rows, E); sums (rows) */
    const float *soon;      /* n_soon floats: as many as there is time for are asked for while scores become weights */
    int64_t n_soon;
} forward;

static forward begin_forward(const float *q, int64_t ldq, int n_q, const rz_kv *parent, const rz_kv *own, rz_heads heads, float *scratch)
{
    int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0;
    int64_t room = forward_room(n_q, heads);
    forward f = {q, ldq, parent, own, heads, R, E, n_parent, own->n - n_q, score_stride(n_parent + own->n), heads.H, aligned(scratch), NULL, NULL, NULL, NULL, 0};
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
        int64_t at = query * f->ldm + h + m % n_heads;
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

static void forward_heads(const forward *f, float *out, int64_t ldo, float *row_max, float *row_sum, int n_q, int g0, int g1)
{
    int queries = block_rows(n_q, f->R, FORWARD_ROWS) / f->R;
    for (int g = g0; g < g1; g++)
        for (int i = 0; i < n_q; i += queries) {
            int rows = (n_q - i < queries ? n_q - i : queries) * f->R;
            forward_scores(f, f->s, g, i, rows);
            forward_softmax(f, row_max, row_sum, g * f->R, f->R, i, rows);
            forward_values(f, f->s, f->o, g, i, rows);
            forward_store(f, out, ldo, g * f->R, f->R, i, rows);
        }
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n >= n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    const int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0;
    if (!own->half_k) {
        forward f = begin_forward(q, ldq, n_q, parent, own, heads, scratch);
        forward_heads(&f, out, ldo, row_max, row_sum, n_q, g0, g1);
        return;
    }
    float *wide = aligned(scratch), *wide_own = wide + 2 * E * round_up(n_parent), *room = wide_own + 2 * E * round_up(own->n);
    for (int g = g0, h = g0 * R; g < g1; g++, h += R) { /* each as the only one */
        const rz_kv parent_g = n_parent ? widen(parent, heads, g, wide) : (rz_kv){0}, own_g = widen(own, heads, g, wide_own);
        forward f = begin_forward(q + h * E, ldq, n_q, n_parent ? &parent_g : NULL, &own_g, (rz_heads){R, 1, E, heads.scale}, room);
        f.ldm = heads.H;
        forward_heads(&f, out + h * E, ldo, row_max ? row_max + h : NULL, row_sum ? row_sum + h : NULL, n_q, 0, 1);
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
    assert(n_q >= 0 && own->n == n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G && !own->half_k);
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
