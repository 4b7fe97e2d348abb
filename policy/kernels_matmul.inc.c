/* Part of kernels_vec.c: products of matrices. Every element is one chain over k; lanes are columns. A tile of rows × panels of C stays in
 * registers while k runs; K is cut in blocks so that the block of B a tile column needs stays in cache (the chain goes on from the stored value).
 *
 * Attention uses the same tiles with a ragged edge (causal order): what lies outside is skipped, never multiplied by zero. */

/* A block of rows that will be needed soon: `share` rows of `width` floats are asked for at every tile until `left` is 0. */
typedef struct {
    const float *p;
    int64_t stride;
    int width, left, share;
} ahead;

/* C(rows, np panels) from A and B. sm or sk is 1: A is row-major or transposed. width: columns of the last panel when it is a part.
 * edge, if not NULL, ascends: row m of a row-major A takes k < edge[m] only, of a transposed A k ≥ edge[m] only. */
typedef struct {
    float *c;
    int64_t ldc;
    const float *a;
    int64_t sm, sk;
    const float *b;
    int64_t sb, sp;
    const uint16_t *half; /* instead of b: panels of bfloat16, sb 16, by pairs or fours of k */
    bool fours, rounded;  /* rounded: B is used rounded to bfloat16 */
    bool far;             /* B comes from memory */
    int K, width;
    bool add;
    const int *edge;
    ahead *ahead; /* two, or NULL */
    bool ask_c;   /* C will be written where nobody has been for long: the lines of the next rows are asked for */
    const char *soon; /* or NULL: read next, a stream for every panel soon_panel bytes apart; asked for soon_k bytes at every k */
    int64_t soon_panel, soon_k;
} block;

/* Tiles come in 1, 2, 4 and 8 panels; this many rows of them fit in the registers. Eight chains keep two multipliers busy: of a single row any number of
 * panels up to as many are taken. */
#if VF_REGISTERS >= 32
enum { MAX_ROWS = 8, MAX_PANELS = 8, FULL_ROWS = 6 /* of the widest tile used for any number of rows */ };
static const int rows_of_panels[MAX_PANELS + 1] = {[1] = 8, [2] = 8, [3] = 1, [4] = 6, [5] = 1, [6] = 1, [7] = 1, [8] = 1};
#else
enum { MAX_ROWS = 6, MAX_PANELS = 4, FULL_ROWS = 6 };
static const int rows_of_panels[MAX_PANELS + 1] = {[1] = 6, [2] = 3, [3] = 1, [4] = 1};
#endif

INLINE void ask_soon(const block *t, int k, const int streams, const int np)
{
    UNROLL for (int p = 0; p < streams; p++) {
        const char *line = t->soon + p * t->soon_panel + k * t->soon_k;
        if (np == 1)
            __builtin_prefetch(line, 0, 3);
        else
            __builtin_prefetch(line, 0, 2);
    }
}

/* One k of every row, or of those it is not beyond the edge of. */
INLINE void step(vf acc[MAX_ROWS][MAX_PANELS], const block *t, int k, const int rows, const int np, const bool part, const bool transposed,
                 const bool ragged, const int soon)
{
    ask_soon(t, k, soon, np);
    const float *a = t->a + k * (transposed ? t->sk : 1), *b = t->b + k * t->sb;
    vf bv[MAX_PANELS];
    UNROLL for (int p = 0; p < np; p++)
        bv[p] = part && p == np - 1 ? vf_load_n(b + p * t->sp, t->width) : vf_load(b + p * t->sp);
    UNROLL for (int r = 0; r < rows; r++) {
        bool on = !ragged || (transposed ? k >= t->edge[r] : k < t->edge[r]);
        vf av = vf_set(a[transposed ? r : r * t->sm]);
        UNROLL for (int p = 0; p < np; p++)
            acc[r][p] = ragged ? vf_fma_if(on, av, bv[p], acc[r][p]) : vf_fma(av, bv[p], acc[r][p]);
    }
}

