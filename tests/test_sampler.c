/* One token from one row of logits, against brute force in binary64: softmax, sorted; filters by their definitions; frequencies of many draws. */
#include "rollout/sampler.h"
#include "tests/tiny.h"

#include <sys/mman.h>
#include <unistd.h>

enum { MANY = 70000 };

static rz_arena arena;

static void setup(void)
{
    arena = tiny_arena();
}

static void teardown(void)
{
    rz_arena_finish(&arena);
}

static rz_sampling plain(double temperature)
{
    return (rz_sampling){.temperature = temperature, .top_p = 1, .max_new = 1};
}

/* What is said of the token must be what the kernel of the trainer says, to the last bit. */
static int sample(int k, const rz_sampling *s, const float *logits, int V, double u, float *behaviour)
{
    rz_sampled of;
    float logp, entropy;
    int32_t id = rz_sample_token(tiny_kernels(k), s, logits, V, u, &of, arena);
    ck_assert_int_ge(id, 0);
    ck_assert_int_lt(id, V);
    tiny_kernels(k)->logp_forward(&logp, &entropy, NULL, NULL, logits, V, &id, rz_sampling_temperature(s), 1, V);
    ck_assert(!memcmp(&logp, &of.logp, sizeof logp) && !memcmp(&entropy, &of.entropy, sizeof entropy));
    ck_assert(rz_sampling_filters(s, V) || !memcmp(&logp, &of.logp_behaviour, sizeof logp));
    *behaviour = of.logp_behaviour;
    return id;
}

/* ---- brute force ---- */

static const double *ranked_by;

static int more_likely_first(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return ranked_by[x] != ranked_by[y] ? (ranked_by[x] > ranked_by[y] ? -1 : 1) : x - y;
}

/* p(V): probabilities after the filters. False when a limit is so close that rounding may decide. */
static bool distribution(const rz_sampling *s, const float *logits, int V, double *p)
{
    int *order = RZ_NEW(&arena, V, int), kept = V;
    double mx = -INFINITY, sum = 0, running = 0;
    bool clear = true;
    for (int i = 0; i < V; i++)
        mx = fmax(mx, logits[i]);
    for (int i = 0; i < V; i++) {
        order[i] = i;
        p[i] = exp((logits[i] - mx) / s->temperature);
        p[i] = p[i] < 1e-37 ? 0 : p[i]; /* as far as the exponential of a float goes */
    }
    ranked_by = p;
    qsort(order, (size_t)V, sizeof *order, more_likely_first);
    if (s->top_k && s->top_k < V)
        kept = s->top_k;
    for (int i = 0; i < kept; i++)
        sum += p[order[i]];
    if (s->top_p < 1)
        for (int i = 0; i < kept; i++) {
            running += p[order[i]] / sum;
            clear = clear && fabs(running - s->top_p) > 1e-6;
            if (running >= s->top_p)
                kept = i + 1;
        }
    for (int i = 1; i < kept; i++) {
        double share = p[order[i]] / p[order[0]];
        clear = clear && !(s->min_p > 0 && fabs(share - s->min_p) < 1e-6);
        if (share < s->min_p)
            kept = i;
    }
    sum = 0;
    for (int i = 0; i < V; i++)
        if (i < kept)
            sum += p[order[i]];
        else
            p[order[i]] = 0;
    for (int i = 0; i < V; i++)
        p[i] /= sum;
    return clear;
}

/* The id is one that u can fall on, rounding allowed, and its log-probability is right. */
static void check_draw(int k, const rz_sampling *s, const float *logits, int V, const double *p, double u, double slack)
{
    float behaviour;
    int id = sample(k, s, logits, V, u, &behaviour);
    double before = 0;
    ck_assert_msg(p[id] > 0, "id %d of probability 0 at u %.17g", id, u);
    for (int i = 0; i < id; i++)
        before += p[i];
    ck_assert_msg(u >= before - slack && u <= before + p[id] + slack, "id %d at u %.17g covers %.9g to %.9g", id, u, before, before + p[id]);
    if (rz_sampling_filters(s, V))
        ck_assert_msg(fabs(behaviour - log(p[id])) < 1e-6, "logp_behaviour is %.9g, brute force gives %.9g", behaviour, log(p[id]));
}

