/* Rules that are other programs, in the worker: JSON Lines over pipes, an object a sample, an answer each. The program is started with the worker, again when it
 * has ended, and killed when it does not answer in time. */
#include "base/file.h"
#include "base/json.h"
#include "rewards/child.h"
#include "rewards/custom.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINE = 64 << 10, TAIL = 200, LINGER_MS = 500 };

typedef struct {
    rz_child_plan plan;
    rz_child child;
    const json_t *setup;
    char line[MAX_LINE + 1]; /* of its answer, as far as it has come */
    size_t n;
    char tail[TAIL]; /* the last of what it wrote to stderr */
    size_t n_tail;
} program;

static bool start(program *p, rz_err *err)
{
    p->n = p->n_tail = 0;
    return rz_child_start(&p->child, &p->plan, err);
}

static void *open_rule(const json_t *setup, rz_err *err)
{
    program *p = rz_calloc(1, sizeof *p);
    const json_t *command = json_object_get(setup, "command");
    size_t n = json_array_size(command);
    char **argv = rz_calloc(n + 1, sizeof *argv);
    for (size_t i = 0; i < n; i++) argv[i] = rz_strdup(json_string_value(json_array_get(command, i)));
    rz_child_die_together(NULL);
    p->setup = setup;
    p->plan = (rz_child_plan){argv, rz_child_environment(rz_worker_environment()), json_string_value(json_object_get(setup, "folder")),
                              (int)json_integer_value(json_object_get(setup, "memory_mb"))};
    return start(p, err) ? p : NULL;
}

/* ---- the request ---- */

static void put(json_t *o, const char *key, rz_slice t)
{
    json_object_set_new(o, key, t.s ? json_stringn(t.s, t.len) : json_null());
}

static char *request_of(const program *p, const rz_custom_sample *s, size_t *len)
{
    json_t *o = json_object(), *views = json_object();
    put(o, "completion", s->completion);
    put(o, "text", (rz_slice){s->completion.s + s->view.start, s->view.end - s->view.start});
    put(o, "prompt", s->prompt);
    put(o, "answer", s->answer);
    json_object_set_new(o, "meta", s->meta.s ? json_loadb(s->meta.s, s->meta.len, JSON_ALLOW_NUL, NULL) : json_object());
    json_object_set_new(o, "n_tokens", s->n_tokens < 0 ? json_null() : json_integer(s->n_tokens));
    json_object_set_new(o, "truncated", json_boolean(s->truncated));
    for (int i = 0; i < s->n_views; i++)
        put(views, json_string_value(json_array_get(json_object_get(p->setup, "views"), (size_t)i)),
            (rz_slice){s->completion.s + s->views[i].start, s->views[i].end - s->views[i].start});
    json_object_set_new(o, "views", views);
    json_object_set(o, "params", json_object_get(p->setup, "params"));
    char *line = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!line) return NULL;
    *len = strlen(line);
    line[(*len)++] = '\n'; /* in the place of the NUL */
    return line;
}

/* ---- the exchange ---- */

typedef enum { GOING, HAVE_LINE, TOO_LONG, CLOSED } state;

static state read_answer(program *p)
{
    ssize_t got = read(p->child.out, p->line + p->n, MAX_LINE - p->n);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? GOING : CLOSED;
    if (got == 0) return CLOSED;
    bool ended = memchr(p->line + p->n, '\n', (size_t)got);
    p->n += (size_t)got;
    return ended ? HAVE_LINE : p->n == MAX_LINE ? TOO_LONG : GOING;
}

/* Keeps the end of it, and empties the pipe, which would stop the program when it is full. */
static void read_stderr(program *p)
{
    char piece[4096];
    ssize_t got;
    for (int i = 0; i < 16 && p->child.err >= 0 && (got = read(p->child.err, piece, sizeof piece)) != 0; i++) {
        if (got < 0) return;
        size_t add = (size_t)got < TAIL ? (size_t)got : TAIL, keep = p->n_tail + add <= TAIL ? p->n_tail : TAIL - add;
        memmove(p->tail, p->tail + p->n_tail - keep, keep);
        memcpy(p->tail + keep, piece + got - add, add);
        p->n_tail = keep + add;
    }
}

/* Writes the request and reads until a line has come. False: the time is over. */
static bool exchange(program *p, const char *line, size_t len, double until, state *how)
{
    size_t sent = 0;
    for (*how = GOING; *how == GOING;) {
        struct pollfd fds[] = {{p->child.out, POLLIN, 0}, {p->child.err, POLLIN, 0}, {sent < len ? p->child.in : -1, POLLOUT, 0}};
        double left = until - rz_now_s();
        int n = poll(fds, 3, left > 0 ? (int)(left * 1000) + 1 : 0);
        if (n == 0 && left <= 0) return false;
        if (n <= 0) continue;
        if (fds[1].revents) {
            read_stderr(p);
            if (fds[1].revents & POLLHUP) {
                close(p->child.err);
                p->child.err = -1;
            }
        }
        if (fds[2].revents) {
            ssize_t wrote = write(p->child.in, line + sent, len - sent);
            if (wrote > 0) sent += (size_t)wrote;
            else if (wrote < 0 && errno != EAGAIN && errno != EINTR) *how = CLOSED;
        }
        if (fds[0].revents && *how == GOING) *how = read_answer(p);
    }
    return true;
}

