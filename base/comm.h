/* The only door to MPI. Waiting is polite: every call polls with growing sleeps (up to 1 ms) instead of spinning. Without mpirun
 * the program is one rank. All calls come from the main thread. Sizes are in bytes and may exceed 2 GiB. An MPI error ends the job. */
#ifndef RZ_BASE_COMM_H
#define RZ_BASE_COMM_H
#include "base/error.h"
#include <stdint.h>

typedef struct rz_comm rz_comm;

/* Not collective in the MPI sense but every rank must call it, once. Under no launcher (no PMIx/OMPI/PMI variables in the environment)
 * MPI is not started at all: one rank, no orted. */
bool rz_comm_create(rz_comm **out, rz_err *err);
void rz_comm_destroy(rz_comm *c); /* Collective: barrier, then MPI_Finalize. Accepts NULL. */

int rz_comm_rank(const rz_comm *c);
int rz_comm_size(const rz_comm *c);
/* Ranks on this machine (for memory figures). */
int rz_comm_local_size(const rz_comm *c);
/* The first rank on the machine of rank r: the same number for ranks of one machine. */
int rz_comm_machine(const rz_comm *c, int r);
/* For tests: from now on as if every `ranks` ranks were on a machine of their own. */
void rz_comm_pretend_machines(rz_comm *c, int ranks);

/* Collective. True iff ok on every rank; otherwise every rank returns false and holds the error of the lowest failing rank.
 * Call it before anything that would leave a rank waiting for one that has failed. */
bool rz_comm_agree(rz_comm *c, bool ok, rz_err *err);

/* Collective. */
void rz_comm_barrier(rz_comm *c);
void rz_comm_bcast(rz_comm *c, void *data, size_t bytes, int root);
/* counts: one a rank, known to all; `all` receives the parts in rank order and may contain `mine` at its place. */
void rz_comm_allgather(rz_comm *c, const void *mine, void *all, const size_t *counts);
void rz_comm_sum_i64(rz_comm *c, int64_t *x, int n);  /* exact, hence the only sum offered */
void rz_comm_max_i64(rz_comm *c, int64_t *x, int n);

/* Collective. Sends and receives many pieces at once. Pieces between one pair of ranks are matched in the order they stand in. */
typedef struct { int rank; void *data; size_t bytes; } rz_piece;
void rz_comm_exchange(rz_comm *c, const rz_piece *send, int n_send, const rz_piece *recv, int n_recv);

/* Point to point, blocking, matched in order. */
void rz_comm_send(rz_comm *c, int to, const void *data, size_t bytes);
void rz_comm_recv(rz_comm *c, int from, void *data, size_t bytes);

/* Items 0 … n−1, each to exactly one rank, to whoever asks first. Rank 0 counts and is a worker like the others: it must serve now and then. `hand`
 * items a rank, the same number on all (fewer if there are fewer), are its own from the start, so that nobody begins with a wait; one rank alone sends no message.
 * begin and end are collective, but wait for nobody (end: rank 0 serves until every rank has ended or knows that nothing is left). Between the
 * end of one deal and the begin of the next stands a call that waits for all, as rz_comm_agree, which belongs there anyhow. */
typedef struct rz_deal rz_deal;
rz_deal *rz_deal_begin(rz_comm *c, int64_t n, int64_t hand);
/* Asks for `count` (≥ 1) items, unless some are in hand or were asked for; does not wait. For whom rank 0 answers late: ask before the need. */
void rz_deal_ask(rz_deal *d, int64_t count);
/* RZ_DEAL_LATER: no answer yet (never with wait). Asks for one item itself when nothing was asked for. */
typedef enum { RZ_DEAL_OVER, RZ_DEAL_LATER, RZ_DEAL_ITEM } rz_deal_answer;
rz_deal_answer rz_deal_take(rz_deal *d, bool wait, int64_t *item);
/* Rank 0: answers who has asked. Others: nothing. */
void rz_deal_serve(rz_deal *d);
/* Frees. A rank that ends before the deal is over (it has failed) ends it for all: what is not dealt yet never will be. */
void rz_deal_end(rz_deal *d);

/* "Open MPI v4.1.4" */
const char *rz_comm_library(void);

/* Ends every rank at once with this exit status. */
__attribute__((noreturn)) void rz_comm_abort(rz_comm *c, int status);
#endif
