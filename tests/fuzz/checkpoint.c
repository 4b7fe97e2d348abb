/* Any bytes as one of our HDF5 files: as they are, which no seal matches, and with a good seal behind them, as somebody who makes seals could send them. Refused as bad data,
 * in words, or everything in it can be read: arrays, attributes, and what a model, a checkpoint's config and a data set are. */
#include "base/seal.h"
#include "base/store.h"
#include "data/dataset.h"
#include "tests/fuzz/memory_file.h"
#include "trainer/checkpoint.h"
#include "trainer/model.h"
#include <string.h>

static bool read_array(void *ctx, const char *name, const rz_shape *shape)
{
    rz_store *s = ctx;
    rz_err err = {.code = RZ_OK};
    size_t n = rz_type_size(shape->type);
    for (int i = 0; i < shape->n_dims; i++) n *= (size_t)shape->dims[i];
    if (n > 1 << 20) abort(); /* more than the file can hold */
    char *data = rz_malloc(n + 1);
    if (!rz_store_get(s, name, *shape, data, &err)) must_be_refused_well(&err);
    if (shape->n_dims == 1 && shape->dims[0] > 1 && !rz_store_get_part(s, name, *shape, 1, shape->dims[0] - 1, data, &err)) must_be_refused_well(&err);
    free(data);
    return true;
}

static bool see_attribute(void *ctx, const char *name, const char *value)
{
    *(size_t *)ctx += strlen(name) + strlen(value);
    return true;
}

static bool walk(const char *path)
{
    rz_err err = {.code = RZ_OK};
    rz_store *s;
    size_t seen = 0;
    if (!rz_store_open(&s, path, &err)) {
        must_be_refused_well(&err);
        return false;
    }
    if (!rz_store_each(s, read_array, s, &err)) must_be_refused_well(&err);
    if (!rz_store_each_attr(s, see_attribute, &seen, &err)) must_be_refused_well(&err);
    rz_store_close(s);
    return true;
}

static void use(const char *path)
{
    static const rz_kernels *kernels;
    static rz_pool *pool;
    rz_err err = {.code = RZ_OK};
    rz_policy *p = NULL;
    rz_tokenizer *t = NULL;
    rz_config c = {0};
    rz_dataset d = {0};
    if (!kernels && (!rz_kernels_select(&kernels, "reference", &err) || !rz_pool_create(&pool, 1, &err))) abort();
    if (!rz_model_read(path, kernels, pool, &p, &t, &err)) must_be_refused_well(&err);
    rz_tokenizer_destroy(t);
    rz_policy_destroy(p);
    if (!rz_options_init(rz_config_rows, rz_config_n_rows, &c, &err)) abort();
    if (!rz_checkpoint_check_config(path, RZ_STAGE_TRAIN, &c, &err) && err.code != RZ_ECONFIG) must_be_refused_well(&err);
    rz_config_finish(&c);
    if (!rz_dataset_load_store(&d, path, &err)) must_be_refused_well(&err);
    rz_dataset_finish(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    const char *path = memory_file(data, size);
    if (rz_seal_check(path, true, &err)) return 0; /* a file of ours, whole */
    must_be_refused_well(&err);
    unsigned char end[RZ_SEAL_BYTES];
    rz_seal *seal = rz_seal_begin();
    rz_seal_add(seal, data, size);
    rz_seal_make(seal, end);
    rz_seal_free(seal);
    if (pwrite(memory_fd, end, sizeof end, (off_t)size) != sizeof end) abort();
    if (walk(path)) use(path); /* nothing else opens what that refuses */
    return 0;
}
