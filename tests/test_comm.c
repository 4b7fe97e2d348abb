/* Runs alone (one rank, MPI not started) and under mpirun with any number of ranks. `test_comm abort N`: the last rank ends the job with
 * status N while the others wait; mpirun must return N. A check that fails on one rank would leave the others waiting, hence must(). */
#include "base/comm.h"
#include "base/file.h"
#include "base/shared.h"
#include "policy/policy.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static rz_comm *comm;
static int rank, size;
static rz_err err;

#define must(ok) must_at((ok), #ok, __LINE__)
static void must_at(bool ok, const char *what, int line)
{
    if (ok) return;
    fprintf(stderr, "tests/test_comm.c:%d: rank %d of %d: %s is false\n", line, rank, size, what);
    rz_comm_abort(comm, 1);
}

/* Contents that tell rank, message and place apart. */
static void fill(void *data, size_t n, unsigned seed)
{
    unsigned char *p = data;
    for (size_t i = 0; i < n; i++) p[i] = (unsigned char)((i * 2654435761u + i / 65521 + seed * 97) >> 3);
}

static bool filled(const void *data, size_t n, unsigned seed)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)((i * 2654435761u + i / 65521 + seed * 97) >> 3)) return false;
    return true;
}

/* Three parts on the wire, the last one short. */
enum { BIG = (130 << 20) + 3 };

START_TEST(ranks_are_those_of_the_launcher)
{
    const char *n = getenv("OMPI_COMM_WORLD_SIZE"), *r = getenv("OMPI_COMM_WORLD_RANK"), *local = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    must(size == (n != NULL ? atoi(n) : 1));
    must(rank == (r != NULL ? atoi(r) : 0));
    must(rz_comm_local_size(comm) == (local != NULL ? atoi(local) : 1));
}
END_TEST

START_TEST(agree_gives_everyone_the_lowest_failing_ranks_error)
{
    must(rz_comm_agree(comm, true, &err));
    for (int failing = 1; failing < 1 << (size < 4 ? size : 4); failing++) { /* a bit a rank */
        bool ok = (failing >> rank & 1) == 0;
        rz_err mine = {.code = RZ_OK};
        if (!ok) rz_fail(&mine, rank % 2 ? RZ_EIO : RZ_EDATA, "rank %d has lost its shoe", rank);
        int lowest = __builtin_ctz((unsigned)failing);
        char want[64];
        snprintf(want, sizeof want, "rank %d has lost its shoe", lowest);
        must(!rz_comm_agree(comm, ok, &mine));
        must(strcmp(mine.text, want) == 0);
        must(mine.code == (lowest % 2 ? RZ_EIO : RZ_EDATA));
        mine = (rz_err){.code = RZ_OK};
        must(rz_comm_agree(comm, true, &mine)); /* the failure is over */
        must(mine.code == (RZ_OK));
    }
}
END_TEST

START_TEST(barrier_lets_nobody_through_early)
{
    for (int late = 0; late < size; late++) {
        rz_comm_barrier(comm);
        double before = rz_now_s();
        if (rank == late) nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
        rz_comm_barrier(comm);
        must(rz_now_s() - before >= 0.025);
    }
}
END_TEST

START_TEST(bcast_comes_from_every_root)
{
    static const size_t sizes[] = {0, 1, 1000, 100000, BIG};
    char *data = rz_malloc(BIG);
    for (int root = 0; root < size; root++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            if (sizes[k] == BIG && root != size - 1) continue;
            fill(data, sizes[k], rank == root ? 1000u + (unsigned)root : 0);
            rz_comm_bcast(comm, data, sizes[k], root);
            must(filled(data, sizes[k], 1000u + (unsigned)root));
        }
    }
    free(data);
}
END_TEST

