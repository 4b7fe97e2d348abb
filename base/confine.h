/* What a process gives up before it becomes a program that nobody trusts: resources (rlimits), the file system (Landlock), system calls (seccomp). Each is
 * for good, and inherited. Call them in a child between fork and exec, in this order; none of them allocates after rz_confine_prepare. */
#ifndef RZ_BASE_CONFINE_H
#define RZ_BASE_CONFINE_H
#include "base/error.h"
#include <stdint.h>

typedef struct {
    int cpu_s;          /* seconds of processor time, then SIGXCPU, a second later SIGKILL */
    int memory_mib;     /* address space */
    int file_mib;       /* size of any file that it writes */
    int files;          /* open at once */
} rz_confine_limits;

/* False with errno. Core dumps are forbidden too, and the process will gain no privileges by exec. */
bool rz_confine_resources(const rz_confine_limits *l);

/* Whether the kernel has Landlock. */
bool rz_confine_has_landlock(void);
/* From now on only these paths and what is in `folder` can be read (and executed), and nothing is written but /dev/null: nobody limits how much a folder holds. Paths
 * that do not exist are passed over. The list ends with NULL. False with errno. */
bool rz_confine_paths(const char *const *readable, const char *folder);

/* The list of system calls of an interpreter that computes, reads and prints: no network, no other processes or threads, no pipes, no signals, no locks, no tracing, no namespaces, no
 * keys. Any other fails with EPERM; sleeping and waiting end at once. Built once, in the parent; false where seccomp is missing. */
bool rz_confine_prepare(rz_err *err);
/* Puts it on the calling process. False with errno. */
bool rz_confine_calls(void);
/* The same as a program for bubblewrap's --seccomp: a descriptor to read from its beginning, or −1 with errno. The caller closes it. */
int rz_confine_filter(void);
#endif
