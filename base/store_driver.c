#include "base/store_driver.h"
#include "base/store.h"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5 knows the first member only. */
typedef struct {
    H5FD_t public;
    rz_store_sink *sink;
    haddr_t end; /* of what was written */
} stream;

static H5FD_t *open_stream(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)name, (void)flags, (void)most;
    rz_store_sink *const *sink = H5Pget_driver_info(access);
    stream *s = rz_calloc(1, sizeof *s);
    s->sink = *sink;
    return &s->public;
}

static herr_t close_stream(H5FD_t *file)
{
    free(file);
    return 0;
}

/* As HDF5's driver for files in memory says of itself, so that the same calls lay out the same bytes. */
static herr_t query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const stream *)file)->sink->size;
}

static herr_t set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t to)
{
    (void)type;
    stream *s = (stream *)file;
    if (!s->sink->finished)
        s->sink->size = to;
    return 0;
}

static haddr_t get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const stream *)file)->end;
}

static herr_t read_stream(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *to)
{
    (void)type, (void)transfer;
    rz_image_get(&((const stream *)file)->sink->image, at, to, size);
    return 0;
}

/* Whether these bytes are of the array that is being put. HDF5 may also have made others of them. */
static bool is_lent(const rz_store_sink *k, const char *from, size_t size)
{
    uintptr_t lent = (uintptr_t)k->lent, at = (uintptr_t)from;
    return size >= RZ_STORE_STAYS && k->lent && at >= lent && at - lent <= k->lent_bytes && size <= k->lent_bytes - (at - lent);
}

static herr_t write_stream(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *from)
{
    (void)type, (void)transfer;
    stream *s = (stream *)file;
    if (!s->sink->finished) (is_lent(s->sink, from, size) ? rz_image_lend : rz_image_put)(&s->sink->image, at, from, size);
    if (at + size > s->end)
        s->end = at + size;
    return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600, /* of those that are free for anybody */
#endif
    .name = "rulezero",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(rz_store_sink *),
    .open = open_stream,
    .close = close_stream,
    .query = query,
    .get_eoa = get_eoa,
    .set_eoa = set_eoa,
    .get_eof = get_eof,
    .read = read_stream,
    .write = write_stream,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

static hid_t driver_id = -1;

void rz_store_driver_start(void)
{
    driver_id = H5FDregister(&driver);
}

bool rz_store_driver_set(hid_t access, rz_store_sink *sink)
{
    return driver_id >= 0 && H5Pset_driver(access, driver_id, &sink) >= 0;
}

typedef struct {
    char outer[200], inner[200];
} reasons;

static herr_t note_reason(unsigned n, const H5E_error2_t *error, void *ctx)
{
    reasons *r = ctx;
    const char *text = error->desc ? error->desc : "";
    if (n == 0) snprintf(r->outer, sizeof r->outer, "%s", text);
    snprintf(r->inner, sizeof r->inner, "%s", text);
    return 0;
}

void rz_store_driver_reason(char *out, size_t size)
{
    reasons r = {"no reason given", ""};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, note_reason, &r);
    bool more = *r.inner && strcmp(r.inner, r.outer) != 0;
    snprintf(out, size, "%s%s%s%s", r.outer, more ? " (" : "", more ? r.inner : "", more ? ")" : "");
}
