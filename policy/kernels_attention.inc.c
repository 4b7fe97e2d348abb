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

/* What scores are the product of. soon: keys needed next, or NULL. */
static block keys_block(float *c, int64_t ldc, const float *a, int64_t sm, const float *keys, const float *soon, int E)
{
    return (block){.c = c, .ldc = ldc, .a = a, .sm = sm, .sk = 1, .b = keys, .sb = RZ_PANEL, .sp = (int64_t)RZ_PANEL * E, .K = E,
                   .soon = (const char *)soon, .soon_panel = RZ_PANEL * E * (int64_t)sizeof *soon, .soon_k = RZ_PANEL * sizeof *soon};
}

/* c(rows, keys) = a(rows, E) · keys (blocks of E×16). Row m needs the first `first + m/R` keys: a few more are computed. */
static void scores(float *c, int64_t ldc, const float *a, int64_t sm, const float *keys, const float *soon, int rows, int first, int most, int R, int E)
{
    for (int m = 0, n; m < rows; m += n) {
        n = minimum(rows - m, SCORE_ROWS);
        int need = first + (m + n - 1) / R;
        need = need < 0 ? 0 : need < most ? need : most;
        product(keys_block(c + m * ldc, ldc, a + m * sm, sm, keys, soon, E), n, (int)round_up(need));
    }
}

/* ---- weighted values of a single query: its heads have few chains each, so the heads of several g run together ---- */

typedef struct {
    float *out;
    const float *p;
    int64_t ldp;
    const float *v, *soon;         /* of the first g; values that are needed next, or any that are near */
    int64_t v_stride, soon_stride; /* from g to g */
    int E, n, soon_e;              /* soon_e: from key to key */
    bool add;
} together;

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
                v[i] = vf_load(u.v + g * u.v_stride + j * u.E + 16 * i);
                __builtin_prefetch(u.soon + g * u.soon_stride + j * u.soon_e + 16 * i, 0, 2);
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

/* TOGETHER(panels of E, heads of a g, groups) */
#if VF_REGISTERS >= 32
#define EACH_TOGETHER(F)                                                                                            \
    F(1, 1, 2) F(1, 1, 3) F(1, 1, 4) F(1, 1, 5) F(1, 1, 6) F(1, 1, 7) F(1, 1, 8) F(1, 2, 2) F(1, 2, 3) F(1, 2, 4)   \
    F(1, 3, 2) F(1, 4, 2) F(2, 1, 2) F(2, 1, 3) F(2, 1, 4) F(2, 2, 2) F(3, 1, 2) F(4, 1, 2)
#else
#define EACH_TOGETHER(F) F(1, 1, 2) F(1, 1, 3) F(1, 1, 4) F(1, 2, 2) F(2, 1, 2)
#endif
#define TOGETHER(NP, R, GROUPS) \
    static void together_##NP##x##R##x##GROUPS(const together *t) { values_together(t, GROUPS, R, NP); }
#define TOGETHER_ENTRY(NP, R, GROUPS) [NP][R][GROUPS] = together_##NP##x##R##x##GROUPS,
EACH_TOGETHER(TOGETHER)
static void (*const together_fns[5][CHAINS / 2 + 1][CHAINS + 1])(const together *t) = {EACH_TOGETHER(TOGETHER_ENTRY)};

/* How many of the n_g groups left to take together: 1, or so many that all their heads fit. */
static int groups_together(int n_q, int R, int E, int n_g)
{
    int panels = E / RZ_PANEL;
    if (n_q != 1 || E % RZ_PANEL || panels > 4)
        return 1;
    int fit = CHAINS / (panels * R);
    return fit < 2 ? 1 : even_part(n_g, fit, 0);
}

/* ---- forward ---- */

/* Groups g … g+n_g−1 of the keys of a query. */
typedef struct { const rz_kv *parent, *own; int g, n_g; } part;

