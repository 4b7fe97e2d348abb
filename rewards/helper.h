/* The helper process of a rank, which runs the rules that are programs (rewards/worker.h tells how). */
#ifndef RZ_REWARDS_HELPER_H
#define RZ_REWARDS_HELPER_H
#include "base/error.h"
#include "base/options.h"

typedef struct rz_helper rz_helper; /* of a process; used by one thread */

/* Before MPI starts and before the first thread. environment: what programs get to see; kept, not copied. */
bool rz_helper_start(rz_helper **out, char *const *environment, rz_err *err);
void rz_helper_stop(rz_helper *h); /* after those who use it; accepts NULL */
/* What runs with all rights of the user must be allowed by name: "plugin", "program", or both with a comma. h may be NULL: nothing runs then. */
bool rz_helper_allow(rz_helper *h, const rz_text_list *names, rz_err *err);
bool rz_helper_allows(const rz_helper *h, const char *name);
#endif
