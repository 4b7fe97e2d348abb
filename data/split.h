/* Which problems are held out: decided by what a problem says alone, so that no problem can stand in two splits. */
#ifndef RZ_DATA_SPLIT_H
#define RZ_DATA_SPLIT_H
#include "data/countdown.h"

typedef struct {
    uint32_t seed;                       /* independent of the run's */
    double test_share, validation_share; /* expected shares of all contents */
} rz_shares;

/* A number for a problem's content, n whole numbers (put in one order by the caller if their order means nothing). In 2⁶² … 2⁶³ − 1: never
 * the number of a line, and any reader of JSON can hold it. */
uint64_t rz_content(const int64_t *values, int n);
/* The same, one number after another: begin with RZ_CONTENT_BEGIN. */
#define RZ_CONTENT_BEGIN 14695981039346656037u
uint64_t rz_content_add(uint64_t content, int64_t value);
uint64_t rz_content_end(uint64_t content);
/* The split of a content: a keyed hash, hence no table, and the same for any problem of this content. */
rz_split rz_split_of(const rz_shares *s, uint64_t content);
extern const char *const rz_split_names[3];
/* RZ_ECONFIG, with the task's name in front. */
bool rz_shares_check(const char *task, int64_t split_seed, double test_share, double validation_share, rz_err *err);
#endif