/* Logits on a coarse grid: many ties, all other gaps far above rounding. */
static void coarse_logits(rz_stream *r, float *logits, int V)
{
    int lowest = -rz_stream_range(r, 0, 30);
    for (int i = 0; i < V; i++)
        logits[i] = 0.25f * (float)rz_stream_range(r, lowest, 8);
}

START_TEST(filters_by_brute_force)
{
    static const double temperatures[] = {1, 0.6, 1.7}, top_ps[] = {1, 0.9, 0.5, 0.05, 1e-6, 0.999}, min_ps[] = {0, 0.02, 0.3, 0.99, 1};
    rz_stream r;
    int unclear = 0, tried = 0, filtered = 0;
    rz_stream_init(&r, 1, RZ_RNG_TEST, 0);
    for (int t = 0; t < 1000; t++) {
        size_t mark = arena.used;
        int V = t % 7 ? rz_stream_range(&r, 1, 40) : rz_stream_range(&r, 500, 1100); /* one block of the cumulative sum, and up to three */
        float *logits = RZ_NEW(&arena, V, float);
        double *p = RZ_NEW(&arena, V, double);
        coarse_logits(&r, logits, V);
        rz_sampling s = plain(temperatures[rz_stream_below(&r, 3)]);
        s.top_k = rz_stream_below(&r, 2) ? rz_stream_range(&r, 1, V + 2) : 0;
        s.top_p = top_ps[rz_stream_below(&r, 6)];
        s.min_p = min_ps[rz_stream_below(&r, 5)];
        tried++;
        if (distribution(&s, logits, V, p)) {
            filtered += rz_sampling_filters(&s, V);
            check_draw(_i, &s, logits, V, p, 0, 0);
            check_draw(_i, &s, logits, V, p, 0x1.fffffffffffffp-1, 1e-12); /* the last there is */
            for (int i = 0; i < 6; i++)
                check_draw(_i, &s, logits, V, p, rz_stream_unit(&r), 1e-6);
        } else
            unclear++;
        rz_arena_release(&arena, mark);
    }
    ck_assert_msg(unclear < tried / 4 && filtered > tried / 2, "%d of %d unclear, %d filtered", unclear, tried, filtered);
}
END_TEST

/* ---- exact cases: equal logits have equal weights, so every sum is exact ---- */

static const struct {
    const char *why;
    int V;
    float logits[6];
    int top_k;
    double top_p, min_p;
    bool in[6];
} exact[] = {
    {"all", 4, {0, 0, 0, 0}, 0, 1, 0, {1, 1, 1, 1}},
    {"ties go to the lower id", 4, {0, 0, 0, 0}, 2, 1, 0, {1, 1, 0, 0}},
    {"ties behind the first", 5, {0, 3, 0, 0, 3}, 3, 1, 0, {1, 1, 0, 0, 1}},
    {"top_k of all", 4, {0, 1, 2, 3}, 4, 1, 0, {1, 1, 1, 1}},
    {"top_k of more than all", 3, {0, 1, 2}, 9, 1, 0, {1, 1, 1}},
    {"one survivor", 4, {0, 1, 5, 3}, 1, 1, 0, {0, 0, 1, 0}},
    {"half of four, no more", 4, {0, 0, 0, 0}, 0, 0.5, 0, {1, 1, 0, 0}},
    {"a little over half", 4, {0, 0, 0, 0}, 0, 0.5000001, 0, {1, 1, 1, 0}},
    {"never none", 4, {0, 0, 0, 0}, 0, 1e-6, 0, {1, 0, 0, 0}},
    {"top_p of what top_k leaves", 6, {0, 0, 0, 0, 0, 0}, 4, 0.5, 0, {1, 1, 0, 0, 0, 0}},
    {"ties in top_p", 6, {0, 9, 0, 9, 9, 9}, 0, 0.7, 0, {0, 1, 0, 1, 1, 0}},
    {"min_p keeps equals", 4, {2, 1, 2, 1}, 0, 1, 1, {1, 0, 1, 0}},
    {"min_p of the most likely, not of the sum", 6, {0, 0, 0, 0, 0, 0}, 0, 1, 0.9, {1, 1, 1, 1, 1, 1}},
    {"min_p at e^-1", 3, {1, 0, -0.1f}, 0, 1, 0.36, {1, 1, 0}},
    {"all three", 6, {9, 9, 9, 9, 8, 7}, 5, 0.8, 0.9, {1, 1, 1, 1, 0, 0}},
    {"nothing left but the first", 3, {200, 0, -200}, 0, 1, 0, {1, 0, 0}},
    {"minus infinity", 4, {-INFINITY, 0, -INFINITY, 0}, 0, 1, 0, {0, 1, 0, 1}},
    {"minus infinity and more allowed", 4, {-INFINITY, 0, -INFINITY, 0}, 3, 1, 0.0001, {0, 1, 0, 1}},
};
enum { N_EXACT = sizeof exact / sizeof exact[0] };