/* The i-th k of four that begin at `from`. */
INLINE vf half_of_four(const uint16_t *from, const int i, const bool fours)
{
    return rz_half_at(i, 0, fours) % 2 ? vf_load_odd(from + rz_half_at(i, 0, fours) - 1) : vf_load_even(from + rz_half_at(i, 0, fours));
}

/* k + i: what fills up the last panel is there. */
INLINE void step_half(vf acc[MAX_ROWS][MAX_PANELS], const block *t, int k, const int i, const int rows, const int np, const bool fours)
{
    const float *a = t->a + k + i;
    vf bv[MAX_PANELS];
    UNROLL for (int p = 0; p < np; p++)
        bv[p] = half_of_four(t->half + k * RZ_PANEL + p * t->sp, i, fours);
    UNROLL for (int r = 0; r < rows; r++) {
        vf av = vf_set(a[r * t->sm]);
        UNROLL for (int p = 0; p < np; p++)
            acc[r][p] = vf_fma(av, bv[p], acc[r][p]);
    }
}

enum { FLOATS, PAIRS, FOURS }; /* what B holds */

INLINE void tile(const block *t, const int rows, const int np, const bool part, const bool transposed, const bool ragged, const int holds,
                 const int soon)
{
    vf acc[MAX_ROWS][MAX_PANELS];
    const block u = *t; /* nothing the stores could change */
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int p = 0; p < np; p++) {
            const float *from = u.c + r * u.ldc + p * RZ_PANEL;
            acc[r][p] = !u.add ? vf_zero() : part && p == np - 1 ? vf_load_n(from, u.width) : vf_load(from);
        }
    int k = 0, end = ragged && !transposed ? u.edge[0] : u.K;
    if (ragged && transposed)
        for (k = u.edge[0]; k < u.edge[rows - 1]; k++)
            step(acc, &u, k, rows, np, part, transposed, true, soon);
    for (; holds != FLOATS && k < end; k += 4)
        UNROLL for (int i = 0; i < 4; i++)
            if (k + i < end) {
                if (i % 2 == 0)
                    ask_soon(&u, k + i, soon, np);
                step_half(acc, &u, k, i, rows, np, holds == FOURS);
            }
    for (; holds == FLOATS && k < end; k++)
        step(acc, &u, k, rows, np, part, transposed, false, soon);
    if (ragged && !transposed)
        for (; k < u.edge[rows - 1]; k++)
            step(acc, &u, k, rows, np, part, transposed, true, soon);
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int p = 0; p < np; p++) {
            float *to = u.c + r * u.ldc + p * RZ_PANEL;
            if (part && p == np - 1)
                vf_store_n(to, acc[r][p], u.width);
            else
                vf_store(to, acc[r][p]);
        }
}

/* The variants of a tile, by 2·ragged + transposed; the others are row-major and ask for what is read next: in one stream, in one for each panel,
 * likewise with panels of bfloat16. */
enum { ONE_STREAM = 4, ALL_STREAMS = 5, HALF = 6, HALF_BY_FOURS, N_VARIANTS };
#define VARIANT(R, N, V, ...) \
    static void tile_##R##x##N##_##V(const block *t) { tile(t, R, N ? N : 1, N == 0, __VA_ARGS__); }
#define TILE(R, N)                                                                                                               \
    VARIANT(R, N, 0, false, false, FLOATS, 0) VARIANT(R, N, 1, true, false, FLOATS, 0) VARIANT(R, N, 2, false, true, FLOATS, 0)  \
    VARIANT(R, N, 3, true, true, FLOATS, 0) VARIANT(R, N, 4, false, false, FLOATS, 1) VARIANT(R, N, 5, false, false, FLOATS, N)  \
    VARIANT(R, N, 6, false, false, PAIRS, N) VARIANT(R, N, 7, false, false, FOURS, N)
typedef void (*tile_fn)(const block *t);