typedef struct {
    const float *q;
    int64_t ldq;
    const rz_kv *parent, *own;
    rz_heads heads;
    int R, E, n_parent, before; /* query i sees own keys 0 … before + i */
    int64_t lds;
    float *s, *a, *o; /* scores (rows, lds); queries, if they must be gathered, and weighted values (rows, E) */
    part next;        /* will be attended to next: its keys and values may be far away; own NULL: not known */
} forward;

/* The segment of what is next in which group k of the part at hand has its counterpart; NULL: nothing to be asked for. Of two sequences in a row with one
 * parent the second finds it near. */
static const rz_kv *soon(const forward *f, bool parent, int k)
{
    const rz_kv *s = parent ? f->next.parent : f->next.own;
    bool near = parent && f->next.own != f->own && s && s->k == f->parent->k;
    return s && s->n && k < f->next.n_g && !near ? s : NULL;
}

/* Scores of the rows of queries i … and heads of g, the k-th of its part. */
static void forward_scores(const forward *f, float *s, int g, int k, int i, int rows)
{
    const float *a = f->q + i * f->ldq + (int64_t)g * f->R * f->E;
    const rz_kv *soon_parent = f->n_parent ? soon(f, true, k) : NULL, *soon_own = soon(f, false, k);
    int64_t sm = rows == f->R ? f->E : f->ldq; /* one query, or one head */
    if (rows > f->R && f->R > 1) {
        gather_rows(f->a, a, f->ldq, rows, f->R, f->E);
        a = f->a, sm = f->E;
    }
    if (f->n_parent)
        product(keys_block(s, f->lds, a, sm, keys_of(f->parent, g, 0, f->E), soon_parent ? keys_of(soon_parent, f->next.g + k, 0, f->E) : NULL, f->E), rows,
                (int)round_up(f->n_parent));
    scores(s + f->n_parent, f->lds, a, sm, keys_of(f->own, g, 0, f->E), soon_own ? keys_of(soon_own, f->next.g + k, 0, f->E) : NULL, rows,
           f->before + i + 1, f->own->n, f->R, f->E);
}

/* o(rows, E) += or = p·values of n_g groups and one query. */
static void values_of_part(const forward *f, const rz_kv *kv, const rz_kv *next, int g, int n_g, const float *p, int n, bool add)
{
    int E = f->E;
    together t = {f->o, p, f->lds, values_of(kv, g, 0, E), f->o, (int64_t)kv->cap * E, 0, E, n, 0, add};
    if (next)
        t.soon = values_of(next, f->next.g, 0, E), t.soon_stride = (int64_t)next->cap * E, t.soon_e = E;
    together_fns[E / RZ_PANEL][f->R][n_g](&t);
}

