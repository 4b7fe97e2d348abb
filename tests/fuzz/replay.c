/* Feeds every file of a folder to a fuzz target: what fuzzing has found once stays found, with any compiler. replay FOLDER */
#include "base/file.h"
#include "tests/fuzz/target.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    enum { MOST = 1 << 20 };
    rz_err err;
    char **names;
    int n = 0;
    if (argc != 2 || !rz_dir_list(argv[1], &names, &n, &err) || n == 0) {
        printf("usage: replay FOLDER, which holds files\n");
        return 64;
    }
    for (int i = 0; i < n; i++) {
        char *path = rz_asprintf("%s/%s", argv[1], names[i]), *data;
        size_t len;
        if (!rz_file_read(path, MOST, &data, &len, &err)) {
            printf("%s\n", err.text);
            return 74;
        }
        uint8_t *exact = rz_malloc(len); /* without the NUL that rz_file_read adds: reading on must be seen */
        memcpy(exact, data, len);
        printf("%s\n", path); /* the last one printed is the one that ends the program */
        fflush(stdout);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
        free(data);
        free(path);
        free(names[i]);
    }
    free(names);
    printf("100%%: Checks: %d, Failures: 0, Errors: 0\n", n); /* as Check says it: ./check counts such lines, and takes their absence for a failure */
    return 0;
}