#define UP_TO_3(F, ...) F(1, __VA_ARGS__) F(2, __VA_ARGS__) F(3, __VA_ARGS__)
#define UP_TO_6(F, ...) UP_TO_3(F, __VA_ARGS__) F(4, __VA_ARGS__) F(5, __VA_ARGS__) F(6, __VA_ARGS__)
#define UP_TO_8(F, ...) UP_TO_6(F, __VA_ARGS__) F(7, __VA_ARGS__) F(8, __VA_ARGS__)
#define ROW(R, N)                                                                                                                     \
    [R] = {tile_##R##x##N##_0, tile_##R##x##N##_1, tile_##R##x##N##_2, tile_##R##x##N##_3, tile_##R##x##N##_4, tile_##R##x##N##_5, \
           tile_##R##x##N##_6, tile_##R##x##N##_7},
/* by panels, rows, variant; panels 0: one panel of `width` columns */
#if VF_REGISTERS >= 32
UP_TO_8(TILE, 0) UP_TO_8(TILE, 1) UP_TO_8(TILE, 2) UP_TO_6(TILE, 4) TILE(1, 3) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8)
static const tile_fn tiles[MAX_PANELS + 1][MAX_ROWS + 1][N_VARIANTS] = {
    [0] = {UP_TO_8(ROW, 0)}, [1] = {UP_TO_8(ROW, 1)}, [2] = {UP_TO_8(ROW, 2)}, [4] = {UP_TO_6(ROW, 4)},
    [3] = {ROW(1, 3)}, [5] = {ROW(1, 5)}, [6] = {ROW(1, 6)}, [7] = {ROW(1, 7)}, [8] = {ROW(1, 8)},
};
#else
UP_TO_6(TILE, 0) UP_TO_6(TILE, 1) UP_TO_3(TILE, 2) TILE(1, 3) TILE(1, 4)
static const tile_fn tiles[MAX_PANELS + 1][MAX_ROWS + 1][N_VARIANTS] = {
    [0] = {UP_TO_6(ROW, 0)}, [1] = {UP_TO_6(ROW, 1)}, [2] = {UP_TO_3(ROW, 2)}, [3] = {ROW(1, 3)}, [4] = {ROW(1, 4)},
};
#endif

static void ask_for(ahead *a)
{
    for (int i = 0; i < a->share && a->left > 0; i++, a->left--, a->p += a->stride)
        for (int j = 0; j < a->width; j += 16)
            __builtin_prefetch(a->p + j, 0, 2);
}

/* All rows of one tile column (np panels; 0: a part of one). What is read next is asked for by the first tile, or a stream each by as many tiles. */
static void column(block t, int M, int np)
{
    int most = rows_of_panels[np ? np : 1], streams = t.soon && !t.edge && t.sk == 1 ? np : 0, at_once = (M + most - 1) / most < np ? np : 1;
    for (int m = 0, i = 0, rows; m < M; m += rows, i++) {
        rows = even_part(M, most, i);
        if (t.ahead) {
            ask_for(&t.ahead[0]);
            ask_for(&t.ahead[1]);
        }
        for (int r = 0; t.ask_c && r < minimum(M - m - rows, most); r++)
            for (int p = 0; p < np; p++)
                __builtin_prefetch(t.c + (rows + r) * t.ldc + p * RZ_PANEL, 1, 3);
        int variant = t.half ? (t.fours ? HALF_BY_FOURS : HALF) : streams == 0 ? 2 * (t.edge != NULL) + (t.sk != 1) : at_once == 1 ? ONE_STREAM : ALL_STREAMS;
        tiles[np][rows][variant](&t);
        if (streams)
            streams -= at_once, t.soon += t.soon_panel;
        t.c += rows * t.ldc;
        t.a += rows * t.sm;
        t.edge = t.edge ? t.edge + rows : NULL;
    }
}

