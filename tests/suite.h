/* How every test program ends: runs the suite, gives its verdict as exit status. */
#ifndef RZ_TESTS_SUITE_H
#define RZ_TESTS_SUITE_H
#include <check.h>

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
#endif