START_TEST(exact_filters)
{
    int V = exact[_i].V, kept = 0;
    rz_sampling s = plain(1);
    s.top_k = exact[_i].top_k;
    s.top_p = exact[_i].top_p;
    s.min_p = exact[_i].min_p;
    for (int i = 0; i < V; i++)
        kept += exact[_i].in[i];
    for (int k = 0; k < tiny_n_kernels(); k++) {
        bool seen[6] = {false};
        for (int i = 0; i < 1000; i++) {
            float behaviour;
            int id = sample(k, &s, exact[_i].logits, V, i / 1000.0, &behaviour);
            seen[id] = true;
            ck_assert(!rz_sampling_filters(&s, V) || kept > 1 || behaviour == 0);
        }
        for (int i = 0; i < V; i++)
            ck_assert_msg(seen[i] == exact[_i].in[i], "%s: id %d is %s", exact[_i].why, i, seen[i] ? "in" : "out");
    }
}
END_TEST

START_TEST(what_filters)
{
    rz_sampling s = plain(1);
    ck_assert(!rz_sampling_filters(&s, 10));
    s.top_k = 10;
    ck_assert(!rz_sampling_filters(&s, 10));
    s.top_k = 9;
    ck_assert(rz_sampling_filters(&s, 10));
    s = plain(0.5);
    ck_assert(!rz_sampling_filters(&s, 10));
    s.top_p = 0.999;
    ck_assert(rz_sampling_filters(&s, 10));
    s = plain(1);
    s.min_p = 1e-9;
    ck_assert(rz_sampling_filters(&s, 10));
    s = plain(0);
    ck_assert(rz_sampling_filters(&s, 10));
    ck_assert(rz_sampling_temperature(&s) == 1);
    s = plain(0.7);
    ck_assert(rz_sampling_temperature(&s) == 0.7f);
}
END_TEST

START_TEST(greedy)
{
    static const struct { float logits[6]; int id; } rows[] = {
        {{0, 1, 2, 3, 4, 5}, 5}, {{5, 4, 3, 2, 1, 0}, 0}, {{1, 7, 7, 7, 2, 7}, 1}, {{0, 0, 0, 0, 0, 0}, 0}, {{-0.0f, 0, -1, -1, -1, -1}, 0},
        {{-3, -2, -9, -2, -4, -5}, 1}, {{-INFINITY, -1, 0, -1, -1, 0}, 2},
    };
    rz_sampling s = plain(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int j = 0; j < 3; j++) {
            float behaviour;
            s.top_k = j; /* changes nothing */
            s.top_p = j ? 0.3 : 1;
            ck_assert_int_eq(sample(_i, &s, rows[i].logits, 6, j * 0.49, &behaviour), rows[i].id);
            ck_assert(behaviour == 0); /* certain */
        }
}
END_TEST