/* Memory is read fastest in one stream; but chains of k have to be as many as keep the multipliers busy while it gives the numbers for one. */
static bool one_stream(const block *t, int M)
{
    return t->far && M <= 2 * rows_of_panels[1] && M >= (t->half ? 4 : 1);
}

/* Panels of the next tile column when M rows and `left` panels are to be done: few rows leave registers for more panels. */
static int panels_at_once(const block *t, int M, int left)
{
    int np = M > FULL_ROWS && M <= 3 * FULL_ROWS ? 2 : MAX_PANELS; /* the fewest passes over a panel */
    if (one_stream(t, M))
        return 1;
    if (M == 1)
        return even_part(left, MAX_PANELS, 0);
    while (np > left || (np > 1 && rows_of_panels[np] < M && rows_of_panels[np] < FULL_ROWS))
        np /= 2;
    return np;
}

static void move_b(block *t, int64_t n)
{
    if (t->half)
        t->half += n;
    else
        t->b += n;
}

/* All of C, K in one piece. */
static void product(block t, int M, int N)
{
    for (int left = N / RZ_PANEL, np; left > 0; left -= np) {
        np = panels_at_once(&t, M, left);
        column(t, M, np);
        t.c += np * RZ_PANEL;
        t.soon = t.soon ? t.soon + np * t.soon_panel : NULL;
        move_b(&t, np * t.sp);
    }
    t.width = N % RZ_PANEL;
    if (t.width)
        column(t, M, 0);
}

/* A transposed and B in rows are read with large strides, one cache set over and over: with enough rows to pay for it, blocks of them are
 * copied so that a tile walks through both in order. */
enum { BLOCK_ROWS = 384, BLOCK_K = 128, BLOCK_COLUMNS = 64, FEW_ROWS = 12, MANY_ROWS = 64, PACKED_K = 256 };

/* to(K, BLOCK_ROWS) from width columns of rows `stride` apart. */
static void copy_rows(float *to, const float *from, int64_t stride, int width, int K)
{
    for (int k = 0; k < K; k++, to += BLOCK_ROWS, from += stride)
        SIXTEENS(i, n, width)
            put(to + i, get(from + i, n), n);
}

/* The same to panels. */
static void copy_panels(float to[][BLOCK_K * RZ_PANEL], const float *from, int64_t stride, int width, int K, bool rounded)
{
    for (int k = 0; k < K; k++, from += stride)
        SIXTEENS(i, n, width) {
            vf x = get(from + i, n);
            vf_store(to[i / RZ_PANEL] + k * RZ_PANEL, rounded ? vf_round_half(x) : x);
        }
}

/* C(M,N) for one block of k: t.K is at most BLOCK_K when B lies in rows. While one block of columns is worked on, the next is asked for, after
 * the last the first of the `next_k` rows of B below. */
static void block_of_rows(block t, int M, int N, int next_k)
{
    _Alignas(64) float panels[BLOCK_COLUMNS / RZ_PANEL][BLOCK_K * RZ_PANEL];
    if (t.sb == RZ_PANEL && !t.rounded) {
        product(t, M, N);
        return;
    }
    for (int n = 0, width; n < N; n += width) {
        width = minimum(N - n, BLOCK_COLUMNS);
        copy_panels(panels, t.b + n, t.sb, width, t.K, t.rounded);
        bool last = n + width == N;
        t.ahead[1] = (ahead){last ? t.b + t.K * t.sb : t.b + n + width, t.sb, minimum(last ? N : N - n - width, BLOCK_COLUMNS), last ? next_k : t.K,
                             t.K * FULL_ROWS / M + 1};
        block u = t;
        u.c = t.c + n, u.b = panels[0], u.sb = RZ_PANEL, u.sp = BLOCK_K * RZ_PANEL;
        product(u, M, width);
    }
}

