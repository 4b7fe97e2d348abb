#include "cli/doctor.h"

#include "base/file.h"
#include "rewards/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

void rz_doctor_sandbox(rz_doctor *d)
{
    char why[512];
    rz_sandbox_level level = rz_sandbox_detect(why, sizeof why);
    if (level == RZ_SANDBOX_NAMESPACES)
        rz_doctor_say(d, RZ_WELL, "sandbox", NULL, "%s, the highest level", rz_sandbox_levels[level]);
    else
        rz_doctor_say(d, RZ_WARN, "sandbox", "only rules that run programs of the model (code_tests) ask for it: install bubblewrap and allow user namespaces, or set their level",
                      "level %s; %s", rz_sandbox_levels[level], why);
}

/* Numbers of statfs(2). */
static const struct { unsigned long type; const char *name; bool network; } systems[] = {
    {0xEF53, "ext", false}, {0x58465342, "XFS", false}, {0x9123683E, "Btrfs", false}, {0x2FC12FC1, "ZFS", false}, {0x01021994, "tmpfs", false},
    {0x794C7630, "overlay", false}, {0x6969, "NFS", true}, {0x0BD00BD0, "Lustre", true}, {0x47504653, "GPFS", true}, {0x19830326, "BeeGFS", true},
    {0x00C36400, "Ceph", true}, {0xFF534D42, "CIFS", true}, {0xFE534D42, "SMB", true}, {0x01021997, "9P", true}, {0x65735546, "FUSE", true},
};

static void look_at_system(rz_doctor *d, const char *folder)
{
    struct statfs f;
    struct statvfs v;
    const char *name = "a file system unknown to us";
    bool network = false;
    if (statfs(folder, &f) || statvfs(folder, &v))
        return;
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++)
        if ((unsigned long)f.f_type == systems[i].type) {
            name = systems[i].name;
            network = systems[i].network;
        }
    double free_gb = (double)v.f_bavail * (double)v.f_frsize / 1e9;
    bool memory = !strcmp(name, "tmpfs"), full = free_gb < 1 || (v.f_files && v.f_favail < 1000);
    const char *remedy = full ? "make room, or give out= elsewhere: a job whose checkpoint does not fit ends with 74 (train --dry-run tells sizes)"
                         : memory ? "it is memory, and gone when the machine starts anew: give out= on a disk"
                         : network ? "the checks below count; a file `stop` made on another machine may take a minute to be seen"
                                   : NULL;
    rz_doctor_say(d, remedy ? RZ_WARN : RZ_WELL, "folder", remedy, "%s: %s, %.1f GB free", folder, name, free_gb);
}

/* As a checkpoint is written: another name, write, sync, rename, sync of the folder. */
static void look_at_writing(rz_doctor *d, const char *folder)
{
    enum { BYTES = 1 << 20, TIMES = 3 };
    const double slow_s = 1;
    char *path = rz_asprintf("%s/doctor.tmp", folder), *data = rz_malloc(BYTES), *back = NULL;
    rz_err err = {0};
    size_t n = 0;
    bool ok = true;
    double best_s = 1e9;
    for (int i = 0; ok && i < TIMES; i++) {
        double start = rz_now_s();
        memset(data, 'a' + i, BYTES);
        ok = rz_file_write(path, data, BYTES, &err);
        best_s = rz_now_s() - start < best_s ? rz_now_s() - start : best_s;
    }
    ok = ok && rz_file_read(path, BYTES, &back, &n, &err) && ((n == BYTES && !memcmp(back, data, BYTES)) || rz_fail(&err, RZ_EIO, "%s: what is read is not what was written", path));
    if (!ok)
        rz_doctor_say(d, RZ_FAIL, "writing", "give out= in a folder that you may write, on a file system that can sync and rename", "%s", err.text);
    else
        rz_doctor_say(d, best_s > slow_s ? RZ_WARN : RZ_WELL, "writing", best_s > slow_s ? "every checkpoint waits for it: checkpoint.every larger, or another disk" : NULL,
                      "a megabyte written, synced and renamed into place in %.1f ms", 1000 * best_s);
    free(back);
    free(data);
    free(path);
}

/* Two jobs must not write one run directory. */
static void look_at_locking(rz_doctor *d, const char *folder)
{
    char *path = rz_asprintf("%s/doctor.lock", folder);
    rz_lock *first = NULL, *second = NULL;
    rz_err err = {0}, taken = {0};
    if (!rz_lock_take(&first, path, 0, NULL, NULL, &err))
        rz_doctor_say(d, RZ_FAIL, "locking", "mount the file system with locks (Lustre: -o flock; NFS: without nolock), or give out= elsewhere", "%s", err.text);
    else if (rz_lock_take(&second, path, 0, NULL, NULL, &taken))
        rz_doctor_say(d, RZ_FAIL, "locking", "two jobs could write one run directory: mount the file system with locks (Lustre: -o flock), or give out= elsewhere",
                      "a lock that is held can be taken again");
    else
        rz_doctor_say(d, RZ_WELL, "locking", NULL, "a second job on one run directory is refused");
    rz_lock_release(second);
    rz_lock_release(first);
    free(path);
}

static void look_inside(rz_doctor *d, const char *folder)
{
    static const char *const left[] = {"doctor.tmp", "doctor.lock"};
    char *own = rz_asprintf("%s/.rulezero-doctor-XXXXXX", folder);
    if (!mkdtemp(own)) {
        rz_doctor_say(d, RZ_FAIL, "writing", "give out= in a folder that you may write", "nothing can be made in %s: %s", folder, strerror(errno));
        free(own);
        return;
    }
    look_at_writing(d, own);
    look_at_locking(d, own);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char *path = rz_asprintf("%s/%s", own, left[i]);
        unlink(path);
        free(path);
    }
    rmdir(own);
    free(own);
}

void rz_doctor_folder(rz_doctor *d, const char *folder)
{
    struct stat st;
    if (stat(folder, &st) || !S_ISDIR(st.st_mode)) {
        rz_doctor_say(d, RZ_FAIL, "folder", "name one that is there", "%s is no folder", folder);
        return;
    }
    look_at_system(d, folder);
    look_inside(d, folder);
}
