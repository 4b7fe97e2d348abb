#include "base/store.h"
#include "base/file.h"
#include "base/read_at.h"
#include "base/seal.h"
#include "base/store_driver.h"
#include "base/store_parts.h"
#include "base/store_plain.h"
#include "base/store_shape.h"
#include "base/text.h"
#include <hdf5.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef H5_HAVE_THREADSAFE
#error "checkpoints are written beside the training: HDF5 has to be built thread-safe, as the serial one of Debian and Ubuntu is"
#endif

enum {
    MAX_NAME = RZ_STORE_MAX_NAME,
    MAX_ATTRIBUTE = 1 << 20 /* bytes of a text attribute */
};

struct rz_store {
    hid_t file;
    char *path;
    rz_writer *writer;  /* NULL when it was opened */
    rz_store_sink sink; /* what is to be written */
    rz_parts *parts;    /* where its large arrays are or go to; NULL: here */
    char **texts;       /* long ones, which stay until the close */
    int n_texts;
};

/* Filled in by start_hdf5. bf16 is u16 with an attribute. */
static struct { hid_t in_file, in_memory; } types[RZ_BF16 + 1];

static void set_type(rz_type type, hid_t in_file, hid_t in_memory) { types[type].in_file = in_file, types[type].in_memory = in_memory; }

/* HDF5's exit handler can crash after a full disk, and its plugins are code from wherever an environment variable points. */
static void start_hdf5(void)
{
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);
    rz_store_driver_start();
    set_type(RZ_F32, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT);
    set_type(RZ_F64, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE);
    set_type(RZ_I8, H5T_STD_I8LE, H5T_NATIVE_INT8);
    set_type(RZ_U8, H5T_STD_U8LE, H5T_NATIVE_UINT8);
    set_type(RZ_I32, H5T_STD_I32LE, H5T_NATIVE_INT32);
    set_type(RZ_U32, H5T_STD_U32LE, H5T_NATIVE_UINT32);
    set_type(RZ_I64, H5T_STD_I64LE, H5T_NATIVE_INT64);
    set_type(RZ_U64, H5T_STD_U64LE, H5T_NATIVE_UINT64);
    set_type(RZ_BF16, H5T_STD_U16LE, H5T_NATIVE_UINT16);
}

/* At every door, since printing of errors is switched a thread at a time. */
static void enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_hdf5);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Any handle; a negative one is none. */
static void drop(hid_t id)
{
    if (id >= 0) H5Idec_ref(id);
}

/* Folds HDF5's error stack into our sentence. Must come before the next HDF5 call, which clears the stack. */
__attribute__((format(printf, 4, 5))) static bool h5_fail(const rz_store *s, rz_err *err, rz_code code, const char *fmt, ...)
{
    char message[1024], reason[420];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    rz_store_driver_reason(reason, sizeof reason);
    return rz_fail(err, code, "%s: %s: %s", s->path, message, reason);
}

static bool writable(const rz_store *s, const char *name, rz_err *err)
{
    return (s->writer && !s->sink.finished) || rz_fail(err, RZ_EINTERNAL, "%s: is open for reading, '%s' cannot be put", s->path, name);
}

bool rz_store_create(rz_store **out, const char *path, rz_err *err)
{
    *out = NULL;
    enter();
    rz_store *s = rz_calloc(1, sizeof *s);
    s->path = rz_strdup(path);
    s->file = -1;
    if (!rz_writer_create(&s->writer, path, err)) {
        rz_store_close(s);
        return false;
    }
    char name[32]; /* to tell files by, for HDF5 */
    snprintf(name, sizeof name, "%p", (void *)s);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    /* The oldest format, on purpose: any HDF5 reads it, and no part of it depends on when or by which version it was written. */
    bool ok = rz_store_driver_set(access, &s->sink) && H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0 &&
              H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 && H5Pset_obj_track_times(creation, 0) >= 0;
    s->file = ok ? H5Fcreate(name, H5F_ACC_TRUNC, creation, access) : -1;
    ok = s->file >= 0 || h5_fail(s, err, RZ_EINTERNAL, "cannot be made");
    drop(access);
    drop(creation);
    if (ok)
        *out = s;
    else
        rz_store_close(s);
    return ok;
}