/* k runs inside, so that a block of C stays near. While one block of A is worked on, the next is asked for. */
static void blocked(block t, int M, int N, int K)
{
    _Alignas(64) float rows[BLOCK_K * BLOCK_ROWS];
    for (int m = 0, i = 0, n; m < M; m += n, i++) {
        n = even_part(M, BLOCK_ROWS, i);
        for (int k = 0; k < K; k += BLOCK_K) {
            ahead next[2] = {{0}};
            block u = t;
            u.K = minimum(K - k, BLOCK_K);
            u.c = t.c + m * t.ldc, u.a = t.a + m * t.sm + k * t.sk, u.b = t.b + k * t.sb, u.add = t.add || k > 0, u.ahead = next, u.ask_c = t.sk != 1;
            int next_k = minimum(K - k - u.K, BLOCK_K);
            if (t.sk != 1) {
                copy_rows(rows, u.a, t.sk, n, u.K);
                int tiles_here = n / (FULL_ROWS) * (N / BLOCK_COLUMNS) + 1;
                next[0] = next_k ? (ahead){u.a + u.K * t.sk, t.sk, n, next_k, next_k / tiles_here + 1}
                                 : (ahead){t.a + m + n, t.sk, minimum(n, M - m - n), m + n < M ? minimum(K, BLOCK_K) : 0, BLOCK_K / tiles_here + 1};
                u.a = rows, u.sk = BLOCK_ROWS;
            }
            block_of_rows(u, n, N, next_k);
        }
    }
}

/* Part i of K, from k on: of bfloat16s whole fours. */
static int part_of_k(int K, int k, int i, bool half)
{
    return half ? minimum(4 * even_part((K + 3) / 4, PACKED_K / 4, i), K - k) : even_part(K, PACKED_K, i);
}

/* Packed panels, a block of them after the other. While one is worked on the next is asked for: by itself a processor does not look beyond a page. What all rows
 * need only once is not cut, and asked for in the order in which it lies. */
static void packed(block t, int M, int N)
{
    enum { STREAM_AHEAD = 8192 };
    const int K = t.K;
    const int64_t size = t.half ? sizeof *t.half : sizeof *t.b, line = RZ_PANEL * size;
    const bool stream = one_stream(&t, M);
    for (int left = N / RZ_PANEL, np; left > 0; left -= np) {
        np = panels_at_once(&t, M, left);
        const bool once = stream || M <= rows_of_panels[np];
        block u = t, next;
        u.soon_panel = once ? LINE : t.sp * size, u.soon_k = once ? np * line : line;
        for (int k = 0, i = 0; k < K; k += u.K, i++, u = next) {
            u.K = once ? K : part_of_k(K, k, i, t.half != NULL);
            next = u;
            next.a += u.K, next.add = true;
            move_b(&next, k + u.K < K ? u.K * RZ_PANEL : np * t.sp - k * RZ_PANEL);
            u.ask_c = k == 0 && M > MANY_ROWS;
            const block *from = stream ? &u : &next;
            u.soon = (from->half ? (const char *)from->half : (const char *)from->b) + (stream ? STREAM_AHEAD : 0);
            column(u, M, np);
        }
        t.c += np * RZ_PANEL;
        move_b(&t, np * t.sp);
    }
    product(t, M, N % RZ_PANEL);
}

/* Sixteen columns of a panel of Wᵀ from n columns of W as it lies: `rows` rows `stride` apart. */
INLINE void turn_columns(float *to, const float *from, int64_t stride, int rows, int64_t n, const bool whole, const bool rounded)
{
    vf r[RZ_PANEL];
    UNROLL for (int i = 0; i < RZ_PANEL; i++)
        r[i] = whole ? vf_load(from + i * stride) : i < rows ? get(from + i * stride, n) : vf_zero();
    vf_transpose(r);
    UNROLL for (int i = 0; i < RZ_PANEL; i++)
        if (whole || i < n)
            vf_store(to + i * RZ_PANEL, rounded ? vf_round_half(r[i]) : r[i]);
}

