/* plan: what is left of a machine's or a container's memory, and its caches, from system files of our own making. */
#include "tests/folder.h"
#include "base/processor.h"
#include "trainer/plan.h"

#define MEMINFO "MemTotal:       8388608 kB\nMemFree:         524288 kB\nMemAvailable:   4194304 kB\n" /* 8, 0.5 and 4 GiB */
#define V1 "/sys/fs/cgroup/memory/memory"
#define GIB 1073741824.0

static void system_file(const char *name, const char *text)
{
    char *path = rz_asprintf("%s%s", folder, name), *command = rz_asprintf("mkdir -p \"$(dirname '%s')\"", path);
    ck_assert_int_eq(system(command), 0);
    put(path, text, strlen(text));
    free(command);
    free(path);
}

START_TEST(a_machine_has_what_it_calls_available)
{
    ck_assert_double_eq(rz_plan_available(folder), -1);
    system_file("/proc/meminfo", "MemTotal:       8388608 kB\nMemFree:         524288 kB\n");
    ck_assert_double_eq(rz_plan_available(folder), -1);
    system_file("/proc/meminfo", MEMINFO);
    ck_assert_double_eq(rz_plan_available(folder), 4 * GIB);
    ck_assert_double_gt(rz_plan_available(""), 0); /* this machine */
}
END_TEST

START_TEST(caches_of_the_third_level_are_counted)
{
    int caches;
    ck_assert_int_eq(rz_third_cache(folder, &caches), 0);
    system_file("/sys/devices/system/cpu/cpu0/cache/index3/size", "32768K\n");
    ck_assert_int_eq(rz_third_cache(folder, &caches), 0);
    system_file("/sys/devices/system/cpu/online", "0-15,32\n");
    system_file("/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list", "0-3,8,10-11\n");
    ck_assert_int_eq(rz_third_cache(folder, &caches), 32 << 20);
    ck_assert_int_eq(caches, 2);
    system_file("/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list", "0\n");
    ck_assert_int_eq(rz_third_cache(folder, &caches), 32 << 20);
    ck_assert_int_eq(caches, 17);
    system_file("/sys/devices/system/cpu/cpu0/cache/index3/size", "none\n");
    ck_assert_int_eq(rz_third_cache(folder, &caches), 0);
}
END_TEST

START_TEST(a_container_is_not_charged_with_its_page_cache)
{
    system_file("/proc/meminfo", MEMINFO);
    system_file("/sys/fs/cgroup/memory.max", "max\n");
    system_file("/sys/fs/cgroup/memory.current", "3221225472\n");
    ck_assert_double_eq(rz_plan_available(folder), 4 * GIB);
    system_file("/sys/fs/cgroup/memory.max", "3758096384\n"); /* 3.5 GiB, 3 of them used */
    ck_assert_double_eq(rz_plan_available(folder), 0.5 * GIB);
    /* 1 GiB and 0.25 GiB of files; what shared memory holds is no cache */
    system_file("/sys/fs/cgroup/memory.stat", "anon 1\nfile 2147483648\nshmem 805306368\ninactive_anon 7\nactive_anon 9\ninactive_file 1073741824\n"
                                              "active_file 268435456\nunevictable 0\nworkingset_activate_file 5\n");
    ck_assert_double_eq(rz_plan_available(folder), 1.75 * GIB);
    system_file("/sys/fs/cgroup/memory.current", "1048576\n"); /* the files were read one after the other: no more than the limit is left */
    ck_assert_double_eq(rz_plan_available(folder), 3.5 * GIB);
    system_file("/sys/fs/cgroup/memory.max", "107374182400\n"); /* nor more than the machine has */
    ck_assert_double_eq(rz_plan_available(folder), 4 * GIB);
}
END_TEST

START_TEST(so_in_control_groups_of_version_1)
{
    system_file(V1 ".limit_in_bytes", "9223372036854771712\n"); /* none */
    system_file(V1 ".usage_in_bytes", "2147483648\n");
    ck_assert_double_gt(rz_plan_available(folder), 1e18);
    system_file(V1 ".limit_in_bytes", "3221225472\n");
    ck_assert_double_eq(rz_plan_available(folder), 1 * GIB);
    /* of the group itself, then with the groups below it, which the usage counts too */
    system_file(V1 ".stat", "cache 5\ninactive_file 4096\nactive_file 8192\ntotal_cache 6\ntotal_inactive_file 536870912\ntotal_active_file 268435456\n");
    ck_assert_double_eq(rz_plan_available(folder), 1.75 * GIB);
    system_file("/proc/meminfo", MEMINFO);
    ck_assert_double_eq(rz_plan_available(folder), 1.75 * GIB);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60); /* a loaded machine */
    tcase_add_test(tests, a_machine_has_what_it_calls_available);
    tcase_add_test(tests, caches_of_the_third_level_are_counted);
    tcase_add_test(tests, a_container_is_not_charged_with_its_page_cache);
    tcase_add_test(tests, so_in_control_groups_of_version_1);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