/* ---- frequencies ---- */

/* 99.9 % quantiles of chi-square. The draws are addressed: this passes always or never. */
START_TEST(frequencies)
{
    enum { V = 12, N = 100000 };
    static const struct { double temperature, top_p, min_p; int top_k; } ways[] = {{1, 1, 0, 0}, {0.7, 1, 0, 0}, {2, 0.9, 0.05, 10}, {1, 1, 0, 5}};
    static const double limit[V] = {0, 10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32, 26.12, 27.88, 29.59, 31.26};
    static const float logits[V] = {0, -1, 0.5f, 1.5f, -2, 0.25f, -100, 1, -0.5f, -3, 0.75f, 0};
    rz_sampling s = plain(ways[_i].temperature);
    double p[V], chi = 0;
    int count[V] = {0}, free_cells = -1;
    s.top_k = ways[_i].top_k;
    s.top_p = ways[_i].top_p;
    s.min_p = ways[_i].min_p;
    ck_assert(distribution(&s, logits, V, p));
    for (int i = 0; i < N; i++) {
        float behaviour;
        count[sample(-1, &s, logits, V, rz_rng_unit(11, RZ_RNG_SAMPLE, 1, 2, 3, (uint32_t)i), &behaviour)]++;
    }
    for (int v = 0; v < V; v++) {
        if (p[v] * N < 1) { /* here: of the order of e^-100 or filtered */
            ck_assert_int_eq(count[v], 0);
            continue;
        }
        free_cells++;
        chi += (count[v] - p[v] * N) * (count[v] - p[v] * N) / (p[v] * N);
    }
    ck_assert_int_ge(free_cells, 3);
    ck_assert_msg(chi < limit[free_cells], "chi-square %g with %d degrees of freedom", chi, free_cells);
    ck_assert_msg(chi > 0.05, "chi-square %g: too good to be random", chi);
}
END_TEST

/* ---- a large vocabulary ---- */

START_TEST(large_vocabulary)
{
    static const struct { double top_p; int top_k; } ways[] = {{1, 0}, {0.95, 0}, {1, 1000}};
    float *logits = RZ_NEW(&arena, MANY, float);
    double *p = RZ_NEW(&arena, MANY, double);
    rz_stream r;
    rz_stream_init(&r, 2, RZ_RNG_TEST, 0);
    for (int i = 0; i < MANY; i++) /* long stretches of probability 0, many blocks of nothing else */
        logits[i] = i / 3000 % 3 == 1 ? -200.0f : (float)(4 * tiny_even(&r));
    for (int w = 0; w < 3; w++) {
        rz_sampling s = plain(1);
        s.top_p = ways[w].top_p;
        s.top_k = ways[w].top_k;
        size_t mark = arena.used;
        distribution(&s, logits, MANY, p);
        for (int i = 0; i < (w ? 6 : 40); i++) {
            double u = i == 0 ? 0 : i == 1 ? 0x1.fffffffffffffp-1 : rz_stream_unit(&r);
            float first, behaviour;
            int id = sample(0, &s, logits, MANY, u, &first);
            if (w != 1) /* where top_p ends among 70,000 is a matter of rounding */
                check_draw(0, &s, logits, MANY, p, u, 1e-5);
            ck_assert(logits[id] > -200);
            for (int k = 1; k < tiny_n_kernels(); k++) { /* the same token, the same bits */
                ck_assert_int_eq(sample(k, &s, logits, MANY, u, &behaviour), id);
                ck_assert(!memcmp(&behaviour, &first, sizeof first));
            }
        }
        rz_arena_release(&arena, mark);
    }
}
END_TEST

