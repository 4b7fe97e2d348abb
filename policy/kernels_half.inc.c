/* Part of kernels_vec.c and kernels_half.c, which say what function this is to be (MATMUL_HALF) and by which instruction (RZ_TILES, RZ_DOTS, or neither: fma): products of matrices rounded to bfloat16, whose order of additions is that of a tile instruction (policy/kernels.h).
 * Blocks of A and B become tiles of 1 KiB first: of A sixteen rows, of B sixteen columns, of 32 k each. A word is two k, which ones and which of them below rz_half_at says: as
 * the instruction takes them. A tile of A is (row, word), one of B (word, column), as panels of bfloat16 are, one after the other. half_tiles multiplies them. */

enum { TILE = RZ_PANEL * RZ_HALF_BLOCK, HALF_COLUMNS = 64, TILE_ROWS = 32 };
#ifdef RZ_TILES
enum { BY_FOURS = false };
#else
enum { BY_FOURS = true };
#endif
/* So many rows and blocks of k go into one pass. Of panels it is more blocks where rows are few, up to SOME_ROWS or FEW: they are read fastest as they lie.
 * ROOM: registers for the sums of a tile and elements of C: those that words of B of two panels and one of A leave; by fma nothing is gained by keeping any. */
enum { SOME_ROWS = 64, FEW = RZ_PANEL };
#if defined RZ_DOTS
enum { A_TILE = TILE, HALF_BLOCKS = 16, HALF_ROWS = 512, SOME_BLOCKS = 80, FEW_BLOCKS = 512, ROOM = VF_REGISTERS - 3 };
#elif defined RZ_TILES
enum { A_TILE = TILE, HALF_BLOCKS = 16, HALF_ROWS = 512, SOME_BLOCKS = 16, FEW_BLOCKS = 16 };
#else
enum { A_TILE = 2 * TILE /* as floats */, HALF_BLOCKS = 8, HALF_ROWS = 256, SOME_BLOCKS = 8, FEW_BLOCKS = 128, ROOM = 0 };
#endif

_Static_assert(SOME_ROWS * SOME_BLOCKS <= HALF_ROWS * HALF_BLOCKS && FEW * FEW_BLOCKS <= HALF_ROWS * HALF_BLOCKS, "tiles of A have no room");

static int blocks_at_once(int M, int K, bool panels)
{
    if (!panels || M > SOME_ROWS)
        return HALF_BLOCKS;
    return even_part(rz_half_k(K) / RZ_HALF_BLOCK, M <= FEW ? FEW_BLOCKS : SOME_BLOCKS, 0);
}

/* A block of k: where it begins, how many of its terms there are. */
typedef struct { int k, n; } half_block;

/* The next blocks, up to `most`. k and span: where the first begins; moved on. */
static int next_blocks(half_block *to, int most, const rz_spans *spans, int K, int *k, int *span)
{
    int n = 0;
    for (; n < most && *k < K; n++) {
        int end = spans->n ? spans->ends[*span] : K;
        to[n] = (half_block){*k, minimum(end - *k, RZ_HALF_BLOCK)};
        *k += to[n].n;
        *span += *k == end;
    }
    return n;
}

/* Of a tile from `from` either the elements number 0 to 15 and 16 to 31 of lines i and i + 1, rows, of which there are `lines`, n elements of each; or, across, lower and upper halves of sixteen words
 * number i and i + 1, which are elements of four of n rows, `lines` elements of each. What is missing is 0. */
INLINE void two_lines(vf lo[2], vf hi[2], const float *from, int64_t stride, int i, const int lines, const int n, const bool is_across)
{
    vf of[4];
    UNROLL for (int j = 0; j < 4; j++) {
        of[j] = vf_zero();
        if (is_across && 2 * i + j < n)
            of[j] = get(from + (2 * i + j) * stride, lines);
        else if (!is_across && i + j / 2 < lines && j % 2 * 16 < n)
            of[j] = get(from + (i + j / 2) * stride + j % 2 * 16, minimum(n - j % 2 * 16, 16));
    }
    const bool fours = BY_FOURS && is_across;
    lo[0] = of[fours ? 2 : 0], hi[0] = of[fours ? 0 : 1], lo[1] = of[fours ? 3 : 2], hi[1] = of[fours ? 1 : 3];
}