/* The file itself, without its parts. */
static bool open_alone(rz_store **out, const char *path, rz_err *err)
{
    *out = NULL;
    enter();
    if (!rz_store_plain(path, err)) return false;
    rz_store *s = rz_calloc(1, sizeof *s);
    s->path = rz_strdup(path);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    bool ok = H5Pset_fapl_sec2(access) >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0;
#if H5_VERSION_GE(1, 10, 7)
    ok = ok && H5Pset_file_locking(access, 0, 1) >= 0; /* a sealed file never changes, and network file systems may have no locks */
#endif
    s->file = ok ? H5Fopen(path, H5F_ACC_RDONLY, access) : -1;
    ok = s->file >= 0;
    if (!ok) h5_fail(s, err, RZ_EDATA, "its seal is good but HDF5 cannot open it");
    drop(access);
    if (ok)
        *out = s;
    else
        rz_store_close(s);
    return ok;
}

static bool open_whole(rz_store **out, const char *path, bool verify, rz_err *err)
{
    if (!open_alone(out, path, err)) return false;
    if (rz_parts_open(&(*out)->parts, *out, path, verify, err)) return true;
    rz_store_close(*out);
    *out = NULL;
    return false;
}

bool rz_store_open(rz_store **out, const char *path, rz_err *err)
{
    *out = NULL;
    return rz_seal_check(path, false, err) && open_whole(out, path, true, err);
}

bool rz_store_open_verified(rz_store **out, const char *path, rz_err *err) { return open_whole(out, path, false, err); }

void rz_store_split(rz_store *s, int64_t bytes, int64_t part_bytes) { s->parts = rz_parts_create(s->path, bytes, part_bytes); }

const rz_parts *rz_store_parts(const rz_store *s) { return s->parts; }

bool rz_store_reserve(rz_store *s, int64_t bytes, rz_err *err)
{
    return writable(s, "room", err) && (s->parts ? rz_writer_ask : rz_writer_reserve)(s->writer, bytes, err); /* each part takes its own */
}

bool rz_store_commit(rz_store *s, rz_err *err)
{
    enter();
    if (!writable(s, "a seal", err) || !rz_parts_commit(s->parts, s, err)) return false;
    bool ok = H5Fflush(s->file, H5F_SCOPE_GLOBAL) >= 0 || h5_fail(s, err, RZ_EINTERNAL, "cannot be flushed");
    s->sink.finished = true;
    ok = ok && rz_image_write(&s->sink.image, s->sink.size, rz_writer_fd(s->writer), s->path, err) && rz_writer_commit(s->writer, err);
    if (ok) rz_parts_tidy(s->parts, s->path);
    return ok;
}

void rz_store_close(rz_store *s)
{
    if (!s) return;
    enter();
    s->sink.finished = true;
    if (s->file >= 0) H5Fclose(s->file);
    rz_image_finish(&s->sink.image);
    rz_writer_close(s->writer);
    rz_parts_close(s->parts);
    for (int i = 0; i < s->n_texts; i++) free(s->texts[i]);
    free(s->texts);
    free(s->path);
    free(s);
}

/* One by one, since HDF5 stamps the time into groups that it makes by itself. */
static bool create_groups(rz_store *s, const char *name, rz_err *err)
{
    char path[MAX_NAME];
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, 0);
    bool ok = true;
    for (int i = 0; ok && rz_store_name_prefix(name, i, path) && strcmp(path, name) != 0; i++) {
        if (H5Lexists(s->file, path, H5P_DEFAULT) > 0) continue;
        hid_t group = H5Gcreate2(s->file, path, H5P_DEFAULT, creation, H5P_DEFAULT);
        ok = group >= 0 || h5_fail(s, err, RZ_EINTERNAL, "group '%s' cannot be made", path);
        drop(group);
    }
    drop(creation);
    return ok;
}

