/* Problems and texts of a file, held in memory as columns: the texts one behind the other, with offsets, just as HDF5 data sets store them
 * (docs/files.md, "Data sets"). Internal to data/. */
#ifndef RZ_DATA_DATASET_H
#define RZ_DATA_DATASET_H
#include "base/error.h"
#include <stdint.h>

enum { RZ_MAX_LINE = 16 << 20 }; /* bytes of a JSONL line */

typedef struct {
    int64_t n, room;
    int64_t *offsets; /* text i is bytes[offsets[i] … offsets[i + 1]), without a NUL; n + 1 of them once n > 0 */
    char *bytes;
    size_t capacity;
} rz_column;

void rz_column_add(rz_column *c, const char *text, size_t len);
const char *rz_column_get(const rz_column *c, int64_t i, size_t *len);
void rz_column_finish(rz_column *c);

typedef struct {
    rz_column prompt, answer, meta; /* of the same n */
    uint64_t *clusters;             /* n */
    int64_t clusters_room;
} rz_dataset;

void rz_dataset_finish(rz_dataset *d);
/* JSONL or HDF5, told apart by content. d is zeroed; it has to be finished after a failure too. */
bool rz_dataset_load(rz_dataset *d, const char *path, rz_err *err);
/* Columns, clusters and attributes of an HDF5 data set. */
bool rz_dataset_load_store(rz_dataset *d, const char *path, rz_err *err);

/* A problem as it stands in a file. */
typedef struct {
    const char *prompt, *answer, *task; /* NUL-terminated, or NULL when absent */
    const char *meta;                   /* JSON text, or NULL */
    size_t meta_len;
    uint64_t cluster;                   /* unless the task knows better */
} rz_raw_problem;

/* Adds it if it is well-formed; a task known here (field task, or "task" in meta) completes and checks it. where ("data.jsonl:7") begins the messages. */
bool rz_dataset_add(rz_dataset *d, const char *where, const rz_raw_problem *raw, rz_err *err);
/* Bootstrap unit of a Countdown problem: the same for the same multiset, and never that of a line (its highest bit is set). */
uint64_t rz_countdown_cluster(const int *numbers, int n);

/* Lines {"prompt": …, "answer"?: …, "meta"?: …, "task"?: …}. */
bool rz_dataset_load_jsonl(rz_dataset *d, const char *path, rz_err *err);
/* Lines {"text": …}. */
bool rz_texts_load_jsonl(rz_column *texts, const char *path, rz_err *err);
#endif