/* counts per turn and rank (ranks beyond the fourth as the fourth) */
START_TEST(allgather_takes_unequal_counts)
{
    static const size_t rows[][4] = {{1, 1, 1, 1}, {0, 5, 0, 3}, {7, 0, 0, 0}, {0, 0, 0, 0}, {3, 100000, 17, 0}, {10, (65 << 20) + 5, 1, 2}};
    for (size_t k = 0; k < 2 * sizeof rows / sizeof *rows; k++) {
        bool in_place = k % 2;
        size_t *counts = rz_malloc((size_t)size * sizeof *counts), total = 0, my_place = 0;
        for (int r = 0; r < size; r++) {
            counts[r] = rows[k / 2][r < 3 ? r : 3];
            if (r < rank) my_place += counts[r];
            total += counts[r];
        }
        char *all = rz_malloc(total), *mine = in_place ? all + my_place : rz_malloc(counts[rank]);
        memset(all, 0, total);
        fill(mine, counts[rank], (unsigned)rank);
        rz_comm_allgather(comm, mine, all, counts);
        size_t place = 0;
        for (int r = 0; r < size; place += counts[r++]) must(filled(all + place, counts[r], (unsigned)r));
        if (!in_place) free(mine);
        free(all);
        free(counts);
    }
}
END_TEST

START_TEST(integers_are_summed_and_compared)
{
    enum { N = 1000 };
    int64_t sum[N], max[N];
    for (int i = 0; i < N; i++) {
        sum[i] = ((int64_t)1 << 53) * (rank + 1) + i - rank;
        max[i] = i % size == rank ? i - 500 : INT64_MIN + i;
    }
    rz_comm_sum_i64(comm, sum, N);
    rz_comm_max_i64(comm, max, N);
    int64_t triangle = (int64_t)size * (size + 1) / 2;
    for (int i = 0; i < N; i++) {
        must(sum[i] == (((int64_t)1 << 53) * triangle + (int64_t)i * size - (triangle - size)));
        must(max[i] == (i - 500));
    }
    rz_comm_sum_i64(comm, sum, 0);
}
END_TEST

START_TEST(messages_arrive_whole_and_in_order)
{
    enum { N = 300 };
    if (size == 1) return; /* nobody to talk to */
    char *data = rz_malloc(BIG);
    for (int from = 0; from < size; from++) {
        int to = (from + 1) % size;
        for (unsigned i = 0; i < N; i++) {
            size_t n = i * 7 % 1013;
            if (rank == from) {
                fill(data, n, i);
                rz_comm_send(comm, to, data, n);
            } else if (rank == to) {
                rz_comm_recv(comm, from, data, n);
                must(filled(data, n, i));
            }
        }
    }
    if (rank == 0) {
        fill(data, BIG, 42);
        rz_comm_send(comm, size - 1, data, BIG);
    } else if (rank == size - 1) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* the sender has to wait for a receiver */
        rz_comm_recv(comm, 0, data, BIG);
        must(filled(data, BIG, 42));
    }
    free(data);
}
END_TEST

/* Every rank sends to every other several pieces of different lengths, some empty. */
START_TEST(exchange_matches_pieces_in_order)
{
    enum { PIECES = 5 };
    static const size_t lengths[PIECES] = {100, 0, 70000, 1, (66 << 20) + 1};
    rz_piece *send = rz_malloc((size_t)size * PIECES * sizeof *send), *recv = rz_malloc((size_t)size * PIECES * sizeof *recv);
    int n = 0;
    for (int k = 0; k < PIECES; k++) {
        if (k == PIECES - 1 && size > 2) continue; /* memory: large pieces between two ranks only */
        for (int r = 0; r < size; r++) {
            if (r == rank) continue;
            send[n] = (rz_piece){.rank = r, .data = rz_malloc(lengths[k]), .bytes = lengths[k]};
            recv[n] = (rz_piece){.rank = r, .data = rz_malloc(lengths[k]), .bytes = lengths[k]};
            fill(send[n].data, lengths[k], (unsigned)(rank * 1000 + r * 10 + k));
            n++;
        }
    }
    rz_comm_exchange(comm, send, n, recv, n);
    for (int i = 0; i < n; i++) {
        int k = size > 1 ? i / (size - 1) : 0;
        must(filled(recv[i].data, recv[i].bytes, (unsigned)(recv[i].rank * 1000 + rank * 10 + k)));
        free(send[i].data);
        free(recv[i].data);
    }
    rz_comm_exchange(comm, send, 0, recv, 0);
    free(send);
    free(recv);
}
END_TEST

