#include "base/comm.h"
#include "base/file.h"
#include "base/pulse.h"
#include <assert.h>
#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A message travels in parts of at most PART bytes: far below MPI's int counts, large enough to cost nothing. */
static const size_t PART = (size_t)64 << 20;
enum { TAG_DATA = 1, TAG_GATHER = 2, TAG_EXCHANGE = 3, TAG_ASK = 4, TAG_DEAL = 5 };

struct rz_comm {
    int rank, size, local_size;
    int *machine; /* (size) first rank on the machine of each; NULL: one rank */
    bool mpi; /* false: one rank, MPI was not started */
};

bool rz_comm_create(rz_comm **out, rz_err *err)
{
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"};
    rz_comm *c = rz_calloc(1, sizeof *c);
    *c = (rz_comm){.rank = 0, .size = 1, .local_size = 1};
    *out = NULL;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) c->mpi |= getenv(launchers[i]) != NULL;
    if (c->mpi) {
        int level;
        if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS || level < MPI_THREAD_FUNNELED) {
            free(c);
            return rz_fail(err, RZ_ETRANSIENT, "MPI cannot start with threads (level FUNNELED); is the launcher of the same MPI as the program?");
        }
        MPI_Comm local;
        MPI_Comm_rank(MPI_COMM_WORLD, &c->rank);
        MPI_Comm_size(MPI_COMM_WORLD, &c->size);
        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
        MPI_Comm_size(local, &c->local_size);
        int first = c->rank;
        MPI_Bcast(&first, 1, MPI_INT, 0, local); /* ranks keep their order in it */
        MPI_Comm_free(&local);
        c->machine = rz_calloc((size_t)c->size, sizeof *c->machine);
        MPI_Allgather(&first, 1, MPI_INT, c->machine, 1, MPI_INT, MPI_COMM_WORLD);
    }
    *out = c;
    return true;
}

void rz_comm_destroy(rz_comm *c)
{
    if (c == NULL) return;
    rz_comm_barrier(c);
    if (c->mpi) MPI_Finalize();
    free(c->machine);
    free(c);
}

int rz_comm_rank(const rz_comm *c) { return c->rank; }
int rz_comm_size(const rz_comm *c) { return c->size; }
int rz_comm_local_size(const rz_comm *c) { return c->local_size; }
int rz_comm_machine(const rz_comm *c, int r) { return c->machine ? c->machine[r] : r; }

void rz_comm_pretend_machines(rz_comm *c, int ranks)
{
    int left = c->size - c->rank / ranks * ranks;
    c->local_size = left < ranks ? left : ranks;
    for (int r = 0; c->machine && r < c->size; r++) c->machine[r] = r / ranks * ranks;
}

/* Of this thread alone: a preempted call must not look like a long one. */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Completes the requests: giving way for 300 µs (which is polling when nobody else wants the core, and the core to the rank waited for
 * when it does), then sleeping 50 µs … 1 ms. MPI moves data only inside its calls, so a test that worked long has moved some: the wait begins
 * anew, lest a long message crawl at one piece a sleep. */
static void await_statuses(MPI_Request *requests, int n, MPI_Status *statuses)
{
    const double giving_way = 300e-6, moved = 10e-6;
    double start = rz_now_s();
    long nap_ns = 50000;
    rz_pulse_wait();
    for (;;) {
        int done;
        double before = cpu_s();
        MPI_Testall(n, requests, &done, statuses);
        if (done) break;
        rz_pulse_poll();
        double now = rz_now_s();
        if (cpu_s() - before > moved) {
            start = now;
            nap_ns = 50000;
        }
        if (now - start > giving_way) {
            nanosleep(&(struct timespec){.tv_nsec = nap_ns}, NULL);
            nap_ns = nap_ns < 800000 ? nap_ns + nap_ns / 4 : 1000000;
        } else {
            sched_yield();
        }
    }
    rz_pulse_go_on();
}

static void await(MPI_Request *requests, int n)
{
    await_statuses(requests, n, MPI_STATUSES_IGNORE);
}

static int parts_of(size_t bytes) { return (int)((bytes + PART - 1) / PART); }

static int part_size(size_t bytes, size_t at) { return (int)(bytes - at < PART ? bytes - at : PART); }

/* Starts every part of one message; returns how many requests were added. */
static int start_send(const rz_comm *c, const void *data, size_t bytes, int to, int tag, MPI_Request *requests)
{
    assert(to >= 0 && to < c->size && to != c->rank);
    int n = 0;
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Isend((const char *)data + at, part_size(bytes, at), MPI_BYTE, to, tag, MPI_COMM_WORLD, &requests[n++]);
    return n;
}

