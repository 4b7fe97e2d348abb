/* bench_tokenizer MODEL FILE.jsonl: how fast the texts of FILE ({"text": …} a line) become ids and ids texts, on one thread, nothing else in the time. A line of
 * JSON; rates are by processor time. */
#include "base/file.h"
#include "data/tokenizer_gguf.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 1 }; /* words met in a text before are remembered: more rounds would flatter us */

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef struct { char *text; size_t len; int32_t *ids; int n; } item;

static bool read_texts(const char *path, item **items, size_t *n, rz_err *err)
{
    rz_lines *lines;
    char *line;
    size_t len, room = 0;
    if (!rz_lines_open(&lines, path, 256 << 20, err)) return false;
    while (rz_lines_next(lines, &line, &len, err)) {
        json_t *row = json_loadb(line, len, JSON_ALLOW_NUL, NULL), *text = json_object_get(row, "text");
        if (*n == room) *items = rz_realloc(*items, (room = 2 * room + 64) * sizeof **items);
        (*items)[*n].len = json_string_length(text);
        (*items)[*n].text = rz_malloc(json_string_length(text) + 1);
        if (json_is_string(text)) memcpy((*items)[*n].text, json_string_value(text), json_string_length(text));
        (*n)++;
        json_decref(row);
    }
    rz_lines_close(lines);
    return err->code == RZ_OK;
}

static bool measure(const char *model, const char *path, rz_err *err)
{
    rz_tokenizer *t;
    rz_arena arena;
    item *items = NULL;
    size_t n = 0, bytes = 0, len;
    int64_t ids = 0;
    double start = cpu_s();
    if (!rz_tokenizer_open(&t, model, err)) return false;
    double load = cpu_s() - start, encode = 0, decode = 0;
    if (!rz_arena_init(&arena, (size_t)1 << 36, err) || !read_texts(path, &items, &n, err)) return false;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t mark = arena.used;
        start = cpu_s();
        for (size_t i = 0; i < n; i++) {
            if (!rz_tokenizer_encode(t, items[i].text, items[i].len, &arena, &items[i].ids, &items[i].n, err)) return false;
        }
        encode += cpu_s() - start;
        start = cpu_s();
        for (size_t i = 0; i < n; i++) {
            const size_t text = arena.used;
            rz_tokenizer_decode(t, items[i].ids, items[i].n, true, &arena, &len);
            rz_arena_release(&arena, text);
        }
        decode += cpu_s() - start;
        for (size_t i = 0; i < n; i++) bytes += items[i].len, ids += items[i].n;
        rz_arena_release(&arena, mark);
    }
    printf("{\"texts\": %zu, \"load_s\": %.2f, \"encode_mb_per_s\": %.2f, \"decode_million_ids_per_s\": %.2f}\n", n, load, (double)bytes / encode / 1e6,
           (double)ids / decode / 1e6);
    return true; /* the process ends: nothing is given back */
}

int main(int argc, char **argv)
{
    rz_err err = {0};
    if (argc == 3 && measure(argv[1], argv[2], &err)) return 0;
    fprintf(stderr, "%s\n", argc == 3 ? err.text : "usage: bench_tokenizer MODEL FILE.jsonl");
    return 1;
}
