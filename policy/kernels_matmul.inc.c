/* Part of kernels_vec.c: products of matrices. Every element is one chain over k; lanes are columns. A tile of rows × panels of C stays in
 * registers while k runs; K is cut in blocks so that the block of B a tile column needs stays in cache (the chain goes on from the stored value).
 *
 * Attention uses the same tiles with a ragged edge (causal order): what lies outside is skipped, never multiplied by zero. */

/* LINES: floats of four lines. What the other sizes are for stands where they are used. */
enum {
    LINES = 4 * RZ_PANEL, BLOCK_ROWS = 384, ROW_STRIDE = BLOCK_ROWS + RZ_PANEL, BLOCK_K = 128, BLOCK_COLUMNS = LINES,
    FEW_ROWS = 12, MANY_ROWS = 64, PACKED_K = 256,
};

/* A block of rows that will be needed soon, in pieces of LINES floats. Tiles copy or ask for `share` pieces a column of them while they multiply: there a line costs less
 * than a cycle, alone six to ten. */
typedef struct {
    const float *from;
    int64_t stride;
    int width, rows;
    float *to; /* NULL: only asked for */
    int64_t to_stride;
    bool rounded;    /* when it is copied: then not by tiles */
    int share, done; /* done: pieces that tiles have dealt with, row by row */
} ahead;

typedef struct { const float *from; float *to; } piece;

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
    const piece *copies, *asks; /* one beside four k each: so many are copied, then so many asked for */
    int n_copies, n_asks;
    const char *soon; /* or NULL: read next, a stream for every panel soon_panel bytes apart; asked for soon_k bytes at every k */
    int64_t soon_panel, soon_k;
    int64_t soon_half; /* SPREAD: from the first half of a panel's stream to the second */
    int n_soon;        /* SPREAD: lines of each half */
} block;

/* Tiles come in 1, 2, 4 and 8 panels; this many rows of them fit in the registers. Eight chains keep two multipliers busy: of a single row any number of
 * panels up to as many are taken. */
#if VF_REGISTERS >= 32
enum { MAX_ROWS = 8, MAX_PANELS = 8, FULL_ROWS = 6, FULL_COLUMNS = 4 * RZ_PANEL /* of the widest tile used for any number of rows */ };
static const int rows_of_panels[MAX_PANELS + 1] = {[1] = 8, [2] = 8, [3] = 1, [4] = 6, [5] = 1, [6] = 1, [7] = 1, [8] = 1};
#else
enum { MAX_ROWS = 6, MAX_PANELS = 4, FULL_ROWS = 6, FULL_COLUMNS = RZ_PANEL };
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
/* Instead of streams: copies and asks; a share of all streams, a line of each in turn, then so many k without. */
enum { ASIDE = -1, SPREAD = -2, SPREAD_WIDELY = -3, BETWEEN = 3 };

