#include "base/file.h"
#include "base/fault.h"
#include "base/packed.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

void rz_file_line(const char *path, char *to, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(to, (int)size, f)) to[0] = '\0';
    if (f) fclose(f);
    to[strcspn(to, "\n")] = '\0';
}

bool rz_file_read(const char *path, size_t max_bytes, char **data, size_t *len, rz_err *err)
{
    *data = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return false;
    }
    /* The size is a hint: pipes and /proc have none, and a file may grow while it is read. */
    size_t n = 0, hint = st.st_size > 0 ? (size_t)st.st_size : 4096;
    size_t room = (hint < max_bytes ? hint : max_bytes) + 1;
    char *buffer = rz_malloc(room + 1);
    for (;;) {
        ssize_t got = read(fd, buffer + n, room - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) rz_fail(err, RZ_EIO, "cannot read %s: %s", path, strerror(errno));
        if (got > 0) n += (size_t)got;
        if (n > max_bytes) rz_fail(err, RZ_EDATA, "%s is larger than the %zu bytes allowed here", path, max_bytes);
        if (got < 0 || n > max_bytes) {
            free(buffer);
            close(fd);
            return false;
        }
        if (got == 0) break;
        if (n == room) {
            room = room / 2 < max_bytes / 2 ? room * 2 : max_bytes + 1;
            buffer = rz_realloc(buffer, room + 1);
        }
    }
    close(fd);
    buffer[n] = '\0';
    *data = buffer;
    *len = n;
    return true;
}

static bool write_all(int fd, const char *path, const char *data, size_t len)
{
    if (len > 0 && rz_fault_io(RZ_IO_WRITE, path)) return false;
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Length of the folder part of a path, with its slash; 0 when there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash + 1 - path);
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0 || errno == EINVAL; /* some file systems have nothing to sync in a folder */
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool rz_dir_sync(const char *path, rz_err *err)
{
    return sync_folder(path) || rz_fail(err, RZ_EIO, "cannot sync folder %s: %s", path, strerror(errno));
}

/* Makes the names in the folder of `path` durable. */
static bool sync_folder_of(const char *path)
{
    size_t n = folder_length(path);
    char *folder = n == 0 ? rz_strdup(".") : rz_strndup(path, n);
    bool ok = sync_folder(folder);
    int why = errno;
    free(folder);
    errno = why;
    return ok;
}

struct rz_writer {
    int fd;
    char *path, *temporary;
    size_t len; /* bytes so far */
};

static bool writer_failed(const rz_writer *w, const char *step, int why, rz_err *err)
{
    return rz_fail(err, RZ_EIO, "cannot write %s (%s of %s, %zu bytes): %s; what was there before is unchanged", w->path, step, w->temporary, w->len,
                   strerror(why));
}

bool rz_writer_create(rz_writer **out, const char *path, rz_err *err)
{
    char host[256] = "";
    struct stat st;
    *out = NULL;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) /* of a folder rename says it */
        return rz_fail(err, RZ_ECREATE, "%s is a device or a pipe, must be a file: one would take its place", path);
    gethostname(host, sizeof host - 1);
    size_t n = folder_length(path);
    rz_writer *w = rz_calloc(1, sizeof *w);
    w->path = rz_strdup(path);
    w->temporary = rz_asprintf("%.*s.%s.%s-%ld", (int)n, path, path + n, host, (long)getpid());
    w->fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    *out = w->fd >= 0 ? w : NULL;
    if (*out) return true;
    writer_failed(w, "create", errno, err);
    rz_writer_close(w);
    return false;
}

int rz_writer_fd(const rz_writer *w) { return w->fd; }

static int64_t room(const struct statvfs *v)
{
    return v->f_blocks == 0 ? -1 : (int64_t)v->f_bavail * (int64_t)v->f_frsize;
}

int64_t rz_file_room(const char *path)
{
    struct statvfs v;
    char *there = rz_asprintf("%s", path);
    bool ok;
    while (!(ok = statvfs(there[0] ? there : ".", &v) == 0) && there[0]) { /* the folder above */
        size_t n = strlen(there);
        while (n > 0 && there[n - 1] != '/') n--;
        while (n > 1 && there[n - 1] == '/') n--;
        if (there[n] == '\0') break; /* "/" */
        there[n] = '\0';
    }
    free(there);
    return ok ? room(&v) : -1;
}

static bool no_room(const rz_writer *w, int64_t bytes, rz_err *err)
{
    struct statvfs v;
    return rz_fail(err, RZ_EIO, "cannot write %s: %s: it needs %lld bytes, and its file system has %lld left; what was there before is unchanged", w->path,
                   strerror(ENOSPC), (long long)bytes, fstatvfs(w->fd, &v) == 0 ? (long long)room(&v) : -1);
}

