/* Any bytes as a job's config; behind a NUL byte, key=value assignments with a NUL between each: refused as a bad config, in words, or a config that is within the bounds of
 * its table, comes back from its own dump, and is checked for every stage. */
#include "tests/fuzz/target.h"
#include "trainer/config.h"
#include "trainer/curriculum.h"
#include <string.h>

static void refused_well(const rz_err *err)
{
    if ((err->code != RZ_ECONFIG && err->code != RZ_EUSAGE) || !err->text[0]) abort(); /* EUSAGE: an assignment */
}

static void comes_back(const rz_config *c)
{
    rz_err err = {.code = RZ_OK};
    rz_config again = {0};
    char *text = rz_options_dump(rz_config_rows, rz_config_n_rows, c);
    if (!rz_options_init(rz_config_rows, rz_config_n_rows, &again, &err) ||
        !rz_options_parse(rz_config_rows, rz_config_n_rows, &again, "dump", text, strlen(text), NULL, &err))
        abort();
    for (int i = 0; i < rz_config_n_rows; i++) {
        char *a = rz_options_value(&rz_config_rows[i], c), *b = rz_options_value(&rz_config_rows[i], &again);
        if (strcmp(a, b) != 0) abort();
        free(a);
        free(b);
    }
    free(text);
    rz_config_finish(&again);
}

static void use(const rz_config *c)
{
    rz_err err;
    rz_arch arch;
    char hash[33];
    comes_back(c);
    for (rz_stage stage = RZ_STAGE_TRAIN; stage <= RZ_STAGE_PRETRAIN; stage++) {
        if (!rz_config_check(c, stage, &err)) refused_well(&err);
        rz_config_hash(c, stage, "more", hash);
    }
    if (!rz_curriculum_check(c, &err)) refused_well(&err);
    if (rz_config_arch(c, 100, &arch, &err) && !rz_arch_check(&arch, &err)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    rz_config c = {0};
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    if (!rz_options_init(rz_config_rows, rz_config_n_rows, &c, &err)) abort();
    bool ok = rz_options_parse(rz_config_rows, rz_config_n_rows, &c, "fuzz", (const char *)data, len, NULL, &err);
    for (size_t at = len + 1; ok && at < size;) {
        char *assignment = rz_strndup((const char *)data + at, size - at);
        ok = rz_options_override(rz_config_rows, rz_config_n_rows, &c, assignment, NULL, &err);
        at += strlen(assignment) + 1;
        free(assignment);
    }
    if (ok) use(&c);
    else refused_well(&err);
    rz_config_finish(&c);
    return 0;
}
