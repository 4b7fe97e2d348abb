/* What is drafted, against sources whose probabilities are known; how much of it is run, against all choices there are. */
#include "base/rng.h"
#include "rollout/draft.h"
#include "tests/tiny.h"

#include <float.h>

static rz_arena arena;

static void setup(void) { arena = tiny_arena(); }
static void teardown(void) { rz_arena_finish(&arena); }

static void learn(rz_draft *d, rz_draft_text *t, const int32_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        rz_draft_learn(d, t, ids[i]);
}

/* A text said again is drafted as it was, for texts of its key alone; never more than is asked for, and nothing where nothing is known. */
START_TEST(repeats)
{
    static const int32_t text[] = {5, 9, 2, 7, 1, 8, 3, 6, 4, 0};
    rz_draft *d = rz_draft_create(&arena);
    rz_draft_text first = {.key = 3}, other = {.key = 4};
    rz_drafted got;
    for (int n = 0; n < 10; n++) { /* whatever of it there is: no token was there before */
        rz_draft_next(d, &first, RZ_DRAFT_TOKENS, 0, &got);
        ck_assert_int_eq(got.n, 0);
        learn(d, &first, text + n, 1);
    }
    for (int start = 0; start < 10; start++)
        for (int most = 0; most <= RZ_DRAFT_TOKENS; most++) {
            rz_draft_text again = {.key = 3}, stranger = {.key = 4};
            rz_draft *known = rz_draft_create(&arena);
            memcpy(known, d, rz_draft_bytes());
            rz_draft_next(known, &again, most, 0, &got); /* it has not begun */
            ck_assert_int_eq(got.n, 0);
            rz_draft_learn(known, &again, text[start]);
            rz_draft_next(known, &again, most, 0, &got);
            ck_assert_int_eq(got.n, 9 - start < most ? 9 - start : most);
            ck_assert(!memcmp(got.ids, text + start + 1, (size_t)got.n * sizeof *text));
            learn(known, &stranger, text, start);
            rz_draft_next(known, &stranger, most, 0, &got);
            ck_assert_int_eq(got.n, 0);
        }
    rz_draft_next(d, &other, RZ_DRAFT_TOKENS, 0, &got);
    ck_assert_int_eq(got.n, 0);
}
END_TEST

/* After each pair of letters one follows with a known chance, else any: that one is drafted, and as many drafts are right as is said, of the first token and of
 * the first ones together. */
START_TEST(chances)
{
    enum { LETTERS = 12, TOKENS = 60000 };
    static const double shares[] = {0, 0.5, 0.8, 0.95};
    static int32_t text[TOKENS + RZ_DRAFT_TOKENS];
    double share = shares[_i], told[RZ_DRAFT_TOKENS] = {0};
    rz_draft *d = rz_draft_create(&arena);
    rz_draft_text t = {.key = 1};
    rz_stream s;
    int by_rule = 0, n[RZ_DRAFT_TOKENS] = {0}, right[RZ_DRAFT_TOKENS] = {0};
    rz_stream_init(&s, 3, RZ_RNG_TEST, (uint64_t)_i);
    for (int i = 0; i < TOKENS + RZ_DRAFT_TOKENS; i++)
        text[i] = i > 1 && rz_stream_unit(&s) < share ? (7 * text[i - 1] + 5 * text[i - 2] + 3) % LETTERS : (int32_t)rz_stream_below(&s, LETTERS);
    for (int i = 0; i < TOKENS; i++) {
        rz_drafted got = {0};
        if (i > TOKENS / 2)
            rz_draft_next(d, &t, RZ_DRAFT_TOKENS, 0, &got);
        for (int j = 0, same = true; j < got.n; j++) {
            same = same && got.ids[j] == text[i + j];
            told[j] += got.chance[j];
            right[j] += same;
            n[j]++;
            ck_assert(!j || got.chance[j] < got.chance[j - 1]);
        }
        by_rule += got.n && got.ids[0] == (7 * text[i - 1] + 5 * text[i - 2] + 3) % LETTERS;
        rz_draft_learn(d, &t, text[i]);
    }
    ck_assert_int_gt(n[0], TOKENS / 2 - 100);
    ck_assert_msg(share < 0.5 || by_rule > (share < 0.6 ? 0.7 : 0.97) * n[0], "share %g: %d of %d are the rule's", share, by_rule, n[0]);
    for (int j = 0; j < RZ_DRAFT_TOKENS; j++)
        ck_assert_msg(fabs(told[j] - right[j]) < 0.06 * n[j], "share %g, token %d: %g of %d are said to be right, %d are", share, j, told[j], n[j], right[j]);
}
END_TEST