static int start_recv(const rz_comm *c, void *data, size_t bytes, int from, int tag, MPI_Request *requests)
{
    assert(from >= 0 && from < c->size && from != c->rank);
    int n = 0;
    for (size_t at = 0; at < bytes; at += PART)
        MPI_Irecv((char *)data + at, part_size(bytes, at), MPI_BYTE, from, tag, MPI_COMM_WORLD, &requests[n++]);
    return n;
}

void rz_comm_send(rz_comm *c, int to, const void *data, size_t bytes)
{
    MPI_Request *requests = rz_malloc((size_t)parts_of(bytes) * sizeof *requests);
    await(requests, start_send(c, data, bytes, to, TAG_DATA, requests));
    free(requests);
}

void rz_comm_recv(rz_comm *c, int from, void *data, size_t bytes)
{
    MPI_Request *requests = rz_malloc((size_t)parts_of(bytes) * sizeof *requests);
    await(requests, start_recv(c, data, bytes, from, TAG_DATA, requests));
    free(requests);
}

void rz_comm_barrier(rz_comm *c)
{
    if (c->size == 1) return;
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    await(&request, 1);
}

void rz_comm_bcast(rz_comm *c, void *data, size_t bytes, int root)
{
    assert(root >= 0 && root < c->size);
    if (c->size == 1) return;
    for (size_t at = 0; at < bytes; at += PART) {
        MPI_Request request;
        MPI_Ibcast((char *)data + at, part_size(bytes, at), MPI_BYTE, root, MPI_COMM_WORLD, &request);
        await(&request, 1);
    }
}

/* Point to point, since MPI_Allgatherv places parts by int offsets. */
void rz_comm_allgather(rz_comm *c, const void *mine, void *all, const size_t *counts)
{
    size_t my_place = 0, n_requests = 0;
    for (int r = 0; r < c->size; r++) {
        if (r < c->rank) my_place += counts[r];
        n_requests += (size_t)(parts_of(counts[r]) + parts_of(counts[c->rank]));
    }
    char *place = (char *)all + my_place;
    size_t my_count = counts[c->rank];
    if (my_count > 0 && mine != place) memcpy(place, mine, my_count);
    if (c->size == 1) return;
    MPI_Request *requests = rz_malloc(n_requests * sizeof *requests);
    int n = 0;
    place = all;
    for (int r = 0; r < c->size; place += counts[r++])
        if (r != c->rank) n += start_recv(c, place, counts[r], r, TAG_GATHER, requests + n);
    for (int i = 1; i < c->size; i++) /* each rank begins with another one */
        n += start_send(c, (char *)all + my_place, my_count, (c->rank + i) % c->size, TAG_GATHER, requests + n);
    await(requests, n);
    free(requests);
}

void rz_comm_exchange(rz_comm *c, const rz_piece *send, int n_send, const rz_piece *recv, int n_recv)
{
    int n_requests = 0, n = 0;
    for (int i = 0; i < n_send; i++) n_requests += parts_of(send[i].bytes);
    for (int i = 0; i < n_recv; i++) n_requests += parts_of(recv[i].bytes);
    if (n_requests == 0) return;
    MPI_Request *requests = rz_malloc((size_t)n_requests * sizeof *requests);
    for (int i = 0; i < n_recv; i++) n += start_recv(c, recv[i].data, recv[i].bytes, recv[i].rank, TAG_EXCHANGE, requests + n);
    for (int i = 0; i < n_send; i++) n += start_send(c, send[i].data, send[i].bytes, send[i].rank, TAG_EXCHANGE, requests + n);
    await(requests, n);
    free(requests);
}

static void reduce_i64(rz_comm *c, int64_t *x, int n, MPI_Op op)
{
    if (c->size == 1 || n == 0) return;
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, x, n, MPI_INT64_T, op, MPI_COMM_WORLD, &request);
    await(&request, 1);
}

void rz_comm_sum_i64(rz_comm *c, int64_t *x, int n) { reduce_i64(c, x, n, MPI_SUM); }
void rz_comm_max_i64(rz_comm *c, int64_t *x, int n) { reduce_i64(c, x, n, MPI_MAX); }

bool rz_comm_agree(rz_comm *c, bool ok, rz_err *err)
{
    int64_t failing = ok ? INT_MIN : -c->rank; /* the maximum is the lowest failing rank */
    rz_comm_max_i64(c, &failing, 1);
    if (failing == INT_MIN) return true;
    rz_comm_bcast(c, err, sizeof *err, (int)-failing);
    return false;
}

