/* Runs a program that a model wrote, one input at a time, with nothing in reach but its interpreter: three levels, each with all of those before it.
 *
 *   limits      rlimits, a process group of its own, a clock on the wall, an output that ends
 *   calls       seccomp (base/confine.h: no network, no processes, no waiting, no tracing) and Landlock (it reads the system's libraries and writes nothing)
 *   namespaces  bubblewrap: its own users, processes, network, mounts (a read-only /usr, an empty /tmp in memory)
 *
 * What is expected of the program never enters. For a worker (helper.h), which has one thread and no MPI (and for cli/doctor.c, which asks only what there is). */
#ifndef RZ_REWARDS_SANDBOX_H
#define RZ_REWARDS_SANDBOX_H
#include "base/confine.h"
#include "rewards/number.h"

typedef enum { RZ_SANDBOX_LIMITS, RZ_SANDBOX_CALLS, RZ_SANDBOX_NAMESPACES } rz_sandbox_level;
enum { RZ_N_SANDBOX_LEVELS = 3, RZ_SANDBOX_MAX_WORDS = 32 };
extern const char *const rz_sandbox_levels[RZ_N_SANDBOX_LEVELS];

typedef struct {
    rz_sandbox_level level;
    const char *const *command; /* words, ended by NULL; "{file}" is the program's path. command[0] is looked for in /usr/local/bin, /usr/bin and /bin */
    const char *file;           /* the program's name, as "main.py" */
    rz_confine_limits limits;
    int wall_ms;
    size_t max_output;          /* bytes */
} rz_sandbox_plan;

typedef struct rz_sandbox rz_sandbox;

typedef enum {
    RZ_RUN_ENDED,      /* by itself, with status 0 */
    RZ_RUN_FAILED,     /* with another status, or by a signal */
    RZ_RUN_CPU,        /* killed: its processor time was used up */
    RZ_RUN_TIME,       /* killed by the clock on the wall, which a program that cannot wait only meets on an overloaded machine */
    RZ_RUN_OUTPUT,     /* killed: wrote more than max_output */
} rz_run_end;
typedef struct {
    rz_run_end end;
    int status;              /* exit status; 128 + number of a signal */
    const char *output;      /* (n_output) what it wrote to its standard output; the sandbox's until the next run */
    size_t n_output;
    char complaint[240];     /* end of what it wrote to standard error, printable */
} rz_run;

/* What this machine can do, found out by trying; why: a sentence about the first level that is missing, "" if none. */
rz_sandbox_level rz_sandbox_detect(char *why, size_t size);
/* RZ_ECONFIG: the machine cannot keep the level (and what to do), or the interpreter is not found. */
bool rz_sandbox_open(rz_sandbox **out, const rz_sandbox_plan *plan, rz_err *err);
void rz_sandbox_close(rz_sandbox *s);
/* For the handler of a signal that ends the process: takes away what the run that goes on has put into /tmp. */
void rz_sandbox_tidy(void);
/* RZ_EIO when it cannot be started at all. */
bool rz_sandbox_run(rz_sandbox *s, rz_slice program, rz_slice input, rz_run *out, rz_err *err);
#endif