bool rz_writer_ask(rz_writer *w, int64_t bytes, rz_err *err)
{
    struct statvfs v;
    int64_t left = fstatvfs(w->fd, &v) == 0 ? room(&v) : -1;
    return left < 0 || left >= bytes || no_room(w, bytes, err);
}

/* What is not asked of a file system (ENOSPC, quotas) shows when it is written. Without fallocate nothing is taken, but the question was asked. */
bool rz_writer_reserve(rz_writer *w, int64_t bytes, rz_err *err)
{
    int rc;
    if (!rz_writer_ask(w, bytes, err)) return false;
    do rc = fallocate(w->fd, 0, 0, bytes);
    while (rc != 0 && errno == EINTR);
    if (rc == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return true;
    return errno == ENOSPC ? no_room(w, bytes, err) : writer_failed(w, "reserve", errno, err);
}

bool rz_writer_add(rz_writer *w, const void *data, size_t len, rz_err *err)
{
    w->len += len;
    return write_all(w->fd, w->path, data, len) || writer_failed(w, "write", errno, err);
}

bool rz_writer_commit(rz_writer *w, rz_err *err)
{
    if (rz_fault_io(RZ_IO_FSYNC, w->path) || fsync(w->fd) != 0) return writer_failed(w, "sync", errno, err);
    int fd = w->fd;
    w->fd = -1;
    bool ok = close(fd) == 0 || writer_failed(w, "write", errno, err);
    ok = ok && ((!rz_fault_io(RZ_IO_RENAME, w->path) && rename(w->temporary, w->path) == 0) || writer_failed(w, "rename", errno, err));
    if (!ok) {
        unlink(w->temporary);
        return false;
    }
    return sync_folder_of(w->path) || rz_fail(err, RZ_EIO, "%s is written but may not survive a power failure: its folder cannot be synced: %s",
                                              w->path, strerror(errno));
}

void rz_writer_close(rz_writer *w)
{
    if (w == NULL) return;
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->temporary);
    }
    free(w->path);
    free(w->temporary);
    free(w);
}

bool rz_file_write(const char *path, const void *data, size_t len, rz_err *err)
{
    rz_writer *w;
    bool ok = rz_writer_create(&w, path, err) && rz_writer_add(w, data, len, err) && rz_writer_commit(w, err);
    rz_writer_close(w);
    return ok;
}

bool rz_dir_create(const char *path, rz_err *err)
{
    char *part = rz_strdup(path);
    size_t len = strlen(path), end = 0;
    bool ok = len > 0;
    errno = ENOENT;
    while (ok && end < len) {
        while (part[end] == '/') end++;
        while (end < len && part[end] != '/') end++;
        char slash = part[end];
        part[end] = '\0';
        if (mkdir(part, 0777) == 0) {
            ok = sync_folder_of(part);
        } else {
            int why = errno; /* EEXIST, but also EROFS or EACCES for a folder that is there already */
            struct stat st;
            ok = stat(part, &st) == 0 && S_ISDIR(st.st_mode);
            errno = why == EEXIST ? ENOTDIR : why;
        }
        part[end] = slash;
    }
    if (!ok) rz_fail(err, RZ_ECREATE, "cannot create folder %s at %.*s: %s", path, (int)end, part, strerror(errno));
    free(part);
    return ok;
}

bool rz_file_exists(const char *path) { return access(path, F_OK) == 0; }

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

bool rz_dir_list(const char *path, char ***names, int *n, rz_err *err)
{
    *names = NULL;
    *n = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) return rz_fail(err, RZ_EIO, "cannot open folder %s: %s", path, strerror(errno));
    char **list = NULL;
    int count = 0, room = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (count == room) {
            room = room > 0 ? 2 * room : 16;
            list = rz_realloc(list, (size_t)room * sizeof *list);
        }
        list[count++] = rz_strdup(entry->d_name);
    }
    int why = errno;
    closedir(dir);
    if (why != 0) {
        for (int i = 0; i < count; i++) free(list[i]);
        free(list);
        return rz_fail(err, RZ_EIO, "cannot read folder %s: %s", path, strerror(why));
    }
    if (count > 0) qsort(list, (size_t)count, sizeof *list, by_name);
    *names = list;
    *n = count;
    return true;
}

struct rz_log {
    int fd;
    int64_t size;        /* of the whole lines in the file */
    bool torn;           /* part of a line stands behind them and is to be taken back */
    char *path, *lines;  /* lines: those that are not in the file yet, each with its newline, so that one write carries them */
    size_t waiting, room;
};

