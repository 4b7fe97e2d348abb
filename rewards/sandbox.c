#include "rewards/sandbox.h"
#include "base/file.h"
#include "rewards/child.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const rz_sandbox_levels[RZ_N_SANDBOX_LEVELS] = {"limits", "calls", "namespaces"};

struct rz_sandbox {
    rz_sandbox_plan plan;
    char interpreter[512], wrapper[64]; /* paths: whatever PATH says where the trainer runs, it is the system's that is taken */
    char folder[64], path[160];         /* of the run that goes on, and its program's */
    char *output;
    size_t cap;
};

static rz_sandbox *volatile at_work; /* the one that has a folder */

/* Nothing of the trainer's own environment gets in. */
static char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", NULL};
static const char *const readable[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/dev/urandom", NULL};

/* ---- where programs are ---- */

static bool find_program(const char *name, char *path, size_t size)
{
    static const char *const places[] = {"/usr/local/bin", "/usr/bin", "/bin"};
    if (*name == '/') return (size_t)snprintf(path, size, "%s", name) < size && access(name, X_OK) == 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if ((size_t)snprintf(path, size, "%s/%s", places[i], name) < size && access(path, X_OK) == 0) return true;
    return false;
}

static bool find_programs(rz_sandbox *s, rz_err *err)
{
    const char *name = s->plan.command[0];
    if (!find_program(name, s->interpreter, sizeof s->interpreter))
        return rz_fail(err, RZ_ECONFIG, "the interpreter '%.300s' is not %s: install it, or give its path", name, *name == '/' ? "there" : "in /usr/local/bin, /usr/bin or /bin");
    return s->plan.level != RZ_SANDBOX_NAMESPACES || find_program("bwrap", s->wrapper, sizeof s->wrapper) ||
           rz_fail(err, RZ_ECONFIG, "there is no bwrap in /usr/local/bin, /usr/bin or /bin");
}

/* ---- words of the command ---- */

typedef struct { const char *v[96]; int n; } words;

static void word(words *w, const char *text)
{
    if (w->n < (int)(sizeof w->v / sizeof *w->v) - 1) w->v[w->n++] = text;
}

static void all_words(words *w, const char *const *list)
{
    for (; *list; list++) word(w, *list);
}

/* bubblewrap's own: what the program will see. Its /dev would have terminals, whose reading waits, and, as its root, room for as many files as the machine has memory.
 * `filter` and the numbers' texts live in the caller. */
static void wrap(words *w, const char *folder, const char *filter_fd, const char *status_fd)
{
    static const char *const fixed[] = {"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr",
                                        "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
                                        "--proc", "/proc", "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom",
                                        "--symlink", "/proc/self/fd", "/dev/fd", "--symlink", "/proc/self/fd/0", "/dev/stdin", "--size", "67108864", "--tmpfs", "/tmp",
                                        "--chdir", "/tmp", NULL};
    static const char *const roots[] = {"/lib", "/lib64", "/lib32", "/bin", NULL};
    static const char *const targets[] = {"usr/lib", "usr/lib64", "usr/lib32", "usr/bin"};
    all_words(w, fixed);
    for (int i = 0; roots[i]; i++) { /* where the distribution has not merged them they are folders of their own */
        char target[8];
        bool link = readlink(roots[i], target, sizeof target) > 0;
        word(w, link ? "--symlink" : "--ro-bind-try");
        word(w, link ? targets[i] : roots[i]);
        word(w, roots[i]);
    }
    word(w, "--ro-bind"), word(w, folder), word(w, "/box");
    word(w, "--remount-ro"), word(w, "/");
    word(w, "--seccomp"), word(w, filter_fd), word(w, "--json-status-fd"), word(w, status_fd), word(w, "--");
}

/* ---- between fork and exec ---- */

typedef struct { const rz_sandbox_plan *plan; const char *folder; } confinement;

static bool confine(const void *ctx)
{
    const confinement *c = ctx;
    if (!rz_confine_resources(&c->plan->limits)) return false;
    if (c->plan->level != RZ_SANDBOX_CALLS) return true; /* bubblewrap has the filter put on last */
    return rz_confine_paths(readable, c->folder) && rz_confine_calls();
}

/* ---- one run ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void remove_folder(rz_sandbox *s)
{
    if (s->folder[0]) nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    s->folder[0] = 0;
    at_work = NULL;
}

void rz_sandbox_tidy(void)
{
    const rz_sandbox *s = at_work;
    if (!s) return;
    unlink(s->path); /* all that there is: only at the level of limits a program can add to it */
    rmdir(s->folder);
}