/* Drafting ends where the chance is no more than is asked for. */
START_TEST(ends_at_least)
{
    rz_draft *d = rz_draft_create(&arena);
    rz_draft_text t = {.key = 1};
    rz_drafted all, some;
    for (int i = 0; i < 40; i++)
        rz_draft_learn(d, &t, i % 3);
    rz_draft_next(d, &t, RZ_DRAFT_TOKENS, 0, &all);
    ck_assert_int_eq(all.n, RZ_DRAFT_TOKENS);
    for (int i = 0; i < all.n; i++) {
        rz_draft_next(d, &t, RZ_DRAFT_TOKENS, all.chance[i], &some);
        ck_assert_int_eq(some.n, i);
        ck_assert(!memcmp(some.ids, all.ids, (size_t)i * sizeof *some.ids) && !memcmp(some.chance, all.chance, (size_t)i * sizeof *some.chance));
    }
}
END_TEST

/* ---- how much of it is run ---- */

static double gain(const rz_drafted *drafts, int n, const double *cost, const int *take, int *rows)
{
    double tokens = n;
    *rows = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < take[i]; j++, ++*rows)
            tokens += drafts[i].chance[j];
    return tokens / cost[n + *rows];
}

enum { MOST = 4, DEPTH = 4, ROOM = 8, ROWS = MOST + MOST * DEPTH };

/* Costs that rise, by even steps, by stairs or as they please. */
static void some_costs(rz_stream *s, double *cost)
{
    double weights = (double[]){0.1, 1, 4, 8, 100}[rz_stream_below(s, 5)];
    int stairs = (int[]){1, 1, 3, 6}[rz_stream_below(s, 4)], free_will = rz_stream_below(s, 2) == 0;
    for (int i = 0; i <= ROWS; i++)
        cost[i] = i && free_will ? cost[i - 1] + rz_stream_unit(s) : weights + (i + stairs - 1) / stairs * stairs + 0.01 * i;
}

/* Against all of up to 5^4 choices. */
START_TEST(choice)
{
    rz_stream s;
    int none = 0, some = 0, full = 0;
    rz_stream_init(&s, 4, RZ_RNG_TEST, 0);
    for (int round = 0; round < 4000; round++) {
        rz_drafted drafts[MOST];
        int n = 1 + (int)rz_stream_below(&s, MOST), room = (int)rz_stream_below(&s, ROOM + 1), take[MOST], all = 1, rows;
        double cost[ROWS + 1], sure = rz_stream_unit(&s), best = 0;
        some_costs(&s, cost);
        double least = rz_draft_least(n, cost, room);
        bool useless = true; /* what is drafted, by what rz_draft_least says */
        for (int i = 0; i < n; i++) {
            double chance = 1;
            drafts[i].n = (int)rz_stream_below(&s, DEPTH + 1);
            for (int j = 0; j < drafts[i].n; j++) {
                drafts[i].chance[j] = chance *= sure + (1 - sure) * rz_stream_unit(&s);
                useless = useless && chance <= least;
            }
            all *= DEPTH + 1;
        }
        for (int k = 0; k < all; k++) {
            int taken[MOST];
            bool there = true;
            for (int i = 0, rest = k; i < n; i++, rest /= DEPTH + 1) {
                taken[i] = rest % (DEPTH + 1);
                there = there && taken[i] <= drafts[i].n;
            }
            double g = there ? gain(drafts, n, cost, taken, &rows) : 0;
            if (there && rows <= room && g > best)
                best = g;
        }
        int got = rz_draft_choose(drafts, n, cost, room, take);
        double g = gain(drafts, n, cost, take, &rows);
        ck_assert_int_eq(got, rows);
        ck_assert_int_le(rows, room);
        ck_assert_msg(fabs(g - best) < 1e-12, "%d sequences, room for %d: %g tokens for the cost, could be %g", n, room, g, best);
        ck_assert_msg(!useless || !rows, "nothing is above %g, and %d rows are taken", least, rows);
        none += !rows, some += rows > 0, full += rows == room && room > 0;
    }
    ck_assert(none > 100 && some > 100 && full > 100);
}
END_TEST

START_TEST(costs)
{
    static const rz_draft_point points[] = {{1, 10}, {3, 12}, {4, 20}};
    static const double wanted[] = {9, 10, 11, 12, 20, 28, 36};
    double cost[7];
    rz_draft_costs(points, 3, 6, cost);
    for (int i = 0; i < 7; i++)
        ck_assert_double_eq_tol(cost[i], wanted[i], 1e-12);
    ck_assert_double_eq_tol(rz_draft_least(1, cost, 2), 0.1, 1e-12); /* two more for a fifth of the cost */
    ck_assert_double_eq_tol(rz_draft_least(3, cost, 3), 1, 1e-12);   /* three for what three cost, and more */
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, repeats);
    tcase_add_loop_test(t, chances, 0, 4);
    tcase_add_test(t, ends_at_least);
    tcase_add_test(t, choice);
    tcase_add_test(t, costs);
}

int main(void)
{
    return tiny_main("draft", add);
}
