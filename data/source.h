/* Where problems and documents come from: a procedural task by name, or a file (JSONL, HDF5). Both are addressed by index, so that nothing but the
 * step number has to be remembered. */
#ifndef RZ_DATA_SOURCE_H
#define RZ_DATA_SOURCE_H
#include "data/tasks.h"

typedef struct rz_source rz_source;

/* data: the name of a task (rz_task_names) or the path of a file. RZ_ECONFIG for bad task options, RZ_EDATA for a bad line (path:line, what, remedy),
 * RZ_EIO when it cannot be read. A file's lines are {"prompt": text, "answer"?: text or number, "meta"?: object}, possibly compressed; a line that says
 * "task": "countdown" must be solvable. */
bool rz_source_open(rz_source **out, const char *data, const rz_task_options *options, uint32_t seed, rz_err *err);
void rz_source_close(rz_source *s);
/* Problem `index` (endless: a file is reshuffled every epoch, with addressed permutations; every line once an epoch). Strings live in the arena.
 * A file has no splits of its own: `split` is ignored for it. */
bool rz_source_problem(rz_source *s, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err);
/* From now on a file's problems come in its own order, again and again: an evaluation looks at each once. */
void rz_source_keep_order(rz_source *s);
/* How many levels a task's options list (1 at least, and for a file), and which of them the problems of the train split are of from now on: a place in the
 * list; −1, as at first: they take turns, as they always do in the other splits. */
int rz_source_levels(const rz_source *s);
void rz_source_set_level(rz_source *s, int place);
/* Problems a file holds; −1 for a task. */
int64_t rz_source_size(const rz_source *s);
/* Problem i of a file in the file's own order, and where it stands there ("data.jsonl:7"; caller frees). 0 ≤ i < rz_source_size. */
void rz_source_item(const rz_source *s, int64_t i, rz_problem *out, rz_arena *arena);
char *rz_source_where(const rz_source *s, const char *path, int64_t i);
/* XXH3-128 in hex of what the problems are made from (file contents, or the task's options): resuming with other data is refused. */
const char *rz_source_hash(const rz_source *s);

/* Documents for next-token training: a task's corpus by name, or a JSONL file of {"text": …}. */
typedef struct rz_corpus rz_corpus;
bool rz_corpus_open(rz_corpus **out, const char *data, const rz_countdown_options *countdown, const rz_corpus_options *corpus, uint32_t seed, rz_err *err);
void rz_corpus_close(rz_corpus *c);
bool rz_corpus_text(rz_corpus *c, uint64_t index, char **text, rz_arena *arena, rz_err *err);
const char *rz_corpus_hash(const rz_corpus *c);
#endif