/* Keeps the loads of one k from being moved up to those of another, for which there are no registers. */
INLINE void in_order(void) { __asm__ volatile("" ::: "memory"); }

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
    if (soon <= SPREAD)
        for (const char *line = u.soon, *last = line + u.n_soon * u.soon_k; line < last; line += u.soon_k) {
            UNROLL for (int i = 0; i < 2 * np; i++, k++) {
                step(acc, &u, k, rows, np, part, transposed, false, 0);
                __builtin_prefetch(line + i / 2 * u.soon_panel + i % 2 * u.soon_half, 0, 2);
                in_order();
            }
            UNROLL for (int i = 0; soon == SPREAD_WIDELY && i < BETWEEN; i++, k++) {
                step(acc, &u, k, rows, np, part, transposed, false, 0);
                in_order();
            }
        }
    if (soon == ASIDE) {
        for (int i = 0; i < u.n_copies; i++)
            UNROLL for (int j = 0; j < 4; j++, k++) {
                step(acc, &u, k, rows, np, part, transposed, false, 0);
                vf_store(u.copies[i].to + j * RZ_PANEL, vf_load(u.copies[i].from + j * RZ_PANEL));
                in_order();
            }
        for (int i = 0; i < u.n_asks; i++)
            UNROLL for (int j = 0; j < 4; j++, k++) {
                step(acc, &u, k, rows, np, part, transposed, false, 0);
                __builtin_prefetch(u.asks[i].from + j * RZ_PANEL, 0, 2);
                in_order();
            }
        for (int i = 0; u.ask_c && i < rows; i++)
            UNROLL for (int j = 0; j < 4; j++, k++) {
                step(acc, &u, k, rows, np, part, transposed, false, 0);
                __builtin_prefetch(u.c + (rows + i) * u.ldc + j * RZ_PANEL, 0, 2);
                in_order();
            }
    }
    for (; holds == FLOATS && k < end; k++)
        step(acc, &u, k, rows, np, part, transposed, false, soon < 0 ? 0 : soon);
    if (ragged && !transposed)
        for (; k < u.edge[rows - 1]; k++)
            step(acc, &u, k, rows, np, part, transposed, true, soon);
    float *c = u.c;
    int64_t ldc = u.ldc;
    __asm__("" : "+r"(c), "+r"(ldc)); /* or the addresses of all rows are kept, where there are no registers for them, from the loads above on */
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int p = 0; p < np; p++) {
            float *to = c + r * ldc + p * RZ_PANEL;
            if (part && p == np - 1)
                vf_store_n(to, acc[r][p], u.width);
            else
                vf_store(to, acc[r][p]);
        }
}

/* The variants of a tile, by 2·ragged + transposed; four are row-major and ask for what is read next: in one stream, in one for each panel,
 * likewise with panels of bfloat16; two, row-major and transposed, copy and ask; the last ones ask for a share of all streams. */
enum { ONE_STREAM = 4, ALL_STREAMS = 5, HALF = 6, HALF_BY_FOURS, BESIDE, SHARE = BESIDE + 2, WIDE_SHARE, N_VARIANTS };
#define VARIANT(R, N, V, ...) \
    static void tile_##R##x##N##_##V(const block *t) { tile(t, R, N ? N : 1, N == 0, __VA_ARGS__); }
#define TILE(R, N)                                                                                                               \
    VARIANT(R, N, 0, false, false, FLOATS, 0) VARIANT(R, N, 1, true, false, FLOATS, 0) VARIANT(R, N, 2, false, true, FLOATS, 0)  \
    VARIANT(R, N, 3, true, true, FLOATS, 0) VARIANT(R, N, 4, false, false, FLOATS, 1) VARIANT(R, N, 5, false, false, FLOATS, N)  \
    VARIANT(R, N, 6, false, false, PAIRS, N) VARIANT(R, N, 7, false, false, FOURS, N)                                            \
    VARIANT(R, N, 8, false, false, FLOATS, ASIDE) VARIANT(R, N, 9, true, false, FLOATS, ASIDE)                                  \
    VARIANT(R, N, 10, false, false, FLOATS, SPREAD) VARIANT(R, N, 11, false, false, FLOATS, SPREAD_WIDELY)
typedef void (*tile_fn)(const block *t);

