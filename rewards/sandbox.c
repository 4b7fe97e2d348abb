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
#include <sys/wait.h>
#include <unistd.h>

const char *const rz_sandbox_levels[RZ_N_SANDBOX_LEVELS] = {"limits", "calls", "namespaces"};

struct rz_sandbox {
    rz_sandbox_plan plan;
    char interpreter[512], wrapper[64]; /* paths: whatever PATH says where the trainer runs, it is the system's that is taken */
    char folder[64];                    /* of the run that goes on */
    char *output;
    size_t cap;
};

/* Nothing of the trainer's own environment gets in. */
static char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", NULL};
static const char *const readable[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/dev/null", "/dev/urandom", NULL};

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

/* bubblewrap's own: what the program will see. `filter` and the numbers' texts live in the caller. */
static void wrap(words *w, const char *folder, const char *filter_fd)
{
    static const char *const fixed[] = {"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr",
                                        "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
                                        "--proc", "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/tmp", "--chdir", "/tmp", NULL};
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
    word(w, "--seccomp"), word(w, filter_fd), word(w, "--");
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
}

static bool write_program(rz_sandbox *s, rz_slice program, char *path, size_t size, rz_err *err)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/rulezero-box-XXXXXX");
    if (!mkdtemp(s->folder)) {
        s->folder[0] = 0;
        return rz_fail(err, RZ_EIO, "cannot make a folder in /tmp for a program: %s", strerror(errno));
    }
    snprintf(path, size, "%s/%s", s->folder, s->plan.file);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    size_t done = 0;
    while (fd >= 0 && done < program.len) {
        ssize_t n = write(fd, program.s + done, program.len - done);
        if (n < 0 && errno != EINTR) break;
        done += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    if (fd >= 0) close(fd);
    return (fd >= 0 && done == program.len && chmod(s->folder, 0755) == 0) || rz_fail(err, RZ_EIO, "cannot write %s: %s", path, strerror(why));
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

/* Feeds it and listens until it has closed both ends or has had its time. */
static void talk(rz_sandbox *s, rz_child *c, rz_slice input, rz_run *out)
{
    double end = rz_now_s() + s->plan.wall_ms / 1000.0;
    size_t sent = 0;
    char data[16384];
    if (!input.len) hang_up(&c->in);
    while (c->out >= 0 || c->err >= 0) {
        double left = end - rz_now_s();
        if (left <= 0) {
            out->end = RZ_RUN_TIME;
            return;
        }
        struct pollfd p[3] = {{c->in, POLLOUT, 0}, {c->out, POLLIN, 0}, {c->err, POLLIN, 0}};
        if (poll(p, 3, (int)(left * 1000) + 1) < 0 && errno != EINTR) return;
        if (p[0].revents) {
            ssize_t n = write(c->in, input.s + sent, input.len - sent);
            sent += n > 0 ? (size_t)n : 0;
            if (sent == input.len || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up(&c->in);
        }
        for (int i = 1; i <= 2; i++) {
            int *fd = i == 1 ? &c->out : &c->err;
            if (!p[i].revents) continue;
            ssize_t n = read(*fd, data, sizeof data);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up(fd);
            if (n > 0 && i == 1) keep_output(s, out, data, (size_t)n);
            if (n > 0 && i == 2) keep_complaint(out, data, (size_t)n);
        }
        if (out->end == RZ_RUN_OUTPUT) return;
    }
    /* its ends are closed: it may still compute, but nobody listens */
    int status;
    while (rz_now_s() < end) {
        pid_t gone = waitpid(c->pid, &status, WNOHANG);
        if (gone != 0) {
            out->status = gone < 0 ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            out->end = gone > 0 && out->status ? RZ_RUN_FAILED : RZ_RUN_ENDED;
            c->pid = 0;
            return;
        }
        poll(NULL, 0, 1);
    }
    out->end = RZ_RUN_TIME;
}

bool rz_sandbox_run(rz_sandbox *s, rz_slice program, rz_slice input, rz_run *out, rz_err *err)
{
    char path[160], filter[16];
    bool wrapped = s->plan.level == RZ_SANDBOX_NAMESPACES;
    words w = {.n = 0};
    int fd = -1;
    *out = (rz_run){.output = s->output};
    if (!write_program(s, program, path, sizeof path, err)) {
        remove_folder(s);
        return false;
    }
    if (wrapped) {
        fd = rz_confine_filter();
        snprintf(filter, sizeof filter, "%d", fd);
        word(&w, s->wrapper);
        wrap(&w, s->folder, filter);
        snprintf(path, sizeof path, "/box/%s", s->plan.file);
    }
    word(&w, s->interpreter);
    for (int i = 1; s->plan.command[i]; i++) word(&w, strcmp(s->plan.command[i], "{file}") == 0 ? path : s->plan.command[i]);
    const confinement ctx = {&s->plan, s->folder};
    const rz_child_plan plan = {.argv = (char *const *)w.v, .environment = environment, .folder = s->folder, .before = confine, .ctx = &ctx, .keep = wrapped ? fd : 0};
    rz_child c;
    bool ok = (!wrapped || fd >= 0 || rz_fail(err, RZ_EIO, "cannot make the filter of system calls: %s", strerror(errno))) && rz_child_start(&c, &plan, err);
    if (fd >= 0) close(fd);
    if (ok) {
        talk(s, &c, input, out);
        rz_child_end(&c);
        if (out->end == RZ_RUN_FAILED && (out->status == 128 + SIGXCPU || out->status == 128 + SIGKILL)) out->end = RZ_RUN_CPU;
    }
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