/* Every item to exactly one rank; `slow` (−1: none) sleeps at each of its own and so gets fewer; `quits` ends after `after` items: the others get
 * no more than they have, and nobody hangs. Rank 0 serves while it works. */
static void deal(int64_t n, int64_t hand, int slow, int quits, int64_t after)
{
    int64_t *owners = rz_calloc((size_t)n + 1, sizeof *owners), *got = rz_calloc((size_t)size, sizeof *got), item;
    rz_deal *d = rz_deal_begin(comm, n, hand);
    rz_deal_answer answer;
    for (bool wait = false; rank != quits || got[rank] < after; wait = !wait) {
        rz_deal_ask(d, 1 + n % 3);
        answer = rz_deal_take(d, wait, &item);
        must(!(wait && answer == RZ_DEAL_LATER));
        if (answer == RZ_DEAL_OVER) break;
        if (answer == RZ_DEAL_ITEM) {
            must(item >= 0 && item < n);
            owners[item]++;
            got[rank]++;
        }
        long nap_ns = rank == slow ? 4000000 : quits >= 0 && rank != quits ? 1000000 : slow >= 0 || answer == RZ_DEAL_LATER ? 200000 : 0;
        if (nap_ns) nanosleep(&(struct timespec){.tv_nsec = nap_ns}, NULL);
        rz_deal_serve(d);
    }
    rz_deal_end(d);
    must(rz_comm_agree(comm, true, &err));
    rz_comm_sum_i64(comm, owners, (int)n);
    rz_comm_sum_i64(comm, got, size);
    int64_t dealt = 0;
    for (int64_t i = 0; i < n; dealt += owners[i++]) must(quits >= 0 ? owners[i] <= 1 : owners[i] == 1);
    must(quits < 0 || dealt < n);
    for (int r = 0; r < size && quits < 0; r++) {
        must(got[r] >= (hand < n / size ? hand : n / size));
        if (slow >= 0 && r != slow && n / size > 4 * (hand + 3)) must(got[r] > got[slow]);
    }
    free(owners);
    free(got);
}

START_TEST(each_item_is_dealt_once)
{
    static const int64_t counts[] = {0, 1, 2, 3, 5, 16, 17, 100, 1000}, hands[] = {0, 1, 4, 2000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t k = 0; k < sizeof hands / sizeof *hands; k++)
            for (int again = 0; again < 2; again++) deal(counts[i], hands[k], -1, -1, 0);
}
END_TEST

START_TEST(a_slow_rank_gets_fewer_items)
{
    for (int slow = 0; slow < size; slow++) deal(15 * size + 100, 1, slow, -1, 0);
}
END_TEST

START_TEST(a_rank_that_leaves_a_deal_ends_it_for_all)
{
    for (int quits = 0; quits < size; quits++)
        for (int64_t after = 0; after < 4; after++) deal(40 * size, after % 3, -1, quits, after);
    deal(100, 1, -1, -1, 0); /* the next one is whole again */
}
END_TEST

/* Part of the memory that rank r writes: some have none. */
static size_t part_of(int r) { return r % 3 == 2 ? 0 : 100000 + 7 * (size_t)r; }

