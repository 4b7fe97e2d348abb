/* Is a file of a run directory whole? Its seal, and then that everything is there that its kind must hold (docs/files.md): arrays of the right shapes, numbers that
 * are finite. One tensor is in memory at a time. */
#ifndef RZ_TRAINER_VERIFY_H
#define RZ_TRAINER_VERIFY_H
#include "trainer/checkpoint.h"

typedef struct {
    char kind[16];          /* train, pretrain: a checkpoint; model; rollouts; "" as long as it is not known */
    int64_t bytes, written; /* size; when, in seconds since 1970 */
    rz_progress at;         /* of a checkpoint: its whole numbers */
} rz_file_facts;

bool rz_is_checkpoint(const rz_file_facts *f);
/* What the file says of itself, when its seal is good: RZ_EIO, RZ_EDATA, the message beginning with the path. f holds what could be found out in any case. */
bool rz_file_facts_read(rz_file_facts *f, const char *path, rz_err *err);
/* The same, and all that is in it. RZ_EDATA: damaged, incomplete, or of a kind that is none of a run's. */
bool rz_verify_file(rz_file_facts *f, const char *path, rz_err *err);
#endif