#define UP_TO_3(F, ...) F(1, __VA_ARGS__) F(2, __VA_ARGS__) F(3, __VA_ARGS__)
#define UP_TO_6(F, ...) UP_TO_3(F, __VA_ARGS__) F(4, __VA_ARGS__) F(5, __VA_ARGS__) F(6, __VA_ARGS__)
#define UP_TO_8(F, ...) UP_TO_6(F, __VA_ARGS__) F(7, __VA_ARGS__) F(8, __VA_ARGS__)
#define ROW(R, N)                                                                                                                     \
    [R] = {tile_##R##x##N##_0, tile_##R##x##N##_1, tile_##R##x##N##_2, tile_##R##x##N##_3, tile_##R##x##N##_4, tile_##R##x##N##_5, \
           tile_##R##x##N##_6, tile_##R##x##N##_7, tile_##R##x##N##_8, tile_##R##x##N##_9, tile_##R##x##N##_10, \
           tile_##R##x##N##_11},
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

/* Pieces of a row; of what is copied whole ones only. */
static int n_pieces(const ahead *a) { return a->to ? a->width / LINES : (a->width + LINES - 1) / LINES; }
static bool by_tiles(const ahead *a) { return a->to && !a->rounded; }

/* What the tiles of a column do beside, `each` of them as many pieces as long as there are some. */
enum { MOST_PIECES = (BLOCK_ROWS / LINES + 1) * BLOCK_K };
typedef struct { int each, n; bool copied; piece list[MOST_PIECES]; } aside;

static void plan_aside(aside *s, ahead *a, int n_tiles, int most_each)
{
    s->copied = by_tiles(&a[0]) || by_tiles(&a[1]);
    for (int i = 0; i < 2; i++) {
        const int in_row = n_pieces(&a[i]), left = in_row * a[i].rows - a[i].done, room = minimum(most_each / (s->copied ? 2 : 1) * n_tiles, MOST_PIECES) - s->n,
                  n = minimum(minimum(a[i].share, left), room);
        if (n <= 0 || by_tiles(&a[i]) != s->copied) /* what is rounded stays out of a list of copies */
            continue;
        for (int j = 0, row = a[i].done / in_row, g = a[i].done % in_row; j < n; j++) {
            s->list[s->n++] = (piece){a[i].from + row * a[i].stride + g * LINES, a[i].to ? a[i].to + row * a[i].to_stride + g * LINES : NULL};
            if (++g == in_row)
                g = 0, row++;
        }
        a[i].done += n;
    }
    s->each = (s->n + n_tiles - 1) / n_tiles;
}

/* Of the i-th tile. What is copied was asked for by the one before. */
static void take_aside(block *t, const aside *s, int i)
{
    const int from = minimum(i * s->each, s->n), now = minimum(s->each, s->n - from);
    t->copies = s->list + from, t->n_copies = s->copied ? now : 0;
    t->asks = t->copies + t->n_copies, t->n_asks = s->copied ? minimum(s->each, s->n - from - now) : now;
}

/* All rows of one tile column (np panels; 0: a part of one). What is read next is asked for by the first tile, or a stream each by as many tiles. */
static void column(block t, int M, int np)
{
    const int most = rows_of_panels[np ? np : 1], n_tiles = (M + most - 1) / most, at_once = n_tiles < np ? np : 1;
    const bool beside = !t.half && !t.edge && (t.ahead || t.ask_c) && t.K >= 4 * most;
    int streams = t.soon && !t.edge && t.sk == 1 ? np : 0;
    const int first = minimum((streams + at_once - 1) / at_once, n_tiles); /* of those that ask for no stream */
    aside s;
    s.each = s.n = 0, s.copied = false;
    if (beside && t.ahead && first < n_tiles)
        plan_aside(&s, t.ahead, n_tiles - first, t.K / 4 - most);
    for (int m = 0, i = 0, rows; m < M; m += rows, i++) {
        rows = even_part(M, most, i);
        int variant = t.half ? (t.fours ? HALF_BY_FOURS : HALF) : streams == 0 ? 2 * (t.edge != NULL) + (t.sk != 1) : at_once == 1 ? ONE_STREAM : ALL_STREAMS;
        if (beside && streams == 0) {
            take_aside(&t, &s, i - first);
            variant += BESIDE;
        }
        tiles[np][rows][variant](&t);
        if (streams)
            streams -= at_once, t.soon += t.soon_panel;
        t.c += rows * t.ldc;
        t.a += rows * t.sm;
        t.edge = t.edge ? t.edge + rows : NULL;
    }
}

/* The same with panels from memory, on Intel's. Lines come more slowly than the first tiles of a column ask for them, and while the others ask for none memory rests. So every tile
 * asks for its share of what is read next, at an even pace, of two places in each panel in turn: memory is fastest where many pages are read at once. False: not worth it, or K
 * is too short. */
static bool column_by_shares(block t, int M, int np)
{
    const int most = rows_of_panels[np], n_tiles = (M + most - 1) / most, half = t.K / 2, share = (half + n_tiles - 1) / n_tiles;
    if (!on_intel() || !t.far || t.half || np == 1 || n_tiles < np || M > MANY_ROWS || share == 0 || 2 * np * share > t.K)
        return false;
    const int variant = (2 * np + BETWEEN) * share <= t.K ? WIDE_SHARE : SHARE;
    t.soon_half = half * t.soon_k;
    for (int m = 0, i = 0, rows; m < M; m += rows, i++) {
        rows = even_part(M, most, i);
        const int left = half - i * share;
        t.n_soon = left < 0 ? 0 : minimum(share, left);
        tiles[np][rows][variant](&t);
        t.soon += share * t.soon_k;
        t.c += rows * t.ldc;
        t.a += rows * t.sm;
    }
    return true;
}

/* Memory is read fastest in one stream; but chains of k have to be as many as keep the multipliers busy while it gives the numbers for one. Of a panel of bfloat16 a
 * chain takes 32 bytes in four cycles: a core of Intel's gets less from memory, others (Zen 5) more. */
static bool one_stream(const block *t, int M)
{
    return t->far && M <= 2 * rows_of_panels[1] && M >= (t->half && !on_intel() ? 4 : 1);
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

/* The part of C and of k that is worked on. */
typedef struct { int m, i, rows, k, length, n, width; } place;

static place cut_place(place at, int M, int N, int K)
{
    at.rows = minimum(even_part((M + LINES - 1) / LINES, BLOCK_ROWS / LINES, at.i) * LINES, M - at.m);
    at.length = minimum(K - at.k, BLOCK_K);
    at.width = minimum(N - at.n, BLOCK_COLUMNS);
    return at;
}

/* The next one, after all columns up to n: then k, so that a block of C stays near, then rows. False after the last. */
static bool next_place(place *at, int n, int M, int N, int K)
{
    at->n = n;
    if (at->n == N)
        at->n = 0, at->k += at->length;
    if (at->k == K)
        at->k = 0, at->m += at->rows, at->i++;
    if (at->m == M)
        return false;
    *at = cut_place(*at, M, N, K);
    return true;
}

static void copy_rows(float *to, int64_t to_stride, const float *from, int64_t stride, int width, int rows, bool rounded)
{
    for (int r = 0; r < rows; r++, to += to_stride, from += stride)
        SIXTEENS(i, n, width) {
            vf x = get(from + i, n);
            vf_store(to + i, rounded ? vf_round_half(x) : x);
        }
}

/* Copies what tiles have not. */
static void finish(const ahead *a)
{
    if (!a->to)
        return;
    const int pieces = by_tiles(a) ? n_pieces(a) : 0, whole = pieces * LINES, row = pieces ? a->done / pieces : 0;
    copy_rows(a->to + row * a->to_stride, a->to_stride, a->from + row * a->stride, a->stride, whole, a->rows - row, false);
    copy_rows(a->to + whole, a->to_stride, a->from + whole, a->stride, a->width - whole, a->rows, a->rounded);
}

/* The block of A, or of B, at a place, to be copied during so many columns. */
static ahead block_of_a(const block *t, const place *at, float *to, int n_columns)
{
    return (ahead){.from = t->a + at->m * t->sm + at->k * t->sk, .stride = t->sk, .width = at->rows, .rows = at->length, .to = to, .to_stride = ROW_STRIDE,
                   .share = (at->length * (at->rows / LINES) + n_columns - 1) / n_columns};
}

static ahead block_of_b(const block *t, const place *at, float *to, int n_columns)
{
    return (ahead){.from = t->b + at->k * t->sb + at->n, .stride = t->sb, .width = at->width, .rows = at->length, .to = to, .to_stride = BLOCK_COLUMNS,
                   .rounded = t->rounded, .share = (at->length + n_columns - 1) / n_columns};
}

/* A transposed and B in rows are read with large strides, one cache set over and over: with enough rows to pay for it, blocks of them are
 * copied so that a tile walks through both in order. An odd number of lines from row to row of A spreads them over all sets. While one block of A
 * and of B is worked on, the next ones are copied. */
static void blocked(block t, int M, int N, int K)
{
    _Alignas(64) float rows[2][BLOCK_K * ROW_STRIDE], columns[2][BLOCK_K * BLOCK_COLUMNS];
    const bool copy_a = t.sk != 1, copy_b = t.sb != RZ_PANEL || t.rounded;
    const ahead none = {0};
    place at = cut_place((place){0}, M, N, K);
    ahead next[2] = {copy_a ? block_of_a(&t, &at, rows[0], 1) : none, copy_b ? block_of_b(&t, &at, columns[0], 1) : none};
    for (int a = 0, b = 0;; b = !b) {
        block u = t;
        u.c = t.c + at.m * t.ldc + at.n, u.K = at.length, u.add = t.add || at.k > 0, u.ahead = next, u.ask_c = copy_a || at.k == 0;
        if (at.n == 0)
            finish(&next[0]);
        finish(&next[1]);
        if (copy_a)
            u.a = rows[a], u.sk = ROW_STRIDE;
        else
            u.a = t.a + at.m * t.sm + at.k;
        if (copy_b)
            u.b = columns[b], u.sb = BLOCK_COLUMNS, u.sp = RZ_PANEL;
        else
            u.b = t.b + at.k * t.sb + at.n / RZ_PANEL * t.sp;

        place after = at, below = at;
        const bool more = next_place(&after, at.n + at.width, M, N, K);
        if (at.n == 0)
            next[0] = copy_a && next_place(&below, N, M, N, K) ? block_of_a(&t, &below, rows[!a], (N + FULL_COLUMNS - 1) / FULL_COLUMNS) : none;
        next[1] = copy_b && more ? block_of_b(&t, &after, columns[!b], BLOCK_COLUMNS / FULL_COLUMNS) : none;
        product(u, at.rows, at.width);
        if (!more)
            return;
        a = after.n == 0 ? !a : a;
        at = after;
    }
}

/* Part i of K, from k on: of bfloat16s whole fours. */
static int part_of_k(int K, int k, int i, bool half)
{
    return half ? minimum(4 * even_part((K + 3) / 4, PACKED_K / 4, i), K - k) : even_part(K, PACKED_K, i);
}

/* Of what is read after the product: to be asked for, in as many pieces as it has. */
static ahead read_later(const rz_read *r)
{
    const int pieces = (int)((r->n + LINES - 1) / LINES);
    return (ahead){.from = r->from, .stride = LINES, .width = LINES, .rows = pieces, .share = pieces};
}

/* Packed panels, a block of them after the other. While one is worked on the next is asked for: by itself a processor does not look beyond a page. What all rows
 * need only once is not cut, and asked for in the order in which it lies. */
static void packed(block t, int M, int N, rz_reads reads)
{
    enum { STREAM_AHEAD = 8192 };
    const int K = t.K;
    const int64_t size = t.half ? sizeof *t.half : sizeof *t.b, line = RZ_PANEL * size;
    const bool stream = one_stream(&t, M);
    ahead lines[2] = {{0}};
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
            for (int j = 0; j < 2 && reads.n && !once; j++)
                if (lines[j].done == lines[j].rows)
                    lines[j] = read_later(reads.pieces++), reads.n--;
            u.ahead = lines[0].done < lines[0].rows || lines[1].done < lines[1].rows ? lines : NULL;
            if (once || !column_by_shares(u, M, np))
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
                next[0] = (ahead){.from = last ? from - k + width * row : from + length, .stride = row, .width = minimum(last ? K : K - k - length, PACKED_K),
                                  .rows = rows, .share = rows * (PACKED_K / LINES) / (BLOCK_COLUMNS / FULL_COLUMNS)};
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
        packed(t, M, N, on_intel() ? b.reads : (rz_reads){0});
    else
        product(t, M, N);
}
