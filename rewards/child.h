/* A program with pipes on its three standard descriptors, started by a worker (never by a rank). One at a time. It has a process group of its own, which dies
 * with the worker. */
#ifndef RZ_REWARDS_CHILD_H
#define RZ_REWARDS_CHILD_H
#include "base/error.h"

/* From now on SIGTERM, which also comes when the supervisor dies, ends this process and the program that it runs, with all that has started. Once, in open().
 * last: called before the end, in a signal's handler; NULL: nothing. */
void rz_child_die_together(void (*last)(void));

typedef struct {
    char *const *argv; /* argv[0] is looked for in PATH */
    char *const *environment;
    const char *folder; /* where it runs; NULL: here */
    int memory_mib;     /* private memory; 0: no limit */
    bool (*before)(const void *ctx); /* between fork and exec, last of all; false with errno: it cannot be started. NULL: nothing */
    const void *ctx;
    int keep[2];        /* descriptors that it inherits under their numbers; 0: none */
    int input;          /* a descriptor that becomes its standard input; 0: a pipe */
    bool sealed;        /* no output of it can be opened again (as /proc/self/fd/1) and read, which would wait for ever: they are sockets in one direction */
} rz_child_plan;

typedef struct { int pid, in, out, err; } rz_child; /* our ends, non-blocking; pid 0: none */

bool rz_child_start(rz_child *c, const rz_child_plan *p, rz_err *err);
/* Whether it has ended by itself. Its group is still there for rz_child_end, which must come. */
bool rz_child_gone(const rz_child *c);
/* Kills its group, of which something may be left even if it has ended; closes the pipes. The wait status. */
int rz_child_end(rz_child *c);
/* What launchers leave in the environment of a rank (a program that starts MPI would take itself for one) is left out. A list that ends with NULL; the texts are those
 * of `environment`. Caller frees the list. */
char **rz_child_environment(char *const *environment);
#endif