static bool spoke_unasked(program *p)
{
    struct pollfd fd = {p->child.out, POLLIN, 0};
    return p->n || poll(&fd, 1, 0) > 0;
}

/* It has closed its output: it is ending, most likely. Its own status says more than our kill. */
static int last_status(program *p)
{
    for (int ms = 0; ms < LINGER_MS && !rz_child_gone(&p->child); ms += 10) nanosleep(&(struct timespec){0, 10000000}, NULL);
    read_stderr(p);
    return rz_child_end(&p->child);
}

static void say_tail(const program *p, char *to, size_t size)
{
    size_t n = p->n_tail;
    while (n && strchr("\r\n ", p->tail[n - 1])) n--;
    to[0] = 0;
    if (n) snprintf(to, size, "; its last words: %.*s", (int)n, p->tail);
    for (char *c = to; *c; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t') *c = ' ';
}

static void tell_end(program *p, state how, rz_custom_verdict *v)
{
    int status = how == TOO_LONG ? rz_child_end(&p->child) : last_status(p);
    char words[TAIL + 32];
    say_tail(p, words, sizeof words);
    v->crashed = true;
    if (how == TOO_LONG) rz_custom_end(v, RZ_PART_ERROR, "the program's answer is longer than %d bytes: it was killed%s", MAX_LINE, words);
    else if (WIFSIGNALED(status)) rz_custom_end(v, RZ_PART_ERROR, "the program crashed: signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)), words);
    else rz_custom_end(v, RZ_PART_ERROR, "the program ended with status %d before it had answered%s", WEXITSTATUS(status), words);
}

/* ---- the answer ---- */

static void take(const json_t *o, const char *key, char *to, size_t size)
{
    const json_t *t = json_object_get(o, key);
    if (json_is_string(t)) rz_show(to, size, json_string_value(t), json_string_length(t));
}

static void read_verdict(const char *line, size_t len, const rz_custom_sample *s, rz_custom_verdict *v)
{
    json_error_t e;
    json_t *o = json_loadb(line, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    const json_t *score = json_is_object(o) ? json_object_get(o, "score") : o, *passed = json_object_get(o, "passed"), *span = json_object_get(o, "span"),
                 *error = json_object_get(o, "error");
    long long at[2];
    if (!o)
        rz_custom_end(v, RZ_PART_ERROR, "the program's answer is no JSON (%s): %.100s", e.text, line);
    else if (json_is_string(error))
        rz_custom_end(v, RZ_PART_ERROR, "%.400s", json_string_value(error));
    else if (json_is_null(score))
        rz_custom_end(v, RZ_PART_SKIPPED, "the program abstains");
    else if (json_is_number(score))
        v->points = json_number_value(score);
    else if (json_is_boolean(score))
        v->by_name = true, v->passed = json_is_true(score);
    else
        rz_custom_end(v, RZ_PART_ERROR, "the program's answer has no \"score\": it must be {\"score\": a number, true, false or null}");
    if (v->state != RZ_PART_ERROR) {
        if (json_is_boolean(passed)) v->passed = json_is_true(passed);
        take(o, "reason", v->reason, sizeof v->reason);
        take(o, "found", v->found, sizeof v->found);
        take(o, "expected", v->expected, sizeof v->expected);
        size_t view = s->view.end - s->view.start;
        if (span && json_unpack((json_t *)span, "[I,I]", &at[0], &at[1]) == 0 && at[0] >= 0 && at[1] >= at[0] && (size_t)at[1] <= view)
            v->span = (rz_span){s->view.start + (size_t)at[0], s->view.start + (size_t)at[1]};
    }
    json_decref(o);
}

static void score(void *self, const rz_custom_sample *s, rz_custom_verdict *v)
{
    program *p = self;
    rz_err err;
    size_t len;
    state how;
    char *line = request_of(p, s, &len);
    if (!line) {
        rz_custom_end(v, RZ_PART_ERROR, "the sample cannot be told as JSON");
        return;
    }
    if (p->child.pid && spoke_unasked(p)) rz_child_end(&p->child); /* whose answer that was is not known: it begins anew */
    if (!p->child.pid && !start(p, &err)) {
        rz_custom_end(v, RZ_PART_ERROR, "%.400s", err.text);
        v->crashed = true;
    } else if (!exchange(p, line, len, rz_now_s() + rz_worker_time_s(), &how)) {
        char words[TAIL + 32];
        read_stderr(p);
        rz_child_end(&p->child);
        say_tail(p, words, sizeof words);
        rz_custom_end(v, RZ_PART_ERROR, "the program gave no answer within %.3g seconds and was killed (deadline_ms)%s", rz_worker_time_s(), words);
        v->nondeterministic = true;
    } else if (how != HAVE_LINE) {
        tell_end(p, how, v);
    } else {
        size_t end = (size_t)((char *)memchr(p->line, '\n', p->n) - p->line);
        p->line[end] = 0;
        read_verdict(p->line, end, s, v);
        p->n -= end + 1; /* what is left was not asked for */
    }
    free(line);
}

const rz_language rz_language_program = {"program", open_rule, score};