static bool write_all(int fd, rz_slice t)
{
    while (t.len) {
        ssize_t n = write(fd, t.s, t.len);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) t.s += n, t.len -= (size_t)n;
    }
    return true;
}

/* The input as a file that ends and that nobody writes to: a pipe's other end could be opened by the program itself, which then waits for its own words. −1 with errno. */
static int open_input(rz_slice input)
{
    int fd = memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING), why;
    if (fd < 0) return -1;
    if (write_all(fd, input) && lseek(fd, 0, SEEK_SET) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0) return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

static bool write_program(rz_sandbox *s, rz_slice program, rz_err *err)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/rulezero-box-XXXXXX");
    if (!mkdtemp(s->folder)) {
        s->folder[0] = 0;
        return rz_fail(err, RZ_EIO, "cannot make a folder in /tmp for a program: %s", strerror(errno));
    }
    snprintf(s->path, sizeof s->path, "%s/%s", s->folder, s->plan.file);
    at_work = s;
    int fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write_all(fd, program) && chmod(s->folder, 0755) == 0;
    int why = errno;
    if (fd >= 0) close(fd);
    return ok || rz_fail(err, RZ_EIO, "cannot write %s: %s", s->path, strerror(why));
}

static void keep_output(rz_sandbox *s, rz_run *out, const char *data, size_t n)
{
    size_t room = s->plan.max_output - out->n_output;
    if (n > room) {
        out->end = RZ_RUN_OUTPUT;
        n = room;
    }
    memcpy(s->output + out->n_output, data, n);
    out->n_output += n;
}

/* The last bytes of it. */
static void keep_complaint(rz_run *out, const char *data, size_t n)
{
    size_t room = sizeof out->complaint - 1, have = strlen(out->complaint), drop;
    if (n > room) data += n - room, n = room;
    drop = have + n > room ? have + n - room : 0;
    memmove(out->complaint, out->complaint + drop, have - drop);
    have -= drop;
    for (size_t i = 0; i < n; i++) out->complaint[have + i] = data[i] == '\n' ? ' ' : data[i] >= 0x20 && data[i] < 0x7F ? data[i] : '?';
    out->complaint[have + n] = 0;
}

static void hang_up(int *fd)
{
    close(*fd);
    *fd = -1;
}

/* Listens until it has ended or has had its time. */
static void talk(rz_sandbox *s, rz_child *c, rz_run *out)
{
    double end = rz_now_s() + s->plan.wall_ms / 1000.0;
    char data[16384];
    while (c->out >= 0 || c->err >= 0) {
        double left = end - rz_now_s();
        if (left <= 0) {
            out->end = RZ_RUN_TIME;
            return;
        }
        struct pollfd p[2] = {{c->out, POLLIN, 0}, {c->err, POLLIN, 0}};
        poll(p, 2, (int)(left * 1000) + 1);
        for (int i = 0; i < 2; i++) {
            int *fd = i == 0 ? &c->out : &c->err;
            if (!p[i].revents) continue;
            ssize_t n = read(*fd, data, sizeof data);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up(fd);
            if (n > 0 && i == 0) keep_output(s, out, data, (size_t)n);
            if (n > 0 && i == 1) keep_complaint(out, data, (size_t)n);
        }
        if (out->end == RZ_RUN_OUTPUT) return;
    }
    /* its ends are closed: it may still compute, but nobody listens */
    bool gone;
    while (!(gone = rz_child_gone(c)) && rz_now_s() < end) poll(NULL, 0, 1);
    if (!gone) out->end = RZ_RUN_TIME;
}

/* Whatever is left of it is killed. */
static void settle(rz_child *c, rz_run *out)
{
    int status = rz_child_end(c);
    if (out->end != RZ_RUN_ENDED) return;
    out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (out->status) out->end = out->status == 128 + SIGXCPU || out->status == 128 + SIGKILL ? RZ_RUN_CPU : RZ_RUN_FAILED;
}

/* Bubblewrap tells the program's own end, if there was a program: its own troubles have the same statuses. */
static bool was_started(int fd)
{
    char text[1024];
    ssize_t n = pread(fd, text, sizeof text, 0);
    return n > 0 && memmem(text, (size_t)n, "exit-code", 9);
}

