/* Problems and texts of a file, held in memory as columns: the texts one behind the other, with offsets, just as HDF5 data sets store them
 * (docs/files.md, "Data sets"). Who only wants problems to train on takes data/source.h. */
#ifndef RZ_DATA_DATASET_H
#define RZ_DATA_DATASET_H
#include "base/packed.h"
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
char *rz_column_text(const rz_column *c, int64_t i); /* a copy with a NUL; caller frees */
void rz_column_finish(rz_column *c);

typedef struct {
    rz_column prompt, answer, meta, task; /* of the same n; an absent answer or task is empty */
    uint64_t *clusters;                   /* n */
    int64_t *places;                      /* n: line in the JSONL file, or number of the problem (from 0) in the HDF5 file */
    int64_t room;
    bool is_store;
    int64_t n_other;                      /* lines with a field that is not read, … */
    char other[64];                       /* … and the first such field */
} rz_dataset;

void rz_dataset_finish(rz_dataset *d);
/* HDF5, not JSONL; by content. RZ_EIO. */
bool rz_dataset_is_store(const char *path, bool *is_store, rz_err *err);
/* JSONL or HDF5. d is zeroed; it has to be finished after a failure too. */
bool rz_dataset_load(rz_dataset *d, const char *path, rz_err *err);
/* "data.jsonl:7" or "set.h5: problem 6"; caller frees. */
char *rz_dataset_where(const rz_dataset *d, const char *path, int64_t i);
/* Columns, clusters and attributes of an HDF5 data set. */
bool rz_dataset_load_store(rz_dataset *d, const char *path, rz_err *err);
bool rz_dataset_write_store(const rz_dataset *d, const char *path, rz_err *err);

/* A problem as it stands in a file. */
typedef struct {
    const char *prompt, *answer, *task; /* NUL-terminated, or NULL when absent */
    const char *meta;                   /* JSON text, or NULL */
    size_t meta_len;
    uint64_t cluster;                   /* unless the task knows better */
    int64_t place;                      /* as in rz_dataset */
} rz_raw_problem;

/* Adds it if it is well-formed; a task known here (field task, or "task" in meta) completes and checks it. where ("data.jsonl:7") begins the messages. */
bool rz_dataset_add(rz_dataset *d, const char *where, const rz_raw_problem *raw, rz_err *err);
/* Bootstrap unit of a Countdown problem: the same for the same multiset, and never that of a line (its highest bit is set). */
uint64_t rz_countdown_cluster(const int *numbers, int n);

/* Lines {"prompt": …, "answer"?: …, "meta"?: …, "task"?: …, "cluster"?: …}, or GSM8K's {"question": …, "answer": "… #### 42"}: the prompt is the question,
 * the answer what is behind ####, without commas; meta.kind says how many steps of reckoning are marked ("3_steps"). */
bool rz_dataset_load_jsonl(rz_dataset *d, const char *path, rz_err *err);
/* A line that rz_dataset_load_jsonl reads back as it is, when it stands at this line number (from 1). Caller frees. */
char *rz_dataset_line(const rz_raw_problem *p, int64_t number);
/* Lines {"text": …}. */
bool rz_texts_load_jsonl(rz_column *texts, const char *path, rz_err *err);
char *rz_text_line(const char *text);
/* Every line that is not blank, as it is, with a newline; each must be an object. */
bool rz_jsonl_each(const char *path, bool (*line)(void *ctx, const char *line, size_t len, rz_err *err), void *ctx, rz_err *err);
/* What a JSONL file holds, by its first line. */
typedef enum { RZ_JSONL_PROBLEMS, RZ_JSONL_TEXTS, RZ_JSONL_GSM8K /* problems {"question", "answer": "… #### 42"} */ } rz_jsonl_kind;
bool rz_jsonl_kind_of(const char *path, rz_jsonl_kind *kind, rz_err *err);
#endif
