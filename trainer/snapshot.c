#include "trainer/snapshot.h"

#include <string.h>

enum { PIECE = 1 << 20, PARTS = 3 }; /* numbers that a thread copies at once; weights and two moments */

typedef struct {
    const float *from[PARTS];
    float *to[PARTS]; /* NULL: not this one */
    int64_t n;
} copies;

static void copy_piece(void *ctx, int i, int thread)
{
    const copies *c = ctx;
    (void)thread;
    int64_t at = (int64_t)i * PIECE, n = c->n - at < PIECE ? c->n - at : PIECE;
    for (int k = 0; k < PARTS; k++)
        if (c->to[k])
            memcpy(c->to[k] + at, c->from[k] + at, (size_t)n * sizeof *c->to[k]);
}

static void copy(const rz_policy *p, copies *c)
{
    rz_pool_run(p->pool, (int)((c->n + PIECE - 1) / PIECE), copy_piece, c);
}

static bool one_machine(const rz_comm *c)
{
    for (int r = 0; r < rz_comm_size(c); r++)
        if (rz_comm_machine(c, r))
            return false;
    return true;
}

/* Collective, once. Only rank 0 needs room, unless it is in common. */
static void make_room(rz_snapshot *s, int64_t n_params, rz_comm *c)
{
    rz_err why;
    bool several = rz_comm_size(c) > 1 && one_machine(c);
    rz_shared_init(&s->memory, several ? c : NULL, several || rz_comm_rank(c) == 0 ? PARTS * (size_t)n_params * sizeof(float) : 0, &why);
    if (several && !s->memory.common && rz_comm_rank(c)) { /* it cannot be had in common: then rank 0 alone */
        rz_shared_finish(&s->memory);
        rz_shared_init(&s->memory, NULL, 0, &why);
    }
    if (!s->memory.common && rz_comm_rank(c))
        return;
    s->w = s->memory.p;
    s->m = s->w + n_params;
    s->v = s->m + n_params;
}

void rz_snapshot_take(rz_snapshot *s, const rz_policy *p, rz_update *u, rz_comm *c)
{
    int64_t n = p->layout.n_params, from, to;
    if (!s->memory.p)
        make_room(s, n, c);
    s->steps = rz_update_count(u);
    if (s->memory.common || rz_comm_size(c) == 1) {
        const float *m, *v;
        rz_update_slice(u, &from, &to, &m, &v);
        copy(p, &(copies){{p->w + from, m, v}, {s->w + from, s->m + from, s->v + from}, to - from});
        rz_shared_barrier(&s->memory);
        return;
    }
    if (rz_comm_rank(c) == 0)
        copy(p, &(copies){{p->w}, {s->w}, n});
    rz_update_moments(u, s->m, s->v);
}

void rz_snapshot_finish(rz_snapshot *s)
{
    rz_shared_finish(&s->memory);
    *s = (rz_snapshot){0};
}