bool rz_sandbox_run(rz_sandbox *s, rz_slice program, rz_slice input, rz_run *out, rz_err *err)
{
    char filter[16], told[16], inside[160];
    bool wrapped = s->plan.level == RZ_SANDBOX_NAMESPACES;
    words w = {.n = 0};
    int fd = -1, status = -1, from = -1;
    *out = (rz_run){.output = s->output};
    if (!write_program(s, program, err)) {
        remove_folder(s);
        return false;
    }
    if (wrapped) {
        fd = rz_confine_filter();
        status = memfd_create("status", MFD_CLOEXEC);
        snprintf(filter, sizeof filter, "%d", fd);
        snprintf(told, sizeof told, "%d", status);
        word(&w, s->wrapper);
        wrap(&w, s->folder, filter, told);
    }
    snprintf(inside, sizeof inside, "%s/%s", wrapped ? "/box" : s->folder, s->plan.file);
    word(&w, s->interpreter);
    for (int i = 1; s->plan.command[i]; i++) word(&w, strcmp(s->plan.command[i], "{file}") == 0 ? inside : s->plan.command[i]);
    const confinement ctx = {&s->plan, s->folder};
    const rz_child_plan plan = {.argv = (char *const *)w.v, .environment = environment, .folder = s->folder, .before = confine, .ctx = &ctx, .keep = {wrapped ? fd : 0, wrapped ? status : 0},
                                .input = from = open_input(input), .sealed = true};
    rz_child c;
    bool ok = (from >= 0 || rz_fail(err, RZ_EIO, "cannot keep the program's input: %s", strerror(errno))) &&
              (!wrapped || (fd >= 0 && status >= 0) || rz_fail(err, RZ_EIO, "cannot make the filter of system calls: %s", strerror(errno))) && rz_child_start(&c, &plan, err);
    if (fd >= 0) close(fd);
    if (from >= 0) close(from);
    if (ok) {
        talk(s, &c, out);
        settle(&c, out);
        if (wrapped && out->status && !was_started(status))
            ok = rz_fail(err, RZ_EIO, "bubblewrap could not start a program: %s", out->complaint[0] ? out->complaint : "it does not say why");
    }
    if (status >= 0) close(status);
    remove_folder(s);
    return ok;
}

/* ---- what the machine can do ---- */

/* A program that does nothing, at that level. */
static bool try_level(rz_sandbox_level level, rz_err *err)
{
    static const char *const nothing[] = {"/bin/true", NULL};
    rz_sandbox s = {.plan = {level, nothing, "nothing", {2, 1024, 1, 64}, 5000, 256}};
    char output[256];
    rz_run run;
    s.output = output;
    if (level == RZ_SANDBOX_LIMITS) return true;
    if (!find_programs(&s, err) || !rz_confine_prepare(err)) return false;
    if (level == RZ_SANDBOX_CALLS && !rz_confine_has_landlock()) return rz_fail(err, RZ_ECONFIG, "the kernel has no Landlock");
    if (!rz_sandbox_run(&s, (rz_slice){"", 0}, (rz_slice){"", 0}, &run, err)) return false;
    return run.end == RZ_RUN_ENDED || rz_fail(err, RZ_ECONFIG, "%s", run.complaint[0] ? run.complaint : "a program that does nothing fails in it");
}

rz_sandbox_level rz_sandbox_detect(char *why, size_t size)
{
    rz_err err = {0};
    why[0] = 0;
    for (int level = RZ_SANDBOX_NAMESPACES; level > RZ_SANDBOX_LIMITS; level--) {
        if (try_level((rz_sandbox_level)level, &err)) return (rz_sandbox_level)level;
        if (!why[0]) snprintf(why, size, "%s: %s", rz_sandbox_levels[level], err.text);
    }
    return RZ_SANDBOX_LIMITS;
}

bool rz_sandbox_open(rz_sandbox **out, const rz_sandbox_plan *plan, rz_err *err)
{
    static const char *const remedies[RZ_N_SANDBOX_LEVELS] = {"", "a kernel with seccomp and Landlock is needed (5.13 or newer)",
                                                              "install bubblewrap, and allow user namespaces (containers often forbid them)"};
    rz_err why = {0};
    *out = NULL;
    if (!try_level(plan->level, &why))
        return rz_fail(err, RZ_ECONFIG, "this machine cannot keep a program at the level %s (%.300s): %s, or set a lower level if you trust what will run",
                       rz_sandbox_levels[plan->level], why.text, remedies[plan->level]);
    rz_sandbox *s = rz_calloc(1, sizeof *s);
    s->plan = *plan;
    if (!find_programs(s, err)) {
        free(s);
        return false;
    }
    s->output = rz_malloc(plan->max_output + 1);
    *out = s;
    return true;
}

void rz_sandbox_close(rz_sandbox *s)
{
    if (!s) return;
    remove_folder(s);
    free(s->output);
    free(s);
}