INLINE void round_tile(uint16_t *to, const float *from, int64_t stride, const int lines, const int n, const bool is_across)
{
    for (int i = 0; i < RZ_PANEL; i += 2, to += 2 * RZ_HALF_BLOCK) {
        vf lo[2], hi[2];
        two_lines(lo, hi, from, stride, i, lines, n, is_across);
        UNROLL for (int j = 0; j < 2; j++) {
            if (!is_across && BY_FOURS)
                vf_deinterleave_twos(lo[j], hi[j], &hi[j], &lo[j]);
            else if (!is_across)
                vf_deinterleave(lo[j], hi[j], &lo[j], &hi[j]);
            vf_store((float *)(void *)(to + j * RZ_HALF_BLOCK), vf_half_pairs(lo[j], hi[j]));
        }
    }
}

#ifdef __AVX512BF16__
/* The same by the instruction that rounds. It takes numbers of magnitude below 2^-126 as zero before it rounds, which is another thing for some: false if there is one. */
INLINE bool round_tile_fast(uint16_t *to, const float *from, int64_t stride, const int lines, const int n, const bool is_across)
{
    enum { SUBNORMAL = 0x20 };
    const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0),
                  fours = _mm512_set_epi16(29, 31, 28, 30, 25, 27, 24, 26, 21, 23, 20, 22, 17, 19, 16, 18, 13, 15, 12, 14, 9, 11, 8, 10, 5, 7, 4, 6, 1, 3, 0, 2);
    unsigned small = 0;
    for (int i = 0; i < RZ_PANEL; i += 2, to += 2 * RZ_HALF_BLOCK) {
        vf lo[2], hi[2];
        two_lines(lo, hi, from, stride, i, lines, n, is_across);
        UNROLL for (int j = 0; j < 2; j++) {
            small |= _mm512_fpclass_ps_mask(lo[j], SUBNORMAL) | _mm512_fpclass_ps_mask(hi[j], SUBNORMAL);
            __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(hi[j], lo[j]);
            if (is_across || BY_FOURS)
                halves = _mm512_permutexvar_epi16(is_across ? interleave : fours, halves);
            _mm512_storeu_si512(to + j * RZ_HALF_BLOCK, halves);
        }
    }
    return !small;
}
#else
INLINE bool round_tile_fast(uint16_t *to, const float *from, int64_t stride, const int lines, const int n, const bool is_across)
{
    (void)to, (void)from, (void)stride, (void)lines, (void)n, (void)is_across;
    return false;
}
#endif

INLINE void make_tile(uint16_t *to, const float *from, int64_t stride, const int lines, const int n, const bool is_across, bool turn)
{
    if (!round_tile_fast(to, from, stride, lines, n, is_across))
        round_tile(to, from, stride, lines, n, is_across);
    if (!turn)
        return;
    vf w[RZ_PANEL];
    UNROLL for (int i = 0; i < RZ_PANEL; i++)
        w[i] = vf_load((const float *)(const void *)(to + i * RZ_HALF_BLOCK));
    vf_transpose(w);
    UNROLL for (int i = 0; i < RZ_PANEL; i++)
        vf_store((float *)(void *)(to + i * RZ_HALF_BLOCK), w[i]);
}

/* Tiles of lines (rows of A, columns of B) by blocks. line, k: how far apart they lie in memory, one of them 1. words_first: tiles as (word, line), not (line, word).
 * size: from a tile to the next. */
static void make_tiles(uint16_t *to, const float *from, int64_t line, int64_t k, int lines, const half_block *blocks, int n_blocks, bool words_first, int size)
{
    const bool is_across = k != 1, turn = is_across != words_first;
    const int64_t stride = is_across ? k : line;
    const int n_lines = (lines + RZ_PANEL - 1) / RZ_PANEL;
    for (int i = 0; i < n_lines * n_blocks; i++) { /* as memory lies */
        int m = is_across ? i % n_lines : i / n_blocks, j = is_across ? i / n_lines : i % n_blocks, height = minimum(lines - m * RZ_PANEL, RZ_PANEL);
        const float *p = from + m * RZ_PANEL * line + blocks[j].k * k;
        uint16_t *tile = to + (m * n_blocks + j) * size;
        if (height < RZ_PANEL || blocks[j].n < RZ_HALF_BLOCK)
            make_tile(tile, p, stride, height, blocks[j].n, is_across, turn);
        else if (is_across)
            make_tile(tile, p, stride, RZ_PANEL, RZ_HALF_BLOCK, true, turn);
        else
            make_tile(tile, p, stride, RZ_PANEL, RZ_HALF_BLOCK, false, turn);
    }
}

