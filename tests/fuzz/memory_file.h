/* An input as a file in memory, for parsers that read files: the path is the same for every input. */
#ifndef RZ_TESTS_FUZZ_MEMORY_FILE_H
#define RZ_TESTS_FUZZ_MEMORY_FILE_H
#include "tests/fuzz/target.h"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_fd = -1;

static inline const char *memory_file(const uint8_t *data, size_t size)
{
    static char path[32];
    if (memory_fd < 0) {
        memory_fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory_fd);
    }
    if (memory_fd < 0 || ftruncate(memory_fd, 0) != 0 || pwrite(memory_fd, data, size, 0) != (ssize_t)size) abort();
    return path;
}
#endif
