/* Damaged, foreign and hostile stores are refused; a commit that fails leaves the old file. */
#include "base/seal.h"
#include "tests/store.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A checkpoint of a real run, 70 kB. */
static const char checkpoint[] = "tests/golden/checkpoints/format-1/run/checkpoints/step-000002.h5";

static unsigned char *copy_of_checkpoint(size_t *len)
{
    char *data;
    OK(rz_file_read(checkpoint, 1 << 20, &data, len, &err));
    put(in_folder("a.h5"), data, *len);
    return (unsigned char *)data;
}

static void seal_file(const char *path)
{
    char *data;
    size_t len;
    OK(rz_file_read(path, 1 << 20, &data, &len, &err));
    data = rz_realloc(data, len + RZ_SEAL_BYTES);
    rz_seal *seal = rz_seal_begin();
    rz_seal_add(seal, data, len);
    rz_seal_make(seal, (unsigned char *)data + len);
    rz_seal_free(seal);
    put(path, data, len + RZ_SEAL_BYTES);
    free(data);
}

static void rejected(const char *path, const char *said)
{
    rz_store *s = (rz_store *)&err;
    if (rz_store_open(&s, path, &err)) ck_abort_msg("accepted, due: %s", said);
    if (s || err.code != RZ_EDATA || !strstr(err.text, said) || !strstr(err.text, path)) ck_abort_msg("%s\n does not say: %s", err.text, said);
}

START_TEST(cut_files_are_rejected)
{
    size_t len;
    free(copy_of_checkpoint(&len));
    const char *path = in_folder("a.h5");
    ck_assert_int_eq(truncate(path, (off_t)len + 1), 0);
    rejected(path, "without a seal");
    for (size_t n = len; n-- > 0;) {
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        rejected(path, n < 8 ? "is not a rulezero file" : n < 48 || n == len - RZ_SEAL_BYTES ? "is cut or not" : "is cut: ");
    }
}
END_TEST

static void put_byte(int fd, size_t at, unsigned byte)
{
    unsigned char b = (unsigned char)byte;
    if (pwrite(fd, &b, 1, (off_t)at) != 1) ck_abort_msg("%s", strerror(errno));
}

START_TEST(every_flipped_byte_is_rejected)
{
    size_t len;
    unsigned char *data = copy_of_checkpoint(&len);
    const char *path = in_folder("a.h5");
    int fd = open(path, O_WRONLY);
    for (size_t i = 0; i < len; i++) {
        put_byte(fd, i, data[i] ^ 1u << (i % 8));
        rejected(path, i < len - RZ_SEAL_BYTES || i >= len - 16 ? "do not match its seal" : i >= len - 24 ? "its seal is for" : "");
        put_byte(fd, i, ~data[i]);
        rejected(path, "");
        put_byte(fd, i, data[i]);
    }
    close(fd);
    rz_store_close(open_store(path)); /* as it was */
    free(data);
}
END_TEST