/* C(rows, columns), 32 × 32 or 16 × 64 at most, from n blocks: tiles of A, rows of tiles sa apart, and of B, columns of tiles sb apart. */
typedef struct {
    float *c, *top; /* of all rows the first */
    int64_t ldc;
    const uint16_t *a, *b;
    int64_t sa, sb;
    int rows, columns, n, more; /* rows of C that follow */
    bool add, few, ask, far;    /* few: these are all the rows there are. ask: for tiles of B that are wanted next, which are not near. far: these come from memory */
} half_work;

/* begin_half, end_half: around all products of a call with M rows. lay_a: n tiles of A as half_tiles wants them, in their place. */
#if defined RZ_TILES || defined RZ_DOTS
static void lay_a(uint16_t *a, int n)
{
    (void)a, (void)n;
}
#endif

#ifdef RZ_TILES
typedef struct { float *c; int64_t ldc; } place;

/* Tiles 0 to 3 are those of C, 4, of both rows of them also 5, of A, the others of B. Few rows are all there are: then tiles have no others. */
static unsigned begin_half(int M)
{
    struct { uint8_t palette, start_row, reserved[14]; uint16_t row_bytes[16]; uint8_t rows[16]; } of = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        bool second = M > RZ_PANEL && (i == 2 || i == 3 || i == 5), first = !second && i <= 4;
        int rows = M > TILE_ROWS ? RZ_PANEL : second ? M - RZ_PANEL : first ? minimum(M, RZ_PANEL) : RZ_PANEL;
        of.row_bytes[i] = RZ_HALF_BLOCK * sizeof(uint16_t);
        of.rows[i] = (uint8_t)rows;
    }
    _tile_loadconfig(&of);
    return 0;
}

static void end_half(unsigned before)
{
    (void)before;
    _tile_release(); /* else every switch to another thread would save them */
}

/* Where a tile of C is worked on: in place, unless a part of it is not C. */
static bool in_place(const half_work *w, int y, int x)
{
    return (w->few || w->rows - y >= RZ_PANEL) && w->columns - x >= RZ_PANEL;
}

static place begin_tile(const half_work *w, int y, int x, float edge[RZ_PANEL * RZ_PANEL])
{
    float *c = w->c + y * w->ldc + x;
    if (in_place(w, y, x))
        return (place){c, w->ldc * (int64_t)sizeof *c};
    for (int r = 0; w->add && r < RZ_PANEL; r++)
        vf_store(edge + r * RZ_PANEL, r < w->rows - y ? get(c + r * w->ldc, minimum(w->columns - x, RZ_PANEL)) : vf_zero());
    return (place){edge, RZ_PANEL * sizeof *edge};
}

static void end_tile(const half_work *w, int y, int x, const float edge[RZ_PANEL * RZ_PANEL])
{
    float *c = w->c + y * w->ldc + x;
    for (int r = 0; !in_place(w, y, x) && r < minimum(w->rows - y, RZ_PANEL); r++)
        put(c + r * w->ldc, vf_load(edge + r * RZ_PANEL), minimum(w->columns - x, RZ_PANEL));
}

static void ask_tile(const half_work *w, const uint16_t *b)
{
    if (!w->ask)
        return;
    UNROLL for (int i = 0; i < RZ_PANEL; i++)
        __builtin_prefetch(b + HALF_COLUMNS / RZ_PANEL * w->sb + i * RZ_HALF_BLOCK, 0, 2);
}

