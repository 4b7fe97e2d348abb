/* Minerva's normal form of final answers (arXiv 2206.14858, page 18), as verl, oat and lm-evaluation-harness have it. Private to rewards/. */
#ifndef RZ_REWARDS_MINERVA_H
#define RZ_REWARDS_MINERVA_H
#include "rewards/rewrite.h"

typedef enum {
    RZ_MINERVA_LAST_SIDE = 1, /* only what follows the last "=" */
    RZ_MINERVA_STRIP = 2,     /* white space around the result goes */
    RZ_MINERVA_FT = 4,        /* "ft" is a unit too */
} rz_minerva_flags;

rz_slice rz_minerva_normal(rz_arena *a, rz_slice t, unsigned flags);
#endif
