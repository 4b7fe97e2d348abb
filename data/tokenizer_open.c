/* A tokenizer from whatever holds one. */
#include "base/file.h"
#include "base/store.h"
#include "data/tokenizer_gguf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* HDF5's first eight bytes. */
static bool is_store(const char *path)
{
    static const char signature[8] = "\x89HDF\r\n\x1a\n";
    char start[8];
    FILE *f = fopen(path, "rb");
    bool is = f && fread(start, 1, sizeof start, f) == sizeof start && memcmp(start, signature, sizeof start) == 0;
    if (f) fclose(f);
    return is;
}

static bool from_store(rz_tokenizer **out, const char *path, rz_err *err)
{
    rz_store *s;
    if (!rz_store_open(&s, path, err)) return false;
    char *json = rz_store_get_text(s, "tokenizer", err);
    bool ok = json && rz_tokenizer_parse(out, path, json, strlen(json), err);
    free(json);
    rz_store_close(s);
    return ok;
}

static bool from_gguf(rz_tokenizer **out, const char *path, rz_err *err)
{
    rz_gguf *g;
    if (!rz_gguf_open(&g, path, err)) return false;
    bool ok = rz_tokenizer_from_gguf(out, g, err);
    rz_gguf_close(g);
    return ok;
}

bool rz_tokenizer_open(rz_tokenizer **out, const char *path, rz_err *err)
{
    struct stat s;
    *out = NULL;
    if (stat(path, &s) != 0) return rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(s.st_mode)) {
        char *file = rz_asprintf("%s/tokenizer.json", path);
        bool ok = rz_tokenizer_load(out, file, err);
        free(file);
        return ok;
    }
    if (rz_gguf_is(path)) return from_gguf(out, path, err);
    return is_store(path) ? from_store(out, path, err) : rz_tokenizer_load(out, path, err);
}
