/* Stores in a temporary folder; every call must succeed. */
#ifndef RZ_TESTS_STORE_H
#define RZ_TESTS_STORE_H
#include "base/store.h"
#include "tests/folder.h"

#define OK(call) ck_assert_msg((call), "%s", err.text)
#define SAYS(what) ck_assert_msg(strstr(err.text, (what)) != NULL, "%s\n does not say: %s", err.text, (what))

static inline rz_store *create(const char *path)
{
    rz_store *s;
    OK(rz_store_create(&s, path, &err));
    return s;
}

static inline rz_store *open_store(const char *path)
{
    rz_store *s;
    OK(rz_store_open(&s, path, &err));
    return s;
}
#endif