/* C two by two tiles, or four side by side. The numbers of tiles are part of the instructions. */
static void half_tiles(const half_work *w)
{
    _Alignas(64) float edge[4][RZ_PANEL * RZ_PANEL];
    const bool both = w->rows > RZ_PANEL;
    const int wide = (w->columns + RZ_PANEL - 1) / RZ_PANEL;
    const int64_t stride = RZ_HALF_BLOCK * sizeof(uint16_t);
    int y[4] = {0, 0, both ? RZ_PANEL : 0, both ? RZ_PANEL : 0}, x[4] = {0, RZ_PANEL, both ? 0 : 2 * RZ_PANEL, both ? RZ_PANEL : 3 * RZ_PANEL};
    bool on[4] = {true, wide > 1, both || wide > 2, both ? wide > 1 : wide > 3};
    place c[4];
    for (int i = 0; i < 4; i++)
        if (on[i])
            c[i] = begin_tile(w, y[i], x[i], edge[i]);
#define BEGIN(i)                             \
    if (!on[i] || !w->add)                   \
        _tile_zero(i);                       \
    else                                     \
        _tile_loadd(i, c[i].c, c[i].ldc)
    BEGIN(0);
    BEGIN(1);
    BEGIN(2);
    BEGIN(3);
#undef BEGIN
    for (int r = 0; r < minimum(w->more, w->rows); r++) /* asked for meanwhile: C is seldom near */
        for (int i = 0; i < wide; i++)
            __builtin_prefetch(w->c + (w->rows + r) * w->ldc + i * RZ_PANEL, 1, 3);
    const uint16_t *a = w->a, *b = w->b;
    for (int j = 0; both && j < w->n; j++, a += TILE, b += TILE) {
        _tile_loadd(4, a, stride);
        _tile_loadd(5, a + w->sa, stride);
        _tile_loadd(6, b, stride);
        ask_tile(w, b);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        if (wide > 1) {
            _tile_loadd(7, b + w->sb, stride);
            ask_tile(w, b + w->sb);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    for (int j = 0; !both && j < w->n; j++, a += TILE, b += TILE) {
        _tile_loadd(4, a, stride);
        _tile_loadd(5, b, stride);
        ask_tile(w, b);
        _tile_dpbf16ps(0, 4, 5);
        if (wide > 1) {
            _tile_loadd(6, b + w->sb, stride);
            ask_tile(w, b + w->sb);
            _tile_dpbf16ps(1, 4, 6);
        }
        if (wide > 2) {
            _tile_loadd(7, b + 2 * w->sb, stride);
            ask_tile(w, b + 2 * w->sb);
            _tile_dpbf16ps(2, 4, 7);
        }
        if (wide > 3) {
            _tile_loadd(5, b + 3 * w->sb, stride);
            ask_tile(w, b + 3 * w->sb);
            _tile_dpbf16ps(3, 4, 5);
        }
    }
#define END(i)                               \
    if (on[i]) {                             \
        _tile_stored(i, c[i].c, c[i].ldc);   \
        end_tile(w, y[i], x[i], edge[i]);    \
    }
    END(0)
    END(1)
    END(2)
    END(3)
#undef END
}
#else
/* The chains of even and of odd terms beside each other, so many rows and panels of them as fit in the registers. */
#if VF_REGISTERS >= 32
enum { HALF_HIGH = 6, HALF_WIDE = 2 };
#else
enum { HALF_HIGH = 3, HALF_WIDE = 1 };
#endif
enum { MOST_HIGH = HALF_HIGH * HALF_WIDE };
typedef vf sums[MOST_HIGH][HALF_WIDE];

/* What a tile of C asks for while it works on the words from `from` to `to` of every block: of the panels behind its own, in the order in which they lie. The tiles
 * of a column share them, so that none has to wait for memory. left: lines from `next` to the end of a panel, `gap` bytes before the next one. */
enum { PANEL_LINES = TILE * (int)sizeof(uint16_t) / LINE /* of a block */, AT_ONCE = 2 /* words, one of each chain */ };
typedef struct { const char *next; int64_t gap; int left, whole, from, to; } asking;

/* The tile of rows y … and of panels from b on. */
static inline asking asked_by(const half_work *w, const uint16_t *b, int y, int rows, int panels)
{
    if (!w->ask)
        return (asking){0};
    const int steps = RZ_PANEL / AT_ONCE, from = steps * y / w->rows, to = steps * (y + rows) / w->rows, whole = w->n * PANEL_LINES,
              first = panels * PANEL_LINES / steps * w->n * from;
    const int64_t panel = w->sb * (int64_t)sizeof *b, length = (int64_t)whole * LINE;
    return (asking){(const char *)b + panels * panel + first / whole * panel + first % whole * LINE, panel - length, whole - first % whole, whole, from * AT_ONCE, to * AT_ONCE};
}

INLINE void ask_line(asking *a)
{
    __builtin_prefetch(a->next, 0, 3);
    a->next += LINE;
    if (--a->left == 0)
        a->next += a->gap, a->left = a->whole;
}

/* Of the tile of C that is worked on next, so many rows: asked for meanwhile, since C is seldom near, a row in every block (of few blocks all in the first): all at once, they would have others wait. */
INLINE void ask_c(const float *next, int64_t ldc, int j, int n, const int rows, const int panels)
{
    const int end = j == 0 && n < rows ? rows : minimum(j + 1, rows);
    for (int r = j; r < end; r++)
        UNROLL for (int p = 0; p < panels; p++)
            __builtin_prefetch(next + r * ldc + p * RZ_PANEL, 0, 3);
}

/* Tile instructions flush small numbers and round to nearest by themselves, as those that add two products do; all others have to be told. */
static unsigned begin_half(int M)
{
    (void)M;
    return vf_flush_begin();
}

static void end_half(unsigned before)
{
    vf_flush_end(before);
}

/* own_zero: +0 made in its register; a copy of another one would take turns with products.
 * word_terms: the terms of word number i of a block, both of which are of one chain. */
#ifdef RZ_DOTS
static inline vf own_zero(void)
{
    vf zero;
    __asm__("vpxord %0, %0, %0" : "=v"(zero));
    return zero;
}

/* The instruction adds two products to each word, c = fma(upper halves, c), then c = fma(lower halves, c). */
INLINE void word_terms(sums to, const uint16_t *a, const uint16_t *b, int64_t sb, int i, const int rows, const int panels)
{
    __m512bh words[HALF_WIDE];
    UNROLL for (int p = 0; p < panels; p++)
        words[p] = (__m512bh)_mm512_loadu_si512(b + p * sb + i * RZ_HALF_BLOCK);
    UNROLL for (int r = 0; r < rows; r++) {
        const float *row = (const float *)(const void *)(a + r * RZ_HALF_BLOCK);
        __m512bh x = (__m512bh)vf_set(row[i]);
        UNROLL for (int p = 0; p < panels; p++)
            to[r][p] = _mm512_dpbf16_ps(to[r][p], x, words[p]);
    }
}
#else
/* Of each row first the upper halves of sixteen words, then the lower ones, as floats. From behind, since they take the place of half as many bytes. */
static void lay_a(uint16_t *a, int n)
{
    for (int i = 0; i < n; i++, a += A_TILE)
        for (int r = RZ_PANEL - 1; r >= 0; r--) {
            vf upper = vf_load_odd(a + r * RZ_HALF_BLOCK), lower = vf_load_even(a + r * RZ_HALF_BLOCK);
            float *to = (float *)(void *)a + r * RZ_HALF_BLOCK;
            vf_store(to, upper);
            vf_store(to + RZ_PANEL, lower);
        }
}

static inline vf own_zero(void)
{
    return vf_zero();
}

INLINE void word_terms(sums to, const uint16_t *a, const uint16_t *b, int64_t sb, int i, const int rows, const int panels)
{
    const float *x = (const float *)(const void *)a + i;
    UNROLL for (int lower = 0; lower < 2; lower++) {
        vf terms[HALF_WIDE];
        UNROLL for (int p = 0; p < panels; p++)
            terms[p] = lower ? vf_load_even(b + p * sb + i * RZ_HALF_BLOCK) : vf_load_odd(b + p * sb + i * RZ_HALF_BLOCK);
        UNROLL for (int r = 0; r < rows; r++) {
            vf factor = vf_set(x[r * RZ_HALF_BLOCK + lower * RZ_PANEL]);
            UNROLL for (int p = 0; p < panels; p++)
                to[r][p] = vf_fma(factor, terms[p], to[r][p]);
        }
    }
}
#endif

/* All terms of a block. One chain after the other takes fewer registers than both together. */
INLINE void block_terms(sums even, sums odd, const uint16_t *a, const uint16_t *b, int64_t sb, asking *ask, const int rows, const int panels, const bool asks)
{
    for (int i = 0; i < RZ_PANEL; i += AT_ONCE) {
        if (asks && i >= ask->from && i < ask->to)
            UNROLL for (int p = 0; p < 2 * panels; p++)
                ask_line(ask);
        word_terms(even, a, b, sb, i, rows, panels);
        word_terms(odd, a, b, sb, i + 1, rows, panels);
    }
}

/* Of a tile of C as many elements stay in registers until its last block as there is room for beside the sums. */
INLINE void half_tile(const half_work *w, int y, int x, const float *next, const int rows, const int panels)
{
    const half_work u = *w; /* nothing the stores could change */
    const uint16_t *a = u.a + y / RZ_PANEL * u.sa + y % RZ_PANEL * (A_TILE / RZ_PANEL), *b = u.b + x / RZ_PANEL * u.sb;
    float *c = u.c + y * u.ldc + x;
    asking ask = asked_by(&u, b, y, rows, panels);
    const int all = rows * panels, kept = ROOM > 2 * all ? minimum(ROOM - 2 * all, all) : 0;
    const int last = minimum(u.columns - x - (panels - 1) * RZ_PANEL, RZ_PANEL); /* columns of the last panel */
    vf keep[MOST_HIGH];
    UNROLL for (int i = 0; i < all; i++) {
        int r = i / panels, p = i % panels, n = p == panels - 1 ? last : RZ_PANEL;
        float *to = c + r * u.ldc + p * RZ_PANEL;
        if (i < kept)
            keep[i] = u.add ? get(to, n) : vf_zero();
        else if (!u.add)
            put(to, vf_zero(), n);
    }
    for (int j = 0; j < u.n; j++, a += A_TILE, b += TILE) {
        sums even, odd;
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int p = 0; p < panels; p++)
                even[r][p] = own_zero(), odd[r][p] = own_zero();
        ask_c(next, u.ldc, j, u.n, rows, panels);
        if (u.ask)
            block_terms(even, odd, a, b, u.sb, &ask, rows, panels, true);
        else
            block_terms(even, odd, a, b, u.sb, &ask, rows, panels, false);
        UNROLL for (int i = 0; i < all; i++) {
            int r = i / panels, p = i % panels, n = p == panels - 1 ? last : RZ_PANEL;
            float *to = c + r * u.ldc + p * RZ_PANEL;
            vf sum = vf_add(even[r][p], odd[r][p]);
            if (i < kept)
                keep[i] = vf_add(keep[i], sum);
            else
                put(to, vf_add(get(to, n), sum), n);
        }
    }
    UNROLL for (int i = 0; i < kept; i++) {
        int r = i / panels, p = i % panels;
        put(c + r * u.ldc + p * RZ_PANEL, keep[i], p == panels - 1 ? last : RZ_PANEL);
    }
}

#define HALF_TILE(R, P) static void half_tile_##R##x##P(const half_work *w, int y, int x, const float *next) { half_tile(w, y, x, next, R, P); }
#define HALF_1(R) HALF_TILE(R, 1)
#define HALF_2(R) HALF_TILE(R, 2)
#define OF_1(R) [R] = half_tile_##R##x1,
#define OF_2(R) [R] = half_tile_##R##x2,
#define ROWS_3(F) F(1) F(2) F(3)
#define ROWS_6(F) ROWS_3(F) F(4) F(5) F(6)
#define ROWS_12(F) ROWS_6(F) F(7) F(8) F(9) F(10) F(11) F(12)
/* by panels and rows */
#if VF_REGISTERS >= 32
ROWS_12(HALF_1) ROWS_6(HALF_2)
static void (*const half_tile_of[HALF_WIDE + 1][MOST_HIGH + 1])(const half_work *w, int y, int x, const float *next) = {[1] = {ROWS_12(OF_1)}, [2] = {ROWS_6(OF_2)}};
#else
ROWS_3(HALF_1)
static void (*const half_tile_of[HALF_WIDE + 1][MOST_HIGH + 1])(const half_work *w, int y, int x, const float *next) = {[1] = {ROWS_3(OF_1)}};
#endif

/* Rows of a tile of A lie beside each other in memory: none goes on in the next. Memory is read fastest in one stream. */
static void half_tiles(const half_work *w)
{
    const bool one = w->far && w->few && w->rows <= MOST_HIGH;
    const int most = one ? MOST_HIGH : HALF_HIGH;
    for (int x = 0, panels; x < w->columns; x += panels * RZ_PANEL) {
        panels = !one && w->columns - x > RZ_PANEL ? HALF_WIDE : 1;
        for (int y = 0, i = 0, rows; y < w->rows; y += rows, i = y % RZ_PANEL ? i + 1 : 0) {
            rows = even_part(minimum(w->rows - y / RZ_PANEL * RZ_PANEL, RZ_PANEL), most, i);
            const bool end = y + rows == w->rows + w->more; /* others begin again at the top */
            half_tile_of[panels][rows](w, y, x, end ? w->top + x + panels * RZ_PANEL : w->c + (y + rows) * w->ldc + x);
        }
    }
}
#endif

/* Begins with what is in C, in blocks of k, of rows and of columns. */
static __attribute__((noinline)) void half_product(float *c, int64_t ldc, const rz_mat_a *a, const rz_mat_b *b, int M, int N, int K, const rz_spans *spans, bool add)
{
    _Alignas(64) uint16_t tiles_a[HALF_ROWS / RZ_PANEL * HALF_BLOCKS * A_TILE], tiles_b[HALF_COLUMNS / RZ_PANEL * HALF_BLOCKS * TILE];
    half_block blocks[FEW_BLOCKS];
    const int most = blocks_at_once(M, K, b->half);
    const bool turned = b->stride_k == 1 && N > 1; /* B is Wᵀ */
    const int64_t column = turned ? b->stride_panel / RZ_PANEL : 1;
    for (int k = 0, span = 0, done = 0, n; (n = next_blocks(blocks, most, spans, K, &k, &span)) > 0; done += n)
        for (int m = 0, i = 0, rows; m < M; m += rows, i++) {
            rows = even_part((M + RZ_PANEL - 1) / RZ_PANEL, HALF_ROWS / RZ_PANEL, i) * RZ_PANEL;
            rows = minimum(rows, M - m);
            make_tiles(tiles_a, a->p + m * a->stride_m, a->stride_m, a->stride_k, rows, blocks, n, false, A_TILE);
            lay_a(tiles_a, (rows + RZ_PANEL - 1) / RZ_PANEL * n);
            for (int col = 0, columns; col < N; col += columns) {
                columns = minimum(N - col, HALF_COLUMNS);
                half_work w = {.ldc = ldc, .b = tiles_b, .sa = n * A_TILE, .sb = n * TILE, .n = n, .add = add || done > 0, .few = M <= TILE_ROWS, .far = b->far};
                if (b->half) {
                    w.b = b->half + col / RZ_PANEL * b->stride_panel + done * TILE, w.sb = b->stride_panel;
                    w.ask = i == 0;
                } else {
                    make_tiles(tiles_b, b->p + (turned ? col * column : col / RZ_PANEL * b->stride_panel), column, b->stride_k, columns, blocks, n, true, TILE);
                }
                int high = rows <= RZ_PANEL ? RZ_PANEL : TILE_ROWS, wide = rows <= RZ_PANEL ? HALF_COLUMNS : HALF_COLUMNS / 2;
                for (int x = 0; x < columns; x += wide)
                    for (int y = 0; y < rows; y += high) {
                        half_work u = w;
                        u.top = c + m * ldc + col + x, u.c = u.top + y * ldc, u.a = tiles_a + y / RZ_PANEL * w.sa, u.b = w.b + x / RZ_PANEL * w.sb;
                        u.rows = minimum(rows - y, high), u.columns = minimum(columns - x, wide), u.ask = w.ask && !y;
                        u.more = rows - y - u.rows;
                        half_tiles(&u);
                    }
            }
        }
}

MATMUL_HALF(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    assert(M >= 0 && N >= 0 && K >= 0 && (a.stride_m == 1 || a.stride_k == 1 || M <= 1) && (spans.n == 0 || spans.ends[spans.n - 1] == K) &&
           (!b.half || (spans.n <= 1 && b.fours == BY_FOURS && b.stride_panel == rz_half_panel(K))) && (b.half || b.stride_k != RZ_PANEL || b.stride_panel == RZ_PANEL || N <= RZ_PANEL));
    for (int m = 0; K == 0 && !add && m < M; m++) /* nothing to add up */
        memset(c + m * ldc, 0, (size_t)N * sizeof *c);
    if (M == 0 || N == 0 || K == 0)
        return;
    unsigned before = begin_half(M);
    half_product(c, ldc, &a, &b, M, N, K, &spans, add);
    end_half(before);
}