static void turn_rows(float *to, const float *from, int64_t stride, int rows, int K, bool rounded)
{
    SIXTEENS(k, n, K)
        if (rows < RZ_PANEL || n < 16 || rounded)
            turn_columns(to + k * RZ_PANEL, from + k, stride, rows, n, false, rounded);
        else
            turn_columns(to + k * RZ_PANEL, from + k, stride, rows, n, true, false);
}

/* B is W as it lies, or panels of bfloat16 and enough rows to pay for it: a block of either becomes panels of floats, on which all rows work. What the next
 * block is made from is asked for meanwhile. */
static void through_panels(block t, int M, int N)
{
    _Alignas(64) float panels[BLOCK_COLUMNS / RZ_PANEL][PACKED_K * RZ_PANEL];
    const int K = t.K;
    const int64_t row = t.sp / RZ_PANEL; /* of W */
    for (int n = 0; n < N; n += BLOCK_COLUMNS) {
        int width = minimum(N - n, BLOCK_COLUMNS);
        for (int k = 0, i = 0, length; k < K; k += length, i++) {
            length = part_of_k(K, k, i, t.half != NULL);
            bool last = k + length == K;
            ahead next[2] = {{0}};
            block u = t;
            u.half = NULL, u.rounded = false, u.b = panels[0], u.sb = RZ_PANEL, u.sp = PACKED_K * RZ_PANEL, u.K = length;
            u.c = t.c + n, u.a = t.a + k, u.add = t.add || k > 0, u.ask_c = k == 0;
            if (t.half) {
                const uint16_t *from = t.half + n / RZ_PANEL * t.sp;
                for (int p = 0; p * RZ_PANEL < width; p++)
                    for (int j = 0; j < length; j += 4)
                        UNROLL for (int l = 0; l < 4; l++) /* with those beyond K: there is room */
                            vf_store(panels[p] + (j + l) * RZ_PANEL, half_of_four(from + p * t.sp + (k + j) * RZ_PANEL, l, t.fours));
                u.soon = (const char *)(last ? from + width / RZ_PANEL * t.sp : from + (k + length) * RZ_PANEL);
                u.soon_panel = t.sp * (int64_t)sizeof *t.half, u.soon_k = RZ_PANEL * sizeof *t.half;
            } else {
                const float *from = t.b + n * row + k;
                for (int p = 0; p * RZ_PANEL < width; p++)
                    turn_rows(panels[p], from + p * t.sp, row, minimum(width - p * RZ_PANEL, RZ_PANEL), length, t.rounded);
                int rows = last ? minimum(N - n - width, BLOCK_COLUMNS) : width;
                next[0] = (ahead){last ? from - k + width * row : from + length, row, minimum(last ? K : K - k - length, PACKED_K), rows,
                                  rows * FULL_ROWS / M + 1};
                u.ahead = next;
            }
            product(u, M, width);
        }
    }
}

static void matmul(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add)
{
    assert(M >= 0 && N >= 0 && K >= 0 && (a.stride_m == 1 || a.stride_k == 1 || M <= 1) && (!b.half || a.stride_k == 1) &&
           (b.stride_k != 1 || N == 1 || a.stride_k == 1));
    if (M == 0 || N == 0)
        return;
    block t = {.c = c, .ldc = ldc, .a = a.p, .sm = a.stride_m, .sk = a.stride_k, .b = b.p, .sb = b.stride_k, .sp = b.stride_panel,
               .K = K, .add = add, .half = b.half, .far = b.far, .fours = b.fours, .rounded = b.rounded};
    if (K > 0 && ((M > FEW_ROWS && b.half) || (b.stride_k == 1 && N > 1)))
        through_panels(t, M, N);
    else if (K > 0 && b.rounded)
        blocked(t, M, N, K);
    else if (M > FEW_ROWS && K > 0 && !b.half && (a.stride_k != 1 || b.stride_k != RZ_PANEL))
        blocked(t, M, N, K);
    else if (K > 0 && a.stride_k == 1 && b.stride_k == RZ_PANEL)
        packed(t, M, N);
    else
        product(t, M, N);
}
