/* Files: whole reads with caps, durable writes, folders, locks, line readers. */
#ifndef RZ_BASE_FILE_H
#define RZ_BASE_FILE_H
#include "base/error.h"
#include <stdint.h>

/* Whole file, NUL-terminated (the NUL is not counted). Caller frees. RZ_EIO when it cannot be read, RZ_EDATA when over max_bytes. */
bool rz_file_read(const char *path, size_t max_bytes, char **data, size_t *len, rz_err *err);
/* The first line of a system file, without its end, so much of it as there is room for; "" when it cannot be read. */
void rz_file_line(const char *path, char *to, size_t size);
/* Temporary name in the same folder, full write, fsync, rename, fsync of the folder. `path` is the old file or the new one, never a mix. */
bool rz_file_write(const char *path, const void *data, size_t len, rz_err *err);
/* The same for a file that comes in pieces: it is at `path` after commit and not before; closed without it, nothing is left. */
typedef struct rz_writer rz_writer;
bool rz_writer_create(rz_writer **out, const char *path, rz_err *err); /* RZ_ECREATE for a device or a pipe, whose place it would take */
bool rz_writer_reserve(rz_writer *w, int64_t bytes, rz_err *err); /* takes the room for so many, if there is; RZ_EIO names both. More may be written, or less */
bool rz_writer_ask(rz_writer *w, int64_t bytes, rz_err *err);     /* is there room for so many? The same without taking it */
bool rz_writer_add(rz_writer *w, const void *data, size_t len, rz_err *err);
int rz_writer_fd(const rz_writer *w); /* the temporary file, for reading and writing anywhere in it; closed by commit */
bool rz_writer_commit(rz_writer *w, rz_err *err);
void rz_writer_close(rz_writer *w);
/* As mkdir -p. RZ_ECREATE when it cannot. */
bool rz_dir_create(const char *path, rz_err *err);
bool rz_file_exists(const char *path);
/* Bytes that may still be written to where `path` is or would be made; -1: the system does not say. */
int64_t rz_file_room(const char *path);
/* Makes what was added to a folder, and removed from it, durable. */
bool rz_dir_sync(const char *path, rz_err *err);
/* Names in a folder (without . and ..), sorted; caller frees each and the list. */
bool rz_dir_list(const char *path, char ***names, int *n, rz_err *err);

/* An exclusive lock held until release or death of the process. Waits up to wait_ms (ranks outlive a killed mpirun by seconds), calling
 * waiting(ctx) once if it must wait. RZ_ECREATE names the holder (host, pid) when it stays taken. */
typedef struct rz_lock rz_lock;
bool rz_lock_take(rz_lock **out, const char *path, int wait_ms, void (*waiting)(void *ctx), void *ctx, rz_err *err);
void rz_lock_release(rz_lock *l);

/* Append-only text with a known length: what lies behind `keep` bytes is cut off at open (resume). A line is in the file whole or not at all: one that cannot be written (the disk is
 * full) waits in memory, and is written with the next one, or by flush. One thread may sync while another one writes. */
typedef struct rz_log rz_log;
bool rz_log_open(rz_log **out, const char *path, int64_t keep /* −1: all */, rz_err *err);
bool rz_log_line(rz_log *l, const char *line, rz_err *err); /* adds the newline */
bool rz_log_flush(rz_log *l, rz_err *err); /* true: nothing waits */
bool rz_log_sync(rz_log *l, rz_err *err);
int64_t rz_log_size(const rz_log *l);      /* of what is in the file */
void rz_log_close(rz_log *l);              /* what still waits is lost */

/* Lines of a text file (JSONL), which may be compressed (base/packed.h): CRLF and a BOM are accepted, NUL and invalid UTF-8 are errors, a line over max_line is an error; messages
 * carry path:line. path NULL: the standard input. *line is valid until the next call; false with err->code == RZ_OK at the end. */
typedef struct rz_lines rz_lines;
bool rz_lines_open(rz_lines **out, const char *path, size_t max_line, rz_err *err);
bool rz_lines_next(rz_lines *l, char **line, size_t *len, rz_err *err);
int64_t rz_lines_number(const rz_lines *l);
void rz_lines_close(rz_lines *l);
/* Calls back with every line that is not blank (NUL-terminated, without its end), in order. What the callback refuses ends it, with "path:line" (of the standard input "stdin:line")
 * in front of its words. */
typedef bool (*rz_line_fn)(void *ctx, const char *text, size_t len, int64_t number, rz_err *err);
bool rz_lines_each(const char *path, size_t max_line, rz_line_fn fn, void *ctx, rz_err *err);

/* XXH3-128 as 32 hex digits and NUL. A compressed file has the hash of what is in it. */
void rz_hash_hex(const void *data, size_t len, char out[33]);
bool rz_hash_file(const char *path, char out[33], rz_err *err);

/* Seconds from an arbitrary start, monotonic. */
double rz_now_s(void);
/* Seconds of processor time that this thread has had. */
double rz_cpu_s(void);
#endif