/* The ends of [0, 1) where the first and the last ids cannot be drawn. */
START_TEST(ends_of_the_unit_interval)
{
    enum { V = 1537 }; /* three blocks and one id */
    static const int firsts[] = {0, 1, 511, 512, 700, 1535}, lasts[] = {1536, 1535, 1023, 1024, 900, 1536};
    float *logits = RZ_NEW(&arena, V, float), behaviour;
    rz_sampling s = plain(1);
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        for (int v = 0; v < V; v++)
            logits[v] = v < firsts[i] || v > lasts[i] ? -88.0f : -1e-3f * (float)(v % 7);
        ck_assert_int_eq(sample(_i, &s, logits, V, 0, &behaviour), firsts[i]);
        ck_assert_int_eq(sample(_i, &s, logits, V, 0x1.fffffffffffffp-1, &behaviour), lasts[i]);
    }
    for (int v = 0; v < V; v++) /* all but two vanish beside the first: their sum is lost in its rounding, yet they have a probability */
        logits[v] = v == 3 ? 0 : v == 800 || v == 1500 ? -86.0f : -90.0f;
    ck_assert_int_eq(sample(_i, &s, logits, V, 0, &behaviour), 3);
    ck_assert_int_eq(sample(_i, &s, logits, V, 0.999999999, &behaviour), 3);
    int last = sample(_i, &s, logits, V, 0x1.fffffffffffffp-1, &behaviour);
    ck_assert(last == 3 || last == 800 || last == 1500);
}
END_TEST

/* Equal weights make every sum exact: u = i/V lies on the end of id i−1, and the first sum that exceeds it is that of id i. */
START_TEST(limits_between_ids)
{
    enum { V = 2048 };
    float *logits = RZ_ZNEW(&arena, V, float), behaviour;
    rz_sampling s = plain(1);
    for (int i = 0; i < V; i++) {
        ck_assert_int_eq(sample(_i, &s, logits, V, (double)i / V, &behaviour), i);
        ck_assert_int_eq(sample(_i, &s, logits, V, nextafter((double)(i + 1) / V, 0), &behaviour), i);
    }
    s.top_k = 512; /* the first block, and nothing behind it */
    for (int i = 0; i < 512; i++)
        ck_assert_int_eq(sample(_i, &s, logits, V, (double)i / 512, &behaviour), i);
    ck_assert_int_eq(sample(_i, &s, logits, V, 0x1.fffffffffffffp-1, &behaviour), 511);
}
END_TEST

/* A diverged policy must not crash the sampler: some id comes out and the trainer's checks speak of the rest. Before the scratch memory lies a page
 * that nobody may touch. */
START_TEST(not_a_number)
{
    static const float rows[][4] = {{NAN, NAN, NAN, NAN}, {0, NAN, 1, 2}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, {0, INFINITY, 1, INFINITY}};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 16 * page;
    char *memory = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(memory != MAP_FAILED && !mprotect(memory, page, PROT_NONE));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int j = 0; j < 8; j++) {
            rz_sampling s = plain(j & 1 ? 0 : 1);
            rz_sampled of;
            s.top_p = j & 2 ? 0.9 : 1;
            s.min_p = j & 4 ? 0.1 : 0;
            int id = rz_sample_token(tiny_kernels(_i), &s, rows[i], 4, 0.5, &of, (rz_arena){memory + page, 0, size, size});
            ck_assert(id >= 0 && id < 4);
        }
    munmap(memory, page + size);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, filters_by_brute_force, 0, tiny_n_kernels());
    tcase_add_loop_test(t, exact_filters, 0, N_EXACT);
    tcase_add_test(t, what_filters);
    tcase_add_loop_test(t, greedy, 0, tiny_n_kernels());
    tcase_add_loop_test(t, frequencies, 0, 4);
    tcase_add_test(t, large_vocabulary);
    tcase_add_loop_test(t, ends_of_the_unit_interval, 0, tiny_n_kernels());
    tcase_add_loop_test(t, limits_between_ids, 0, tiny_n_kernels());
    tcase_add_loop_test(t, not_a_number, 0, tiny_n_kernels());
}

int main(void)
{
    return tiny_main("sampler", add);
}
