#include "rollout/draft.h"

#include <string.h>

/* What followed some context: the token, and how often in a row it was right. A table of them is indexed by a hash of key, length and tokens of the context; of
 * contexts that meet there the one that was right stays, until the others have come as often as it was. */
typedef struct { uint32_t tag; int32_t id; uint8_t run, used; } entry;

enum { ENTRIES = 1 << 16, LONGEST_RUN = 15 };
static const int lengths[] = {1, 2, 4}; /* of contexts, the longest is RZ_DRAFT_CONTEXT */
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0] };

typedef struct { double seen, right; } tally;

struct rz_draft {
    entry entries[ENTRIES];
    tally tallies[N_LENGTHS][LONGEST_RUN + 1]; /* of all contexts of a length whose token had such a run, drafted or not */
};

rz_draft *rz_draft_create(rz_arena *arena)
{
    return RZ_ZNEW(arena, 1, rz_draft);
}

size_t rz_draft_bytes(void)
{
    return sizeof(rz_draft);
}

/* Hashes of the contexts that t has; how many these are. */
static int hash_contexts(const rz_draft_text *t, uint64_t hash[N_LENGTHS])
{
    uint64_t h = (t->key + 1) * UINT64_C(0xD6E8FEB86659FD93); /* or key and token would meet in the first xor */
    int n = 0;
    for (int i = 0; n < N_LENGTHS && i < t->n; i++) {
        h = (h ^ (uint32_t)t->ids[i]) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
        if (i + 1 == lengths[n])
            hash[n++] = h * UINT64_C(0xBF58476D1CE4E5B9);
    }
    return n;
}

static uint32_t place_of(uint64_t hash)
{
    return (uint32_t)(hash >> 48) % ENTRIES;
}

static void move_on(rz_draft_text *t, int32_t id)
{
    memmove(t->ids + 1, t->ids, (RZ_DRAFT_CONTEXT - 1) * sizeof *t->ids);
    t->ids[0] = id;
    t->n += t->n < RZ_DRAFT_CONTEXT;
}

void rz_draft_learn(rz_draft *d, rz_draft_text *t, int32_t id)
{
    uint64_t hash[N_LENGTHS];
    int n = hash_contexts(t, hash);
    for (int i = 0; i < n; i++) {
        entry *e = &d->entries[place_of(hash[i])];
        if (!e->used || e->tag != (uint32_t)hash[i]) {
            if (e->run)
                e->run--;
            else
                *e = (entry){(uint32_t)hash[i], id, 0, true};
            continue;
        }
        bool right = e->id == id;
        tally *count = &d->tallies[i][e->run];
        count->seen++;
        count->right += right;
        if (right)
            e->run += e->run < LONGEST_RUN;
        else if (e->run >>= 1, !e->run)
            e->id = id;
    }
    move_on(t, id);
}

/* Of the contexts' tokens the one most likely right. Few counts say little: as if two of three had been wrong before. */
static double likeliest(const rz_draft *d, const rz_draft_text *t, int32_t *id)
{
    uint64_t hash[N_LENGTHS];
    double best = 0;
    int n = hash_contexts(t, hash);
    for (int i = 0; i < n; i++) {
        const entry *e = &d->entries[place_of(hash[i])];
        const tally *count = &d->tallies[i][e->run];
        double chance = e->used && e->tag == (uint32_t)hash[i] ? (count->right + 1) / (count->seen + 3) : 0;
        if (chance > best) {
            best = chance;
            *id = e->id;
        }
    }
    return best;
}

void rz_draft_next(const rz_draft *d, const rz_draft_text *t, int most, double least, rz_drafted *to)
{
    rz_draft_text at = *t;
    double chance = 1;
    for (to->n = 0; to->n < most; to->n++) {
        chance *= likeliest(d, &at, &to->ids[to->n]);
        if (chance <= least)
            return;
        to->chance[to->n] = chance;
        move_on(&at, to->ids[to->n]);
    }
}

void rz_draft_costs(const rz_draft_point *points, int n_points, int n, double *cost)
{
    for (int rows = 0, i = 0; rows <= n; rows++) {
        while (i + 2 < n_points && rows > points[i + 1].rows)
            i++;
        const rz_draft_point *a = &points[i], *b = a + 1;
        cost[rows] = a->cost + (rows - a->rows) * (b->cost - a->cost) / (b->rows - a->rows);
    }
}

double rz_draft_least(int n, const double *cost, int room)
{
    double least = 1;
    for (int k = 1; k <= room; k++) {
        double even = n * (cost[n + k] - cost[n]) / (cost[n] * k); /* k tokens of this chance each give as many as they cost */
        least = even < least ? even : least;
    }
    return least;
}

/* The sequence whose next drafted token is the likeliest; −1: there is none. */
static int next_row(const rz_drafted *drafted, int n, const int *take)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (take[i] < drafted[i].n && (best < 0 || drafted[i].chance[take[i]] > drafted[best].chance[take[best]]))
            best = i;
    return best;
}

int rz_draft_choose(const rz_drafted *drafted, int n, const double *cost, int room, int *take)
{
    double tokens = n, most = n / cost[n]; /* expected of the step: one each, and the chances of what is taken; the most for what it costs */
    int rows = 0;
    memset(take, 0, (size_t)n * sizeof *take);
    for (int k = 1, i; k <= room && (i = next_row(drafted, n, take)) >= 0; k++) {
        tokens += drafted[i].chance[take[i]++];
        if (tokens / cost[n + k] > most) {
            most = tokens / cost[n + k];
            rows = k;
        }
    }
    memset(take, 0, (size_t)n * sizeof *take);
    for (int k = 0; k < rows; k++)
        take[next_row(drafted, n, take)]++;
    return rows;
}