/* ---- the deal ---- */

/* An answer: items [first, first + count); none: nothing is left, and who hears that asks no more. */
typedef struct { int64_t first, count; } hand;
enum { QUIT = 0 }; /* an ask for this many: "I ask no more" */

struct rz_deal {
    rz_comm *comm;
    hand mine;
    int64_t next, n;         /* rank 0: what is not dealt yet */
    int listening;           /* rank 0: ranks that may still ask */
    int64_t ask;             /* the message, either way */
    bool asked, over;
    MPI_Request requests[2]; /* rank 0: the receive of an ask; others: the ask and the receive of its answer */
};

static void listen(rz_deal *d)
{
    if (d->listening > 0) MPI_Irecv(&d->ask, sizeof d->ask, MPI_BYTE, MPI_ANY_SOURCE, TAG_ASK, MPI_COMM_WORLD, d->requests);
}

rz_deal *rz_deal_begin(rz_comm *c, int64_t n, int64_t most)
{
    rz_deal *d = rz_calloc(1, sizeof *d);
    int64_t own = c->size == 1 ? n : most < n / c->size ? most : n / c->size;
    *d = (rz_deal){.comm = c, .mine = {own * c->rank, own}, .next = own * c->size, .n = n, .over = c->size == 1,
                   .listening = c->rank == 0 ? c->size - 1 : 0};
    listen(d);
    return d;
}

static void answer(rz_deal *d, int to)
{
    int64_t left = d->n - d->next;
    hand h = {d->next, d->ask < left ? d->ask : left};
    if (d->ask == QUIT) d->next = d->n;
    else MPI_Send(&h, sizeof h, MPI_BYTE, to, TAG_DEAL, MPI_COMM_WORLD); /* 16 bytes to a posted receive: does not block */
    if (h.count == 0) d->listening--;
    else d->next += h.count;
}

void rz_deal_serve(rz_deal *d)
{
    while (d->listening > 0) {
        MPI_Status status;
        int come;
        MPI_Test(d->requests, &come, &status);
        if (!come) return;
        answer(d, status.MPI_SOURCE);
        listen(d);
    }
}

static void send_ask(rz_deal *d, int64_t count)
{
    d->ask = count;
    MPI_Isend(&d->ask, sizeof d->ask, MPI_BYTE, 0, TAG_ASK, MPI_COMM_WORLD, d->requests);
}

void rz_deal_ask(rz_deal *d, int64_t count)
{
    assert(count > 0);
    if (d->comm->rank == 0 || d->asked || d->over || d->mine.count > 0) return;
    MPI_Irecv(&d->mine, sizeof d->mine, MPI_BYTE, 0, TAG_DEAL, MPI_COMM_WORLD, d->requests + 1);
    send_ask(d, count);
    d->asked = true;
}

/* The answer to what was asked, if it has come. */
static bool heard(rz_deal *d, bool wait)
{
    int come = 1;
    if (wait) await(d->requests, 2);
    else MPI_Testall(2, d->requests, &come, MPI_STATUSES_IGNORE);
    if (!come) return false;
    d->asked = false;
    d->over = d->mine.count == 0;
    return true;
}

rz_deal_answer rz_deal_take(rz_deal *d, bool wait, int64_t *item)
{
    if (d->comm->rank == 0 && d->mine.count == 0 && d->next < d->n) d->mine = (hand){d->next++, 1};
    rz_deal_ask(d, 1);
    if (d->asked && !heard(d, wait)) return RZ_DEAL_LATER;
    if (d->mine.count == 0) return RZ_DEAL_OVER;
    *item = d->mine.first++;
    d->mine.count--;
    return RZ_DEAL_ITEM;
}

void rz_deal_end(rz_deal *d)
{
    if (d->comm->rank == 0) {
        d->next = d->n;
        while (d->listening > 0) {
            MPI_Status status;
            await_statuses(d->requests, 1, &status);
            answer(d, status.MPI_SOURCE);
            listen(d);
        }
    } else {
        if (d->asked) heard(d, true);
        if (!d->over) {
            send_ask(d, QUIT);
            await(d->requests, 1);
        }
    }
    free(d);
}

void rz_comm_abort(rz_comm *c, int status)
{
    if (c->mpi) MPI_Abort(MPI_COMM_WORLD, status);
    _exit(status);
}

const char *rz_comm_library(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(text, &n); /* may be called before MPI is started */
    text[strcspn(text, ",\n")] = '\0';
    return text;
}
