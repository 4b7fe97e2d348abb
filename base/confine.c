#include "base/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- resources ---- */

static bool limit(int what, rlim_t value)
{
    const struct rlimit l = {value, value};
    return setrlimit((__rlimit_resource_t)what, &l) == 0;
}

bool rz_confine_resources(const rz_confine_limits *l)
{
    const struct rlimit cpu = {(rlim_t)l->cpu_s, (rlim_t)l->cpu_s + 1}; /* SIGXCPU tells why; SIGKILL for those who ignore it */
    return setrlimit(RLIMIT_CPU, &cpu) == 0 && limit(RLIMIT_AS, (rlim_t)l->memory_mib << 20) && limit(RLIMIT_FSIZE, (rlim_t)l->file_mib << 20) &&
           limit(RLIMIT_NOFILE, (rlim_t)l->files) && limit(RLIMIT_CORE, 0) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* ---- files: Landlock, by its first version, which every kernel that has it understands ---- */

#define READING (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING                                                                                                                                     \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                 \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                       \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

bool rz_confine_has_landlock(void) { return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1; }

static bool allow_path(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (beneath.parent_fd < 0) return errno == ENOENT;
    struct stat st;
    if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) beneath.allowed_access &= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    bool ok = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
    int why = errno;
    close(beneath.parent_fd);
    errno = why;
    return ok;
}

bool rz_confine_paths(const char *const *readable, const char *folder)
{
    const struct landlock_ruleset_attr all = {.handled_access_fs = READING | WRITING};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (rules < 0) return false;
    bool ok = allow_path(rules, folder, READING) && allow_path(rules, "/dev/null", READING | LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (; ok && *readable; readable++) ok = allow_path(rules, *readable, READING);
    ok = ok && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int why = errno;
    close(rules);
    errno = why;
    return ok;
}

/* ---- system calls ---- */

/* By name: a kernel or an architecture that lacks one simply never sees it. */
static const char *const allowed[] = {
    /* files that it may see */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "close_range", "stat", "fstat", "lstat", "newfstatat", "statx", "fstatfs", "statfs",
    "lseek", "access", "faccessat", "faccessat2", "getcwd", "chdir", "fchdir", "getdents", "getdents64", "readlink", "readlinkat", "dup", "dup2", "dup3",
    "fsync", "fdatasync", "ftruncate", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "symlink", "umask", "copy_file_range",
    "sendfile", "fadvise64",
    /* memory */
    "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "mlock", "munlock", "membarrier",
    /* itself and its threads */
    "execve", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "sigaltstack", "restart_syscall",
    "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "arch_prctl", "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid",
    "getgroups", "getresuid", "getresgid", "getpgrp", "getpgid", "getsid", "setitimer", "getitimer", "alarm", "wait4", "waitid",
    /* what the time is, and the machine */
    "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getrusage", "getrlimit", "getrandom", "sysinfo", "uname", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "getcpu",
};

/* Allowed with some arguments. Left out is what reaches beyond the process or waits: Landlock's first version lets a file be cut (O_TRUNC of one that is only read, truncate),
 * and its mode changed; other processes can be given limits, or signals (tgkill, fcntl's F_SETOWN and F_SETSIG), and locks and leases make a program wait for itself. */
static const struct { const char *name; unsigned argument; uint64_t mask; long long value; int and_argument; } partly[] = {
    {"open", 1, O_TRUNC, 0, -1}, {"open", 1, O_ACCMODE, O_WRONLY, -1}, {"open", 1, O_ACCMODE, O_RDWR, -1},
    {"openat", 2, O_TRUNC, 0, -1}, {"openat", 2, O_ACCMODE, O_WRONLY, -1}, {"openat", 2, O_ACCMODE, O_RDWR, -1},
    {"fcntl", 1, ~0U, F_DUPFD, -1}, {"fcntl", 1, ~0U, F_DUPFD_CLOEXEC, -1}, {"fcntl", 1, ~0U, F_GETFD, -1}, {"fcntl", 1, ~0U, F_SETFD, -1}, {"fcntl", 1, ~0U, F_GETFL, -1}, {"fcntl", 1, ~0U, F_SETFL, -1},
    {"ioctl", 1, ~0U, TCGETS, -1}, {"ioctl", 1, ~0U, TIOCGWINSZ, -1}, {"ioctl", 1, ~0U, FIONREAD, -1}, {"ioctl", 1, ~0U, FIOCLEX, -1}, {"ioctl", 1, ~0U, FIONCLEX, -1},
    {"prlimit64", 2, ~0ULL, 0, 0}, {"prlimit64", 1, ~0U, RLIMIT_STACK, 0}, /* of itself, asked for; its stack, set */
};

/* Waiting is over at once: who waits for what never comes burns processor time, which has a limit, instead of the wall clock's, which differs from machine to machine.
 * There are no threads, so nobody else could wake it. */
static const char *const answered[] = {"nanosleep", "clock_nanosleep", "select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "futex", "sched_yield"};

static scmp_filter_ctx filter; /* built once, before any child */

static bool add(const char *const *names, size_t n, uint32_t action)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        ok = call < 0 || seccomp_rule_add(filter, action, call, 0) == 0;
    }
    return ok;
}

static bool add_partly(void)
{
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof partly / sizeof *partly; i++) {
        int call = seccomp_syscall_resolve_name(partly[i].name);
        const struct scmp_arg_cmp tests[] = {SCMP_CMP64(partly[i].argument, SCMP_CMP_MASKED_EQ, partly[i].mask, (uint64_t)partly[i].value),
                                             SCMP_CMP64((unsigned)partly[i].and_argument, SCMP_CMP_EQ, 0)};
        ok = call < 0 || seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, partly[i].and_argument < 0 ? 1 : 2, tests) == 0;
    }
    return ok;
}

bool rz_confine_prepare(rz_err *err)
{
    if (filter) return true;
    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool ok = filter && add(allowed, sizeof allowed / sizeof *allowed, SCMP_ACT_ALLOW) && add_partly() &&
              add(answered, sizeof answered / sizeof *answered, SCMP_ACT_ERRNO(0));
    if (ok) return true;
    if (filter) seccomp_release(filter);
    filter = NULL;
    return rz_fail(err, RZ_EINTERNAL, "the filter of system calls cannot be built");
}

bool rz_confine_calls(void)
{
    int why = -seccomp_load(filter);
    errno = why;
    return why == 0;
}

int rz_confine_filter(void)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) return -1;
    int why = -seccomp_export_bpf(filter, fd);
    if (why == 0 && lseek(fd, 0, SEEK_SET) == 0) return fd;
    close(fd);
    errno = why ? why : EIO;
    return -1;
}