/* With so many ranks a machine: every rank writes its part, sees all parts, and, where it has company, what another wrote without being told. */
static void share(int ranks_a_machine, bool common)
{
    size_t *counts = rz_calloc((size_t)size, sizeof *counts), bytes = 0, at = 0;
    for (int r = 0; r < size; r++) {
        at += r < rank ? part_of(r) : 0;
        bytes += counts[r] = part_of(r);
    }
    rz_shared s;
    rz_err why = {.code = RZ_OK};
    rz_comm_pretend_machines(comm, ranks_a_machine);
    must(rz_shared_init(&s, comm, bytes + 100, &why) == (common || ranks_a_machine == 1 || size == 1));
    must(common || ranks_a_machine == 1 || size == 1 ? why.code == RZ_OK : why.code == RZ_EIO && strstr(why.text, "cannot"));
    must(s.common == (common && ranks_a_machine > 1 && size > 1));
    must(s.parts == (s.common ? rz_comm_local_size(comm) : 1) && s.part == (s.common ? rank % ranks_a_machine : 0));
    char *p = s.p;
    for (size_t i = 0; i < bytes + 100; i++) must(!p[i]);
    for (unsigned again = 0; again < 3; again++) {
        rz_comm_barrier(comm);
        fill(p + at, part_of(rank), again + (unsigned)rank);
        rz_shared_gather(&s, counts);
        size_t place = 0;
        for (int r = 0; r < size; place += counts[r++]) must(filled(p + place, counts[r], again + (unsigned)r));
        for (int i = 0; i < 100; i++) must(!p[bytes + (size_t)i]);
    }
    rz_comm_barrier(comm);
    p[bytes + (size_t)(s.common ? s.part : 0)] = (char)(1 + rank);
    rz_shared_barrier(&s);
    for (int i = 0; i < s.parts; i++) must(p[bytes + (size_t)i] == 1 + (s.common ? rank / ranks_a_machine * ranks_a_machine + i : rank));
    rz_comm_barrier(comm);
    rz_shared_finish(&s);
    free(counts);
}

START_TEST(ranks_of_a_machine_share_memory)
{
    for (int ranks = 1; ranks <= size; ranks++) share(ranks, true);
}
END_TEST

/* Where one rank cannot open it, all have their own: as one without file descriptors to spare. */
START_TEST(memory_that_cannot_be_shared_is_private)
{
    for (int poor = 0; poor < size; poor++) {
        struct rlimit before, none;
        must(getrlimit(RLIMIT_NOFILE, &before) == 0);
        none = before;
        none.rlim_cur = 3;
        if (rank == poor) must(setrlimit(RLIMIT_NOFILE, &none) == 0);
        share(size, false);
        must(setrlimit(RLIMIT_NOFILE, &before) == 0);
    }
    share(size, true);
}
END_TEST

/* Panels of bfloat16 are in common where the kernels of all want them in the same order, else each rank's own; the reference takes either. */
START_TEST(panels_lie_as_each_rank_wants)
{
    enum { VOCAB = 37, HIDDEN = 20, TOKENS = 3 };
    static const rz_arch arch = {VOCAB, HIDDEN, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true};
    static const int32_t ids[TOKENS] = {5, 0, 36};
    for (int wants = 0; wants < 4; wants++) { /* pairs, fours, by turns, and the other way round */
        const rz_kernels *const *list;
        rz_kernels_available(&list);
        rz_kernels mine = *list[0];
        mine.fours = wants < 2 ? wants : (rank + wants) % 2;
        rz_policy *p;
        rz_arena arena;
        must(rz_policy_create(&p, &arch, &mine, NULL, &err) && rz_arena_init(&arena, 1 << 24, &err));
        rz_policy_init_weights(p, 3);
        rz_policy_store(p, RZ_STORED_BF16, RZ_COMPUTE_F32, RZ_KV_F32);
        must(rz_policy_share(p, comm, &err));
        rz_policy_panels(p);
        must(p->packed_memory.common == (size > 1 && wants < 2));
        rz_cache cache;
        rz_cache_init(&cache, p, TOKENS, &arena);
        float h[TOKENS * HIDDEN], logits[2][TOKENS * VOCAB];
        rz_policy_forward(p, &(rz_run){ids, TOKENS, &cache, NULL, NULL}, 1, h, arena);
        rz_policy_logits(p, logits[0], h, TOKENS);
        memcpy(logits[1], logits[0], sizeof logits[0]);
        rz_comm_bcast(comm, logits[1], sizeof logits[1], 0);
        must(memcmp(logits[0], logits[1], sizeof logits[0]) == 0);
        rz_arena_finish(&arena);
        rz_policy_destroy(p);
    }
}
END_TEST