/* o(rows, E) = p·values: for the rows of one g, or of n_g groups and one query. */
static void forward_values(const forward *f, int g, int n_g, int i, int rows)
{
    int edge[FORWARD_ROWS], E = f->E;
    const rz_kv *soon_parent = f->n_parent ? soon(f, true, n_g - 1) : NULL, *soon_own = soon(f, false, n_g - 1);
    if (n_g > 1) {
        if (f->n_parent)
            values_of_part(f, f->parent, soon_parent, g, n_g, f->s, f->n_parent, false);
        values_of_part(f, f->own, soon_own, g, n_g, f->s + f->n_parent, f->before + i + 1, f->n_parent > 0);
        return;
    }
    block t = {.c = f->o, .ldc = E, .a = f->s, .sm = f->lds, .sk = 1, .sb = E, .sp = RZ_PANEL, .soon_panel = RZ_PANEL * sizeof *t.b,
               .soon_k = E * (int64_t)sizeof *t.b};
    if (f->n_parent) {
        t.b = values_of(f->parent, g, 0, E), t.K = f->n_parent;
        t.soon = soon_parent ? (const char *)values_of(soon_parent, f->next.g, 0, E) : NULL;
        product(t, rows, E);
    }
    t.a = f->s + f->n_parent, t.b = values_of(f->own, g, 0, E), t.K = f->before + i + 1, t.add = f->n_parent > 0;
    t.soon = soon_own ? (const char *)values_of(soon_own, f->next.g, 0, E) : NULL;
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

/* n_g groups of queries i …, `rows` of each. */
static void attend_part(const forward *f, float *out, int64_t ldo, float *row_max, float *row_sum, int g, int n_g, int i, int rows, float *sum)
{
    for (int k = 0; k < n_g; k++)
        forward_scores(f, f->s + k * rows * f->lds, g + k, k, i, rows);
    forward_softmax(f, sum, row_max, row_sum, g * f->R, n_g * f->R, i, n_g * rows);
    forward_values(f, g, n_g, i, n_g * rows);
    forward_store(f, out, ldo, sum, g * f->R, n_g * f->R, i, n_g * rows);
}

static forward begin_forward(const float *q, int64_t ldq, int n_q, const rz_kv *parent, const rz_kv *own, rz_heads heads, float *scratch, float **sum)
{
    int R = heads.H / heads.G, E = heads.E, n_parent = parent ? parent->n : 0;
    int64_t room = forward_room(n_q, R);
    forward f = {q, ldq, parent, own, heads, R, E, n_parent, own->n - n_q, score_stride(n_parent + own->n), aligned(scratch), NULL, NULL, {0}};
    f.a = f.s + f.lds * room;
    f.o = f.a + E * room;
    *sum = f.o + E * room;
    return f;
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n >= n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    float *sum;
    forward f = begin_forward(q, ldq, n_q, parent, own, heads, scratch, &sum);
    int queries = block_rows(n_q, f.R, FORWARD_ROWS) / f.R;
    for (int g = g0, n_g; g < g1; g += n_g) {
        n_g = groups_together(n_q, f.R, f.E, g1 - g);
        for (int i = 0; i < n_q; i += queries)
            attend_part(&f, out, ldo, row_max, row_sum, g, n_g, i, (n_q - i < queries ? n_q - i : queries) * f.R, sum);
    }
}

/* The last key and value of own, from the rows of a token; lanes of a block beyond the last key are computed on, then dropped: let them be numbers. */
static void append_last(const rz_kv *own, const float *k, const float *v, int g0, int g1, int E)
{
    int at = own->n - 1, lane = at % RZ_PANEL;
    for (int g = g0; g < g1; g++) {
        float *to = own->k + ((int64_t)g * own->cap + at - lane) * E;
        if (lane == 0)
            memset(to, 0, (size_t)(RZ_PANEL * E) * sizeof *to);
        for (int e = 0; e < E; e++)
            to[e * RZ_PANEL + lane] = k[(int64_t)g * E + e];
        memcpy(own->v + ((int64_t)g * own->cap + at) * E, v + (int64_t)g * E, (size_t)E * sizeof *v);
    }
}

static void attention_step(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n >= 0 && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int H = heads.H, R = H / heads.G, E = heads.E;
    float *sum;
    for (int i = 0; i < n; i++) {
        const float *row = qkv + i * ld;
        append_last(&own[i], row + (int64_t)H * E, row + (int64_t)(H + heads.G) * E, g0, g1, E);
        forward f = begin_forward(row, ld, 1, &parent[i], &own[i], heads, scratch, &sum);
        for (int g = g0, n_g; g < g1; g += n_g) {
            n_g = groups_together(1, R, E, g1 - g);
            bool last = g + n_g == g1;
            int then = last ? g0 : g + n_g;
            f.next = last && i + 1 == n ? (part){0} : (part){&parent[i + last], &own[i + last], then, groups_together(1, R, E, g1 - then)};
            attend_part(&f, out + i * ldo, ldo, row_max ? row_max + (int64_t)i * H : NULL, row_sum ? row_sum + (int64_t)i * H : NULL, g, n_g, 0, R, sum);
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
    scores(b->p, TILE_STRIDE, b->q, E, keys_of(s->kv, g, j0, E), NULL, rows, first, n, R, E);
    scores(b->ds, TILE_STRIDE, b->dout, E, s->panels + (int64_t)j0 * E, NULL, rows, first, n, R, E);
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