static bool put_attribute(rz_store *s, hid_t object, const char *attr, hid_t in_file, hid_t in_memory, const void *value, rz_err *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(object, attr, in_file, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = (a >= 0 && H5Awrite(a, in_memory, value) >= 0) || h5_fail(s, err, RZ_EINTERNAL, "attribute '%s' cannot be put", attr);
    drop(a);
    drop(space);
    return ok;
}

static bool put_text_attribute(rz_store *s, hid_t object, const char *attr, const char *value, rz_err *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(value) + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    bool ok = put_attribute(s, object, attr, type, type, value, err);
    drop(type);
    return ok;
}

static hid_t create_array(rz_store *s, const char *name, const rz_shape *shape, rz_err *err)
{
    hsize_t dims[RZ_MAX_DIMS];
    for (int i = 0; i < shape->n_dims; i++) dims[i] = (hsize_t)shape->dims[i];
    hid_t space = shape->n_dims ? H5Screate_simple(shape->n_dims, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(creation, H5D_CONTIGUOUS);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(creation, 0);
    hid_t array = H5Dcreate2(s->file, name, types[shape->type].in_file, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (array < 0) h5_fail(s, err, RZ_EINTERNAL, "'%s' cannot be made", name);
    drop(creation);
    drop(space);
    return array;
}

bool rz_store_put(rz_store *s, const char *name, rz_shape shape, const void *data, rz_err *err)
{
    enter();
    size_t n;
    if (!writable(s, name, err)) return false;
    if (!rz_store_name_good(name)) return rz_fail(err, RZ_EINTERNAL, "%s: '%.80s' is no name for an array", s->path, name);
    if (!rz_store_shape_count(&shape, &n)) return rz_fail(err, RZ_EINTERNAL, "%s: '%s' has an impossible shape", s->path, name);
    if (s->parts && rz_parts_takes(&shape)) return rz_parts_put(s->parts, name, shape, data, err);
    if (!create_groups(s, name, err)) return false;
    hid_t array = create_array(s, name, &shape, err);
    if (array < 0) return false;
    s->sink.lent = data;
    s->sink.lent_bytes = n * rz_type_size(shape.type);
    bool ok = n == 0 || H5Dwrite(array, types[shape.type].in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0 ||
              h5_fail(s, err, RZ_EINTERNAL, "'%s' cannot be put", name);
    s->sink.lent = NULL;
    if (ok && shape.type == RZ_BF16) ok = put_text_attribute(s, array, "dtype", rz_type_name(RZ_BF16), err);
    drop(array);
    return ok;
}

/* HDF5 itself complains of a name whose group is not there. */
static bool has_link(const rz_store *s, const char *name)
{
    char path[MAX_NAME];
    if (strlen(name) >= MAX_NAME) return false;
    for (int i = 0; rz_store_name_prefix(name, i, path); i++)
        if (H5Lexists(s->file, path, H5P_DEFAULT) <= 0) return false;
    return *name;
}

/* Negative with err on failure. */
static hid_t open_array(const rz_store *s, const char *name, rz_err *err)
{
    if (!has_link(s, name)) {
        rz_fail(err, RZ_EDATA, "%s: has no array '%s'", s->path, name);
        return -1;
    }
    hid_t array = H5Dopen2(s->file, name, H5P_DEFAULT);
    if (array < 0) h5_fail(s, err, RZ_EDATA, "'%s' is not an array", name);
    return array;
}

/* A fixed-length text alone: variable-length ones live in a heap that a damaged file can point anywhere. */
static bool get_text_attribute(const rz_store *s, hid_t object, const char *attr, char **value, rz_err *err)
{
    *value = NULL;
    if (H5Aexists(object, attr) <= 0) return rz_fail(err, RZ_EDATA, "%s: has no attribute '%s'", s->path, attr);
    hid_t a = H5Aopen(object, attr, H5P_DEFAULT), type = H5Aget_type(a), space = H5Aget_space(a);
    size_t size = H5Tget_size(type);
    bool ok = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && size <= MAX_ATTRIBUTE &&
              H5Sget_simple_extent_type(space) == H5S_SCALAR;
    if (!ok) rz_fail(err, RZ_EDATA, "%s: attribute '%s' is not a text of fixed length", s->path, attr);
    if (ok) {
        *value = rz_calloc(size + 1, 1);
        ok = H5Aread(a, type, *value) >= 0 || h5_fail(s, err, RZ_EDATA, "attribute '%s' cannot be read", attr);
    }
    drop(space);
    drop(type);
    drop(a);
    if (!ok) free(*value);
    if (!ok) *value = NULL;
    return ok;
}

static bool is_bf16(const rz_store *s, hid_t array)
{
    rz_err ignored;
    char *dtype;
    if (!get_text_attribute(s, array, "dtype", &dtype, &ignored)) return false;
    bool yes = strcmp(dtype, rz_type_name(RZ_BF16)) == 0;
    free(dtype);
    return yes;
}

static bool read_shape(const rz_store *s, hid_t array, const char *name, rz_shape *shape, rz_err *err)
{
    hid_t type = H5Dget_type(array), space = H5Dget_space(array);
    int found = 0;
    while (found <= RZ_BF16 && H5Tequal(type, types[found].in_file) <= 0) found++;
    bool ok = found <= RZ_BF16 && (found != RZ_BF16 || is_bf16(s, array));
    if (!ok) rz_fail(err, RZ_EDATA, "%s: '%s' has a type of numbers that rulezero does not use", s->path, name);
    hsize_t dims[H5S_MAX_RANK];
    int n_dims = H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    if (ok && (n_dims < 0 || n_dims > RZ_MAX_DIMS))
        ok = rz_fail(err, RZ_EDATA, "%s: '%s' has %d dimensions, must be at most %d", s->path, name, n_dims, RZ_MAX_DIMS);
    if (ok) {
        size_t n;
        *shape = (rz_shape){.type = (rz_type)found, .n_dims = n_dims};
        for (int i = 0; i < n_dims; i++) shape->dims[i] = (int64_t)dims[i];
        if (!rz_store_shape_count(shape, &n)) ok = rz_fail(err, RZ_EDATA, "%s: '%s' is larger than any memory", s->path, name);
    }
    drop(space);
    drop(type);
    return ok;
}

bool rz_store_shape(rz_store *s, const char *name, rz_shape *shape, rz_err *err)
{
    enter();
    if (rz_parts_shape(s->parts, name, shape)) return true;
    hid_t array = open_array(s, name, err);
    bool ok = array >= 0 && read_shape(s, array, name, shape, err);
    drop(array);
    return ok;
}

/* Elements from … from + n − 1 of an array, which is all of one piece in a file. Where numbers lie there as in memory it is read past HDF5, whose lock lets one thread in. */
static bool read_elements(rz_store *s, hid_t array, const char *name, rz_type type, uint64_t from, size_t n, void *data, rz_err *err)
{
    haddr_t at = H5Dget_offset(array);
    int *fd;
    if (!s->writer && at != HADDR_UNDEF && H5Tequal(types[type].in_file, types[type].in_memory) > 0 && H5Fget_vfd_handle(s->file, H5P_DEFAULT, (void **)&fd) >= 0)
        return rz_read_at(*fd, s->path, data, n * rz_type_size(type), at + from * rz_type_size(type), err);
    hsize_t start = from, count = n;
    hid_t in_file = H5Dget_space(array), in_memory = H5Screate_simple(1, &count, NULL);
    if (H5Sget_simple_extent_ndims(in_file) == 1) H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &count, NULL); /* of others all is read */
    bool ok = H5Dread(array, types[type].in_memory, in_memory, in_file, H5P_DEFAULT, data) >= 0 || h5_fail(s, err, RZ_EDATA, "'%s' cannot be read", name);
    drop(in_memory);
    drop(in_file);
    return ok;
}

static bool get(rz_store *s, const char *name, const rz_shape *shape, uint64_t from, size_t n, void *data, rz_err *err)
{
    rz_shape found;
    hid_t array = open_array(s, name, err);
    bool ok = array >= 0 && read_shape(s, array, name, &found, err) && rz_store_shape_check(s->path, name, &found, shape, err) && (n == 0 || read_elements(s, array, name, shape->type, from, n, data, err));
    drop(array);
    return ok;
}

bool rz_store_get(rz_store *s, const char *name, rz_shape shape, void *data, rz_err *err)
{
    enter();
    size_t n;
    if (rz_parts_has(s->parts, name)) return rz_parts_get(s->parts, name, &shape, 0, shape.n_dims ? shape.dims[0] : 0, data, err);
    return get(s, name, &shape, 0, rz_store_shape_count(&shape, &n) ? n : 0, data, err);
}

bool rz_store_get_part(rz_store *s, const char *name, rz_shape shape, int64_t at, int64_t n, void *data, rz_err *err)
{
    enter();
    if (shape.n_dims != 1 || at < 0 || n < 0 || at > shape.dims[0] - n)
        return rz_fail(err, RZ_EINTERNAL, "%s: '%s' has no elements %lld to %lld", s->path, name, (long long)at, (long long)(at + n));
    if (rz_parts_has(s->parts, name)) return rz_parts_get(s->parts, name, &shape, at, n, data, err);
    return get(s, name, &shape, (uint64_t)at, (size_t)n, data, err);
}

bool rz_store_has(rz_store *s, const char *name)
{
    enter();
    if (rz_parts_has(s->parts, name)) return true;
    if (!has_link(s, name)) return false;
    hid_t object = H5Oopen(s->file, name, H5P_DEFAULT);
    bool yes = object >= 0 && H5Iget_type(object) == H5I_DATASET;
    drop(object);
    return yes;
}

bool rz_store_put_text(rz_store *s, const char *name, const char *text, rz_err *err)
{
    rz_shape shape = {RZ_U8, 1, {(int64_t)strlen(text)}};
    if (shape.dims[0] >= RZ_STORE_STAYS) {
        s->texts = rz_realloc(s->texts, (size_t)(s->n_texts + 1) * sizeof *s->texts);
        text = s->texts[s->n_texts++] = rz_strdup(text);
    }
    return rz_store_put(s, name, shape, text, err);
}

char *rz_store_get_text(rz_store *s, const char *name, rz_err *err)
{
    rz_shape shape;
    if (!rz_store_shape(s, name, &shape, err)) return NULL;
    if (shape.type != RZ_U8 || shape.n_dims != 1) {
        char is[128];
        rz_store_shape_text(&shape, is, sizeof is);
        rz_fail(err, RZ_EDATA, "%s: '%s' is %s, must be a text (u8 with one dimension)", s->path, name, is);
        return NULL;
    }
    char *text = rz_calloc((size_t)shape.dims[0] + 1, 1);
    if (rz_store_get(s, name, shape, text, err)) return text;
    free(text);
    return NULL;
}

bool rz_store_put_i64(rz_store *s, const char *attr, int64_t value, rz_err *err)
{
    enter();
    return writable(s, attr, err) && put_attribute(s, s->file, attr, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, err);
}

bool rz_store_put_f64(rz_store *s, const char *attr, double value, rz_err *err)
{
    enter();
    return writable(s, attr, err) && put_attribute(s, s->file, attr, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, err);
}

bool rz_store_put_str(rz_store *s, const char *attr, const char *value, rz_err *err)
{
    enter();
    return writable(s, attr, err) && put_text_attribute(s, s->file, attr, value, err);
}

static bool get_number(rz_store *s, const char *attr, hid_t in_file, hid_t in_memory, const char *kind, void *value, rz_err *err)
{
    enter();
    if (H5Aexists(s->file, attr) <= 0) return rz_fail(err, RZ_EDATA, "%s: has no attribute '%s'", s->path, attr);
    hid_t a = H5Aopen(s->file, attr, H5P_DEFAULT), type = H5Aget_type(a), space = H5Aget_space(a);
    bool ok = H5Tequal(type, in_file) > 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR;
    if (!ok)
        rz_fail(err, RZ_EDATA, "%s: attribute '%s' is not a single %s", s->path, attr, kind);
    else
        ok = H5Aread(a, in_memory, value) >= 0 || h5_fail(s, err, RZ_EDATA, "attribute '%s' cannot be read", attr);
    drop(space);
    drop(type);
    drop(a);
    return ok;
}

bool rz_store_get_i64(rz_store *s, const char *attr, int64_t *value, rz_err *err)
{
    return get_number(s, attr, H5T_STD_I64LE, H5T_NATIVE_INT64, "i64", value, err);
}

bool rz_store_get_f64(rz_store *s, const char *attr, double *value, rz_err *err)
{
    return get_number(s, attr, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, "f64", value, err);
}

bool rz_store_get_str(rz_store *s, const char *attr, char **value, rz_err *err)
{
    enter();
    return get_text_attribute(s, s->file, attr, value, err);
}

bool rz_store_has_attr(rz_store *s, const char *attr)
{
    enter();
    return H5Aexists(s->file, attr) > 0;
}

/* Names found on a walk. Callbacks run after it, so that they may use the store. */
typedef struct {
    const rz_store *s;
    char **names;
    int n;
    char path[MAX_NAME];
    rz_err *err;
} walk;

static void keep(walk *w, const char *name)
{
    w->names = rz_realloc(w->names, (size_t)(w->n + 1) * sizeof *w->names);
    w->names[w->n++] = rz_strdup(name);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void finish(walk *w)
{
    for (int i = 0; i < w->n; i++) free(w->names[i]);
    free(w->names);
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    walk *w = ctx;
    size_t len = strlen(w->path);
    (void)info;
    if (len + strlen(name) + 2 > MAX_NAME) {
        rz_fail(w->err, RZ_EDATA, "%s: '%s%.80s…' is longer than a name may be (%d)", w->s->path, w->path, name, MAX_NAME);
        return 1;
    }
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    H5I_type_t kind = H5Iget_type(object);
    herr_t stop = 0;
    snprintf(w->path + len, MAX_NAME - len, "%s", name);
    if (kind == H5I_DATASET) {
        keep(w, w->path);
    } else if (kind == H5I_GROUP) {
        snprintf(w->path + len + strlen(name), 2, "/");
        stop = H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, w);
    } else { /* a name that HDF5 lists and cannot open */
        stop = -1;
    }
    w->path[len] = 0;
    drop(object);
    return stop;
}

static bool walk_ok(walk *w, herr_t result) { return result == 0 || (result < 0 && h5_fail(w->s, w->err, RZ_EDATA, "cannot be listed")); }

bool rz_store_each(rz_store *s, bool (*fn)(void *ctx, const char *name, const rz_shape *shape), void *ctx, rz_err *err)
{
    enter();
    walk w = {.s = s, .err = err};
    int from_parts = 0;
    bool ok = walk_ok(&w, H5Literate(s->file, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, &w)), more = true;
    for (const char *name; (name = rz_parts_name(s->parts, from_parts)); from_parts++) keep(&w, name);
    if (ok && w.n) qsort(w.names, (size_t)w.n, sizeof *w.names, by_name);
    for (int i = 0; ok && more && i < w.n; i++) {
        rz_shape shape;
        if (s->parts && strcmp(w.names[i], RZ_STORE_MANIFEST) == 0) continue;
        ok = rz_store_shape(s, w.names[i], &shape, err);
        if (ok) more = fn(ctx, w.names[i], &shape);
    }
    finish(&w);
    return ok;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
    (void)object, (void)info;
    keep(ctx, name);
    return 0;
}

static bool attribute_text(rz_store *s, const char *attr, char **text, rz_err *err)
{
    rz_err not_this;
    int64_t i;
    double x;
    char number[32];
    if (rz_store_get_i64(s, attr, &i, &not_this)) {
        *text = rz_asprintf("%lld", (long long)i);
        return true;
    }
    if (rz_store_get_f64(s, attr, &x, &not_this)) {
        rz_double_text(x, number);
        *text = rz_strdup(number);
        return true;
    }
    return rz_store_get_str(s, attr, text, err);
}

bool rz_store_each_attr(rz_store *s, bool (*fn)(void *ctx, const char *name, const char *value), void *ctx, rz_err *err)
{
    enter();
    walk w = {.s = s, .err = err};
    bool ok = walk_ok(&w, H5Aiterate2(s->file, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &w)), more = true;
    if (ok && w.n) qsort(w.names, (size_t)w.n, sizeof *w.names, by_name);
    for (int i = 0; ok && more && i < w.n; i++) {
        char *value;
        ok = attribute_text(s, w.names[i], &value, err);
        if (!ok) break;
        more = fn(ctx, w.names[i], value);
        free(value);
    }
    finish(&w);
    return ok;
}
