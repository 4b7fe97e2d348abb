#include "base/mapped.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct rz_mapped {
    void *bytes; /* NULL for an empty file, which cannot be mapped */
    size_t size;
};

bool rz_mapped_open(rz_mapped **out, const char *path, rz_err *err)
{
    *out = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused below, not waited for */
    if (fd < 0) return rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    void *bytes = NULL;
    bool ok = fstat(fd, &st) == 0 || rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    if (ok && !S_ISREG(st.st_mode)) ok = rz_fail(err, RZ_EDATA, "%s is a folder, a pipe or a device, must be a file", path);
    if (ok && st.st_size > 0) {
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) ok = rz_fail(err, RZ_EIO, "cannot map the %lld bytes of %s: %s", (long long)st.st_size, path, strerror(errno));
    }
    close(fd); /* the mapping keeps the file */
    if (!ok) return false;
    rz_mapped *m = rz_calloc(1, sizeof *m);
    *m = (rz_mapped){.bytes = bytes, .size = (size_t)st.st_size};
    *out = m;
    return true;
}

const uint8_t *rz_mapped_bytes(const rz_mapped *m) { return m->bytes != NULL ? m->bytes : (const void *)""; }
int64_t rz_mapped_size(const rz_mapped *m) { return (int64_t)m->size; }

void rz_mapped_forget(const void *bytes, int64_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)bytes + page - 1) / page * page, to = ((uintptr_t)bytes + (uintptr_t)size) / page * page;
    if (to > from) madvise((void *)from, to - from, MADV_DONTNEED); /* of a file mapped to be read: its pages come back when they are asked for */
}

void rz_mapped_close(rz_mapped *m)
{
    if (m == NULL) return;
    if (m->bytes != NULL) munmap(m->bytes, m->size);
    free(m);
}