START_TEST(other_files_are_rejected)
{
    put(in_folder("bad.h5"), "hello", 5);
    rejected(in_folder("bad.h5"), "is not a rulezero file");
    hid_t file = H5Fcreate(in_folder("plain.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    rz_store *s;
    ck_assert(!rz_store_open(&s, in_folder("plain.h5"), &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    SAYS("without a seal");
    ck_assert(!rz_store_open(&s, in_folder("none.h5"), &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    SAYS("No such file");
    ck_assert(!rz_store_open(&s, folder, &err));
    SAYS("is not a file");
    put(in_folder("bad.h5"), "hello", 5);
    seal_file(in_folder("bad.h5")); /* a good seal on what is no HDF5 */
    rejected(in_folder("bad.h5"), "its superblock (byte 0) is none that rulezero writes");
}
END_TEST

static void make_external(hid_t file, hid_t space) { (void)space, H5Lcreate_external("other.h5", "/x", file, "x", H5P_DEFAULT, H5P_DEFAULT); }
static void make_soft(hid_t file, hid_t space) { (void)space, H5Lcreate_soft("/y", file, "x", H5P_DEFAULT, H5P_DEFAULT); }
static void make_array(hid_t file, hid_t space, hid_t type, hid_t creation)
{
    H5Dclose(H5Dcreate2(file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
}
static void make_stored_outside(hid_t file, hid_t space)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/hostname", 0, 8);
    make_array(file, space, H5T_STD_U8LE, creation);
}
static void make_chunked(hid_t file, hid_t space)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = 8;
    H5Pset_chunk(creation, 1, &chunk);
    make_array(file, space, H5T_STD_U8LE, creation);
}
static void make_virtual(hid_t file, hid_t space)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(creation, space, "other.h5", "/x", space);
    make_array(file, space, H5T_STD_U8LE, creation);
}
static void make_odd_type(hid_t file, hid_t space) { make_array(file, space, H5T_STD_I16LE, H5Pcreate(H5P_DATASET_CREATE)); }
static void make_named_type(hid_t file, hid_t space)
{
    (void)space;
    hid_t type = H5Tcopy(H5T_STD_U8LE);
    H5Tcommit2(file, "x", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(type);
}
static void make_ring(hid_t file, hid_t space)
{
    (void)space;
    hid_t group = H5Gcreate2(file, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < 10; i++) H5Lcreate_hard(file, "x", group, (char[]){(char)('a' + i), 0}, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
}
/* No ring, and yet a million million ways down. */
static void make_maze(hid_t file, hid_t space)
{
    (void)space;
    H5Gclose(H5Gcreate2(file, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    for (int level = 0; level < 12; level++) {
        hid_t above = H5Gcreate2(file, "above", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        for (int i = 0; i < 10; i++) H5Lcreate_hard(file, "x", above, (char[]){(char)('a' + i), 0}, H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(above);
        H5Ldelete(file, "x", H5P_DEFAULT);
        H5Lmove(file, "above", file, "x", H5P_DEFAULT, H5P_DEFAULT);
    }
}

/* A seal proves that a file is whole, not that we wrote it: HDF5 does not see such a file. */
START_TEST(hostile_files_with_a_good_seal)
{
    static void (*const cases[])(hid_t file, hid_t space) = {make_external, make_soft, make_stored_outside, make_chunked, make_virtual,
                                                             make_odd_type, make_named_type, make_ring, make_maze};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_folder("hostile.h5");
        hsize_t dims = 8;
        hid_t creation = H5Pcreate(H5P_FILE_CREATE), file, space = H5Screate_simple(1, &dims, NULL);
        H5Pset_obj_track_times(creation, 0);
        file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
        cases[i](file, space);
        H5Sclose(space);
        H5Fclose(file);
        H5Pclose(creation);
        seal_file(path);
        rejected(path, "is none that rulezero writes");
    }
}
END_TEST

/* One structure at a time of a file of ours is made to lie, and the file sealed anew. */
START_TEST(lies_with_a_good_seal)
{
    static const struct {
        const char *find; /* bytes of the structure, … */
        int n, at;        /* … and where from its start on … */
        int bytes;        /* … how many are … */
        uint64_t value;   /* … this number */
        const char *says;
    } lies[] = {
        {"\x89HDF", 4, 40, 8, 1 << 20, "superblock"},      /* a longer file */
        {"\x89HDF", 4, 64, 8, 1 << 30, "object header"},   /* a root behind the end */
        {"\x89HDF", 4, 80, 8, 0, "root"},                  /* another tree than its header's */
        {"TREE", 4, 4, 1, 1, "tree"},                      /* chunks of an array */
        {"TREE", 4, 5, 1, 200, "group"},                   /* levels */
        {"TREE", 4, 6, 2, 33, "tree"},                     /* children */
        {"TREE", 4, 16, 8, 0x88, "tree"},                  /* its own neighbour */
        {"TREE", 4, 32, 8, 0x88, "symbol table"},          /* its own child */
        {"SNOD", 4, 6, 2, 9, "symbol table"},              /* entries */
        {"SNOD", 4, 8, 8, 1 << 20, "symbol table"},        /* a name behind the heap */
        {"SNOD", 4, 16, 8, 3, "object header"},
        {"SNOD", 4, 24, 4, 2, "symbol table"},             /* a soft link */
        {"HEAP", 4, 8, 8, UINT64_MAX, "heap"},
        {"HEAP", 4, 16, 8, 8, "heap"},                     /* free blocks without end */
        {"HEAP", 4, 24, 8, UINT64_MAX - 4, "heap"},
        {"\x01\x01\x01\0\0\0\0\0", 8, 8, 8, (uint64_t)1 << 60, "message"},      /* a shape that could grow */
        {"\x01\x01\x01\0\0\0\0\0", 8, 1, 1, 5, "message"},                      /* dimensions */
        {"\x03\x01", 2, 2, 8, 4096, "array"},                                    /* data behind the end */
        {"\x03\x01", 2, 10, 8, UINT64_MAX, "array"},
        {"\x03\x01", 2, 1, 1, 2, "message"},                                     /* chunked */
        {"\x10\x08\0\0\x08", 5, 4, 4, 0, "message"},                             /* a type of no bytes */
        {"\x13\x10\0\0", 4, 4, 4, 1 << 30, "message"},                           /* a text longer than its message */
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        const char *path = in_folder("lie.h5");
        rz_store *s = create(path);
        OK(rz_store_put(s, "x", (rz_shape){RZ_U8, 1, {3}}, "abc", &err));
        OK(rz_store_put_i64(s, "n", 7, &err));
        OK(rz_store_put_str(s, "kind", "train", &err));
        OK(rz_store_commit(s, &err));
        rz_store_close(s);
        char *data;
        size_t len;
        OK(rz_file_read(path, 1 << 20, &data, &len, &err));
        char *at = memmem(data, len, lies[i].find, (size_t)lies[i].n);
        ck_assert_msg(at != NULL, "%zu: not found", i);
        for (int k = 0; k < lies[i].bytes; k++) at[lies[i].at + k] = (char)(lies[i].value >> 8 * k);
        put(path, data, len - RZ_SEAL_BYTES);
        free(data);
        seal_file(path);
        rejected(path, lies[i].says);
    }
}
END_TEST

/* So many that the tree of their group has levels. */
START_TEST(ours_of_any_size_are_plain)
{
    rz_store *s = create(in_folder("many.h5"));
    for (int i = 0; i < 700; i++) {
        char name[64];
        snprintf(name, sizeof name, "group/with a name of some length %d", i * 7919 % 700);
        OK(rz_store_put(s, name, (rz_shape){RZ_I32, 0, {0}}, &i, &err));
        snprintf(name, sizeof name, "attribute %d", i);
        if (i < 300) OK(rz_store_put_str(s, name, "text", &err));
    }
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    s = open_store(in_folder("many.h5"));
    int last = 0;
    OK(rz_store_get(s, "group/with a name of some length 699", (rz_shape){RZ_I32, 0, {0}}, &last, &err));
    ck_assert_int_eq(last * 7919 % 700, 699);
    rz_store_close(s);
}
END_TEST

static void empty_folder(const char *path)
{
    char **names;
    int n;
    if (!rz_dir_list(path, &names, &n, &err)) return;
    for (int i = 0; i < n; i++) {
        char *file = rz_asprintf("%s/%s", path, names[i]);
        unlink(file);
        free(file);
        free(names[i]);
    }
    free(names);
}

static void put_zeros(rz_store *s, const char *name, int64_t n)
{
    static const char zeros[8 << 20];
    ck_assert_int_le(n, (int64_t)sizeof zeros);
    OK(rz_store_put(s, name, (rz_shape){RZ_U8, 1, {n}}, zeros, &err));
}

/* What does not fit fails at the commit. The file of before is still whole, nothing is left lying about, and the store and others after it work as if nothing had been. */
static void fill_disk(const char *path, int64_t n, int more)
{
    rz_store *s = create(path);
    put_zeros(s, "large", n);
    for (int i = 0; i < more; i++) {
        char name[32];
        snprintf(name, sizeof name, "group.%d/x", i);
        OK(rz_store_put(s, name, (rz_shape){RZ_U8, 1, {3}}, "xyz", &err));
    }
    ck_assert(!rz_store_commit(s, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    SAYS("No space left");
    rz_store_close(s);
}

START_TEST(a_full_disk_leaves_the_old_file)
{
    if (mount("tmpfs", folder, "tmpfs", 0, "size=4m") != 0) {
        printf("a_full_disk_leaves_the_old_file: SKIPPED, no tmpfs can be mounted here: %s\n", strerror(errno));
        return;
    }
    const char *path = in_folder("a.h5");
    rz_store *s = create(path);
    float x = 7;
    OK(rz_store_put(s, "x", (rz_shape){RZ_F32, 0, {0}}, &x, &err));
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    for (int round = 0; round < 3; round++) {
        fill_disk(path, 8 << 20, 100);
        fill_disk(path, (4 << 20) - 3 * 4096, 10000);
        s = open_store(path);
        x = 0;
        OK(rz_store_get(s, "x", (rz_shape){RZ_F32, 0, {0}}, &x, &err));
        ck_assert(x == 7);
        rz_store_close(s);
    }
    char **names;
    int n;
    OK(rz_dir_list(folder, &names, &n, &err));
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(names[0], "a.h5");
    free(names[0]);
    free(names);
    s = create(path);
    put_zeros(s, "fits", 2 << 20);
    OK(rz_store_commit(s, &err));
    rz_store_close(s);
    empty_folder(folder);
    ck_assert_int_eq(umount(folder), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_damage");
    TCase *all = tcase_create("store_damage");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 240);
    tcase_add_test(all, cut_files_are_rejected);
    tcase_add_test(all, every_flipped_byte_is_rejected);
    tcase_add_test(all, other_files_are_rejected);
    tcase_add_test(all, hostile_files_with_a_good_seal);
    tcase_add_test(all, lies_with_a_good_seal);
    tcase_add_test(all, ours_of_any_size_are_plain);
    tcase_add_test(all, a_full_disk_leaves_the_old_file);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
