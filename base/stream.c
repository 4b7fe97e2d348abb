#include "base/stream.h"
#include <stdlib.h>
#include <string.h>

bool rz_stream_floats(rz_writer *file, rz_encoding e, const float *data, int64_t n, int64_t *written, rz_err *err)
{
    enum { PIECE = 1 << 16 }; /* elements: whole blocks of every encoding */
    void *piece = rz_malloc((size_t)rz_encoding_bytes(e, PIECE));
    bool ok = true;
    for (int64_t at = 0; ok && at < n; at += PIECE) {
        int64_t m = n - at < PIECE ? n - at : PIECE, bytes = rz_encoding_bytes(e, m);
        rz_encode_floats(e, piece, data + at, m);
        ok = rz_writer_add(file, piece, (size_t)bytes, err);
        *written += bytes;
    }
    free(piece);
    return ok;
}

bool rz_stream_pad(rz_writer *file, char fill, int64_t alignment, int64_t *written, rz_err *err)
{
    char padding[64];
    int64_t n = (alignment - *written % alignment) % alignment;
    memset(padding, fill, sizeof padding);
    *written += n;
    return n == 0 || rz_writer_add(file, padding, (size_t)n, err);
}
