#include "base/fault.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef enum { KILL, STOP, HANG, SLOW, NOT_A_NUMBER, IO, N_KINDS } kind;
static const char *const kind_names[N_KINDS] = {"kill", "stop", "hang", "slow", "nan", "io"};
enum { OF_RANK = 1 << KILL | 1 << STOP | 1 << HANG | 1 << SLOW, ANY_PHASE = -1, MAX_PATH = 200, MAX_TEXT = 400, MAX_FILE = 1 << 20 };

typedef struct {
    kind kind;
    int64_t rank, step, times, windows, what, error, phase, stage;
    double seconds;
    char path[MAX_PATH]; /* a part of the file's; "": any file */
    char text[MAX_TEXT];
    int64_t left;        /* strikes to come */
} fault;

static const char *const stages[] = {"train", "pretrain", NULL};
static const char *const numbers[] = {"reward", "loss", "gradient", "weights", NULL}; /* rz_nan */
static const char *const calls[] = {"write", "fsync", "rename", NULL};                /* rz_io */
static const char *const errors[] = {"ENOSPC", "EIO", "EROFS", "EDQUOT", NULL};
static const int error_numbers[] = {ENOSPC, EIO, EROFS, EDQUOT};
static const char *const phases[] = {"setup", "sample", "score", "update", "eval", "save", NULL}; /* rz_phase */

typedef enum { WHOLE, SECONDS, CHOICE, PATH } value_type;

