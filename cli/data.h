/* What the `data` commands share: where a data set goes, by the name it is given. Internal to cli/. */
#ifndef RZ_CLI_DATA_H
#define RZ_CLI_DATA_H
#include "data/dataset.h"

/* A data set on its way out: "-" is JSON Lines on stdout, .h5 and .hdf5 are HDF5 (held in memory until commit), .jsonl, .json, .ndjson, .gz and .zst are
 * JSON Lines written as they come. Other endings are RZ_EUSAGE, a file that is there RZ_ECREATE: nothing is ever overwritten. */
typedef struct {
    const char *path;
    bool to_stdout, to_store;
    rz_packer *packer;
    rz_dataset set;
    int64_t n;
} rz_data_sink;

bool rz_data_sink_open(rz_data_sink *s, const char *path, rz_err *err);
bool rz_data_sink_problem(rz_data_sink *s, const char *where, const rz_raw_problem *p, rz_err *err);
bool rz_data_sink_line(rz_data_sink *s, const char *line, size_t len, rz_err *err); /* not into HDF5 */
bool rz_data_sink_commit(rz_data_sink *s, rz_err *err);
void rz_data_sink_close(rz_data_sink *s); /* without commit nothing is left */

bool rz_data_tasks(int argc, char **argv, rz_err *err);
bool rz_data_make(int argc, char **argv, rz_err *err);
bool rz_data_show(int argc, char **argv, rz_err *err);
bool rz_data_convert(int argc, char **argv, rz_err *err);
#endif
