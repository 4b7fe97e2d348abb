/* What the writers of model files share: floats that are converted on their way to a file, a piece at a time. */
#ifndef RZ_BASE_STREAM_H
#define RZ_BASE_STREAM_H
#include "base/encoding.h"
#include "base/file.h"

/* n is a multiple of the block; *written grows by the bytes added. */
bool rz_stream_floats(rz_writer *file, rz_encoding e, const float *data, int64_t n, int64_t *written, rz_err *err);
/* Zeros (or another byte) up to the next multiple of `alignment`. */
bool rz_stream_pad(rz_writer *file, char fill, int64_t alignment, int64_t *written, rz_err *err);
#endif
