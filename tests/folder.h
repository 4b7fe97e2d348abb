/* A temporary folder for each test (a checked fixture), files in it, and the error that the calls under test leave. */
#ifndef RZ_TESTS_FOLDER_H
#define RZ_TESTS_FOLDER_H
#include "base/file.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_err err;
static char folder[4096];

static inline void set_up(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rulezero-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    err = (rz_err){.code = RZ_OK};
}

static inline void tear_down(void)
{
    char *command = rz_asprintf("rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* A path in the folder. The buffer is used again four calls later. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][4608];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Not by our own code. */
static inline void put(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
}

static inline void expect_failure(rz_code code, const char *part)
{
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" does not say \"%s\"", err.text, part);
    err.code = RZ_OK;
}
#endif
