/* A program with pipes on its three standard descriptors, started by a worker (never by a rank). One at a time. It has a process group of its own, which dies
 * with the worker. */
#ifndef RZ_REWARDS_CHILD_H
#define RZ_REWARDS_CHILD_H
#include "base/error.h"

/* From now on SIGTERM, which also comes when the supervisor dies, ends this process and the program that it runs, with all that has started. Once, in open(). */
void rz_child_die_together(void);

typedef struct {
    char *const *argv; /* argv[0] is looked for in PATH */
    char *const *environment;
    const char *folder; /* where it runs; NULL: here */
    int memory_mib;     /* private memory; 0: no limit */
    bool (*before)(const void *ctx); /* between fork and exec, last of all; false with errno: it cannot be started. NULL: nothing */
    const void *ctx;
    int keep;           /* a descriptor that it inherits under its number; 0: none */
} rz_child_plan;

typedef struct { int pid, in, out, err; } rz_child; /* our ends, non-blocking; pid 0: none */

bool rz_child_start(rz_child *c, const rz_child_plan *p, rz_err *err);
/* Kills its group if it still runs, closes the pipes. The wait status. */
int rz_child_end(rz_child *c);
/* What launchers leave in the environment of a rank (a program that starts MPI would take itself for one) is left out. A list that ends with NULL; the texts are those
 * of `environment`. Caller frees the list. */
char **rz_child_environment(char *const *environment);
#endif