/* For one rank alone, no other has to come. */
START_TEST(memory_of_a_single_rank)
{
    rz_shared s;
    must(rz_shared_init(&s, NULL, (size_t)(rank + 1), &err) && !s.common && s.part == 0 && s.parts == 1);
    rz_shared_gather(&s, &(size_t){1});
    rz_shared_finish(&s);
    rz_shared_finish(&s);
}
END_TEST

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(waiting_leaves_the_core_to_others)
{
    rz_comm_barrier(comm);
    double before = cpu_s();
    if (rank == 0) nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    rz_comm_barrier(comm);
    double burnt = cpu_s() - before;
    must(burnt < 0.1);
}
END_TEST

START_TEST(abort_of_a_single_rank_is_its_exit)
{
    if (getenv("OMPI_COMM_WORLD_SIZE") != NULL) return; /* a child of an MPI process may not use MPI; see `abort` above */
    pid_t child = fork();
    if (child == 0) rz_comm_abort(comm, 87);
    int status = 0;
    must(waitpid(child, &status, 0) == (child));
    must(WIFEXITED(status) && WEXITSTATUS(status) == 87);
}
END_TEST

static int run_tests(void)
{
    Suite *suite = suite_create("comm");
    TCase *tests = tcase_create("comm");
    tcase_add_test(tests, ranks_are_those_of_the_launcher);
    tcase_add_test(tests, agree_gives_everyone_the_lowest_failing_ranks_error);
    tcase_add_test(tests, barrier_lets_nobody_through_early);
    tcase_add_test(tests, bcast_comes_from_every_root);
    tcase_add_test(tests, allgather_takes_unequal_counts);
    tcase_add_test(tests, integers_are_summed_and_compared);
    tcase_add_test(tests, messages_arrive_whole_and_in_order);
    tcase_add_test(tests, exchange_matches_pieces_in_order);
    tcase_add_test(tests, each_item_is_dealt_once);
    tcase_add_test(tests, a_slow_rank_gets_fewer_items);
    tcase_add_test(tests, a_rank_that_leaves_a_deal_ends_it_for_all);
    tcase_add_test(tests, ranks_of_a_machine_share_memory);
    tcase_add_test(tests, memory_that_cannot_be_shared_is_private);
    tcase_add_test(tests, memory_of_a_single_rank);
    tcase_add_test(tests, panels_lie_as_each_rank_wants);
    tcase_add_test(tests, waiting_leaves_the_core_to_others);
    tcase_add_test(tests, abort_of_a_single_rank_is_its_exit);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* MPI lives in this process */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

int main(int argc, char **argv)
{
    alarm(getenv("RZ_SLOW") ? 3600 : 280); /* RZ_SLOW: under valgrind; a rank whose check failed may leave the others waiting */
    if (!rz_comm_create(&comm, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    rank = rz_comm_rank(comm);
    size = rz_comm_size(comm);
    if (argc == 3 && strcmp(argv[1], "abort") == 0) {
        if (rank == size - 1) rz_comm_abort(comm, atoi(argv[2]));
        for (;;) rz_comm_barrier(comm);
    }
    int64_t failed = run_tests();
    rz_comm_max_i64(comm, &failed, 1);
    rz_comm_destroy(comm);
    rz_comm_destroy(NULL);
    return failed ? 1 : 0;
}