/* Keys, the kinds that have them, and those that cannot do without. */
static const struct {
    const char *name;
    value_type type;
    size_t offset;
    double min, max;
    const char *const *choices;
    int kinds, needed;
} keys[] = {
    {"rank", WHOLE, offsetof(fault, rank), 0, 1e6, NULL, OF_RANK | 1 << IO, 0},
    {"step", WHOLE, offsetof(fault, step), 1, 1e9, NULL, (1 << N_KINDS) - 1, (1 << N_KINDS) - 1},
    {"stage", CHOICE, offsetof(fault, stage), 0, 0, stages, (1 << N_KINDS) - 1, 0},
    {"phase", CHOICE, offsetof(fault, phase), 0, 0, phases, OF_RANK, 0},
    {"seconds", SECONDS, offsetof(fault, seconds), 0, 86400, NULL, 1 << SLOW, 1 << SLOW},
    {"what", CHOICE, offsetof(fault, what), 0, 0, numbers, 1 << NOT_A_NUMBER, 1 << NOT_A_NUMBER},
    {"times", WHOLE, offsetof(fault, times), 1, 1e9, NULL, 1 << NOT_A_NUMBER | 1 << IO, 0},
    {"windows", WHOLE, offsetof(fault, windows), 1, 1e9, NULL, 1 << NOT_A_NUMBER, 0},
    {"what", CHOICE, offsetof(fault, what), 0, 0, calls, 1 << IO, 1 << IO},
    {"error", CHOICE, offsetof(fault, error), 0, 0, errors, 1 << IO, 1 << IO},
    {"path", PATH, offsetof(fault, path), 0, 0, NULL, 1 << IO, 0},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

/* "; did you mean 'x'?", or all that there are. */
static bool no_such(const char *text, const char *what, const char *word, const char *const *names, int n, rz_err *err)
{
    char all[256] = "";
    const char *near = rz_nearest(word, names, n);
    for (int i = 0; i < n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
    return near ? rz_fail(err, RZ_ECONFIG, "fault '%.200s': there is no %s '%.60s'; did you mean '%s'?", text, what, word, near)
                : rz_fail(err, RZ_ECONFIG, "fault '%.200s': there is no %s '%.60s'; there are %s", text, what, word, all);
}

static bool parse_number(const char *value, double min, double max, bool whole, double *x)
{
    char *end;
    *x = strtod(value, &end);
    return *value && strspn(value, "0123456789.") == strlen(value) && !*end && *x >= min && *x <= max && (!whole || *x == (double)(int64_t)*x);
}

static bool set_value(fault *f, int k, const char *value, rz_err *err)
{
    char *at = (char *)f + keys[k].offset;
    double x = 0;
    int n = 0;
    switch (keys[k].type) {
    case WHOLE:
    case SECONDS:
        if (!parse_number(value, keys[k].min, keys[k].max, keys[k].type == WHOLE, &x))
            return rz_fail(err, RZ_ECONFIG, "fault '%.200s': %s is '%.60s', must be a %snumber in %g..%g", f->text, keys[k].name, value,
                           keys[k].type == WHOLE ? "whole " : "", keys[k].min, keys[k].max);
        if (keys[k].type == WHOLE)
            *(int64_t *)(void *)at = (int64_t)x;
        else
            *(double *)(void *)at = x;
        return true;
    case CHOICE:
        while (keys[k].choices[n] && strcmp(keys[k].choices[n], value))
            n++;
        *(int64_t *)(void *)at = n;
        if (keys[k].choices[n])
            return true;
        for (n = 0; keys[k].choices[n];)
            n++;
        return no_such(f->text, keys[k].name, value, keys[k].choices, n, err);
    case PATH:
        snprintf(at, MAX_PATH, "%s", value);
        return (*value && strlen(value) < MAX_PATH) || rz_fail(err, RZ_ECONFIG, "fault '%.200s': path must be a part of a path", f->text);
    }
    return false;
}

static bool set_key(fault *f, char *assignment, int *given, rz_err *err)
{
    const char *names[N_KEYS];
    int n = 0;
    char *value = strchr(assignment, '=');
    if (!value)
        return rz_fail(err, RZ_ECONFIG, "fault '%.200s': '%.60s' is no KEY=VALUE", f->text, assignment);
    *value++ = '\0';
    for (int k = 0; k < N_KEYS; k++) {
        if (!(keys[k].kinds & 1 << f->kind))
            continue;
        if (!strcmp(keys[k].name, assignment)) {
            *given |= 1 << k;
            return set_value(f, k, value, err);
        }
        names[n++] = keys[k].name;
    }
    char what[40];
    snprintf(what, sizeof what, "key of %s", kind_names[f->kind]);
    return no_such(f->text, what, assignment, names, n, err);
}

static bool parse(fault *f, const char *text, rz_err *err)
{
    char words[MAX_TEXT], *rest, *part;
    int given = 0, k = 0;
    *f = (fault){.times = 1, .windows = 1, .phase = ANY_PHASE};
    if (strlen(text) >= MAX_TEXT)
        return rz_fail(err, RZ_ECONFIG, "fault '%.60s…' is longer than %d bytes", text, MAX_TEXT - 1);
    snprintf(f->text, sizeof f->text, "%s", text);
    snprintf(words, sizeof words, "%s", text);
    rest = strchr(words, ':');
    if (rest)
        *rest++ = '\0';
    while (k < N_KINDS && strcmp(kind_names[k], words))
        k++;
    if (k == N_KINDS)
        return no_such(text, "kind", words, kind_names, N_KINDS, err);
    f->kind = (kind)k;
    char *save = NULL;
    for (part = rest ? strtok_r(rest, ",", &save) : NULL; part; part = strtok_r(NULL, ",", &save))
        if (!set_key(f, part, &given, err))
            return false;
    for (k = 0; k < N_KEYS; k++)
        if (keys[k].needed & 1 << f->kind && !(given & 1 << k))
            return rz_fail(err, RZ_ECONFIG, "fault '%.200s': %s is missing, as in %s:%s=…", text, keys[k].name, kind_names[f->kind], keys[k].name);
    f->left = f->kind == IO ? f->times : 1;
    return true;
}

bool rz_fault_check(const char *text, rz_err *err)
{
    fault f;
    return parse(&f, text, err);
}

/* ---- the list of this process ---- */

static struct {
    fault list[RZ_OPT_MAX_LIST];
    int n;
    char *dir;
    int64_t step, window;  /* of the last strike */
    pthread_mutex_t lock;  /* of what rz_fault_io reads and writes */
    _Atomic int armed;     /* n, to look at without the lock */
} the = {.lock = PTHREAD_MUTEX_INITIALIZER};

void rz_fault_disarm(void)
{
    pthread_mutex_lock(&the.lock);
    free(the.dir);
    the.dir = NULL;
    the.armed = the.n = 0;
    the.step = the.window = 0;
    pthread_mutex_unlock(&the.lock);
}

/* Takes back the faults that a text holds, a line each: they have struck. */
static void forget_struck(char *lines)
{
    char *save = NULL;
    for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        for (int i = 0; i < the.n; i++)
            if (the.list[i].left && !strcmp(the.list[i].text, line)) {
                the.list[i].left = 0;
                break;
            }
}

bool rz_fault_arm(const rz_text_list *texts, int rank, const char *stage, const char *dir, rz_err *err)
{
    rz_fault_disarm();
    for (int i = 0; i < texts->n; i++) {
        fault *f = &the.list[the.n];
        if (!parse(f, texts->v[i], err))
            return false;
        the.n += !strcmp(stages[f->stage], stage) && (f->kind == NOT_A_NUMBER || f->rank == rank);
    }
    if (!the.n)
        return true;
    char *path = rz_asprintf("%s/faults", dir), *lines = NULL;
    size_t len;
    bool ok = !rz_file_exists(path) || rz_file_read(path, MAX_FILE, &lines, &len, err);
    if (ok && lines)
        forget_struck(lines);
    free(lines);
    free(path);
    the.dir = rz_strdup(dir);
    the.armed = ok ? the.n : 0;
    return ok;
}

/* By calls of our own: those of base/file.c may be meant to fail. A fault that cannot be remembered does not strike, or it would for ever. */
static bool remember(const fault *f)
{
    char line[MAX_TEXT + 1], path[4096];
    int n = snprintf(line, sizeof line, "%s\n", f->text);
    snprintf(path, sizeof path, "%s/faults", the.dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666), folder = open(the.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && folder >= 0 && write(fd, line, (size_t)n) == n && !fsync(fd) && (!fsync(folder) || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    return ok;
}

static void be_slow(double seconds)
{
    struct timespec left = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    while (nanosleep(&left, &left) && errno == EINTR)
        continue;
}

static void hang(void)
{
    for (volatile uint64_t n = 0;; n++)
        continue;
}

void rz_fault_strike(rz_phase phase, int64_t step)
{
    if (!the.armed)
        return;
    pthread_mutex_lock(&the.lock);
    the.step = step;
    pthread_mutex_unlock(&the.lock);
    for (int i = 0; i < the.n; i++) {
        fault *f = &the.list[i];
        if (!(OF_RANK & 1 << f->kind) || !f->left || f->step != step || (f->phase != ANY_PHASE && f->phase != (int64_t)phase) || !remember(f))
            continue;
        f->left = 0;
        switch (f->kind) {
        case KILL: kill(getpid(), SIGKILL); break;
        case STOP: kill(getpid(), SIGSTOP); break;
        case HANG: hang(); break;
        case SLOW: be_slow(f->seconds); break;
        case NOT_A_NUMBER: case IO: case N_KINDS: break;
        }
    }
}

void rz_fault_window(int64_t window)
{
    the.window = window;
}

bool rz_fault_nan(rz_nan what)
{
    for (int i = 0; i < the.armed; i++) {
        const fault *f = &the.list[i];
        if (f->kind == NOT_A_NUMBER && f->what == (int64_t)what && the.step >= f->step && the.step - f->step < f->times && the.window < f->windows)
            return true;
    }
    return false;
}

int rz_fault_io(rz_io what, const char *path)
{
    int found = 0;
    if (!the.armed)
        return 0;
    pthread_mutex_lock(&the.lock);
    for (int i = 0; i < the.n && !found; i++) {
        fault *f = &the.list[i];
        if (f->kind != IO || !f->left || f->what != (int64_t)what || the.step < f->step || !strstr(path, f->path) ||
            (f->left == f->times && !remember(f)))
            continue;
        f->left--;
        found = error_numbers[f->error];
    }
    pthread_mutex_unlock(&the.lock);
    if (found)
        errno = found;
    return found;
}