/* Nothing ends there, or a line does. */
static bool ends_a_line(const char *path, int64_t at)
{
    char c = 0;
    int fd = at > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool yes = at <= 0 || (pread(fd, &c, 1, at - 1) == 1 && c == '\n');
    if (fd >= 0) close(fd);
    return yes;
}

bool rz_log_open(rz_log **out, const char *path, int64_t keep, rz_err *err)
{
    *out = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return rz_fail(err, RZ_EIO, "cannot open log %s: %s", path, strerror(errno));
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && sync_folder_of(path);
    if (ok && keep > st.st_size) {
        close(fd);
        return rz_fail(err, RZ_EDATA, "log %s has %lld bytes but should have at least %lld: its end is lost", path, (long long)st.st_size,
                       (long long)keep);
    }
    if (ok && !ends_a_line(path, keep)) {
        close(fd);
        return rz_fail(err, RZ_EDATA, "log %s was changed by others: no line ends at byte %lld, where it is to go on; put it back as it was, or give another out=", path, (long long)keep);
    }
    if (ok && keep >= 0 && keep < st.st_size) ok = ftruncate(fd, keep) == 0;
    if (!ok) {
        rz_fail(err, RZ_EIO, "cannot prepare log %s: %s", path, strerror(errno));
        close(fd);
        return false;
    }
    rz_log *l = rz_calloc(1, sizeof *l);
    *l = (rz_log){.fd = fd, .size = keep >= 0 ? keep : st.st_size, .path = rz_strdup(path)};
    *out = l;
    return true;
}

bool rz_log_flush(rz_log *l, rz_err *err)
{
    bool ok = l->waiting == 0 || ((!l->torn || ftruncate(l->fd, l->size) == 0) && write_all(l->fd, l->path, l->lines, l->waiting));
    int why = errno;
    if (ok) {
        l->size += (int64_t)l->waiting;
        l->waiting = 0;
        l->torn = false;
        return true;
    }
    l->torn = ftruncate(l->fd, l->size) != 0; /* takes back the part that was written */
    return rz_fail(err, RZ_EIO, "cannot write to log %s: %s%s", l->path, strerror(why), l->torn ? "; its last line is incomplete" : "");
}

bool rz_log_line(rz_log *l, const char *line, rz_err *err)
{
    size_t len = strlen(line);
    assert(memchr(line, '\n', len) == NULL);
    if (l->waiting + len + 1 > l->room) {
        l->room = 2 * (l->waiting + len + 1);
        l->lines = rz_realloc(l->lines, l->room);
    }
    memcpy(l->lines + l->waiting, line, len);
    l->waiting += len;
    l->lines[l->waiting++] = '\n';
    return rz_log_flush(l, err);
}

bool rz_log_sync(rz_log *l, rz_err *err)
{
    if (!rz_fault_io(RZ_IO_FSYNC, l->path) && fsync(l->fd) == 0) return true;
    return rz_fail(err, RZ_EIO, "cannot sync log %s: %s", l->path, strerror(errno));
}

int64_t rz_log_size(const rz_log *l) { return l->size; }

void rz_log_close(rz_log *l)
{
    if (l == NULL) return;
    close(l->fd);
    free(l->lines);
    free(l->path);
    free(l);
}

static void print_hash(XXH128_hash_t hash, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    for (int i = 0; i < 16; i++) {
        out[2 * i] = digits[bytes.digest[i] >> 4];
        out[2 * i + 1] = digits[bytes.digest[i] & 15];
    }
    out[32] = '\0';
}

void rz_hash_hex(const void *data, size_t len, char out[33]) { print_hash(XXH3_128bits(data, len), out); }

bool rz_hash_file(const char *path, char out[33], rz_err *err)
{
    enum { BLOCK = 1 << 20 };
    rz_unpacker *file;
    if (!rz_unpacker_open(&file, path, err)) return false;
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL) rz_out_of_memory(1024); /* about its size, which is not public */
    XXH3_128bits_reset(state);
    char *block = rz_malloc(BLOCK);
    size_t n;
    bool ok;
    while ((ok = rz_unpacker_read(file, block, BLOCK, &n, err)) && n > 0) XXH3_128bits_update(state, block, n);
    print_hash(XXH3_128bits_digest(state), out);
    XXH3_freeState(state);
    free(block);
    rz_unpacker_close(file);
    return ok;
}

static double clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double rz_now_s(void) { return clock_s(CLOCK_MONOTONIC); }
double rz_cpu_s(void) { return clock_s(CLOCK_THREAD_CPUTIME_ID); }
