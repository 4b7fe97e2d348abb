/* Any bytes as a chat template: refused in words, or rendered (or refused in words while it runs) with marks that lie within the text. */
#include "data/jinja.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rz_arena arena;
    rz_err err = {.code = RZ_OK};
    rz_jinja *t;
    rz_jinja_output out;
    if (arena.base == NULL && !rz_arena_init(&arena, (size_t)1 << 30, &err)) abort();
    if (!rz_jinja_compile(&t, "fuzz", (const char *)data, size, &err)) {
        must_be_refused_well(&err);
        return 0;
    }
    json_t *variables = json_pack("{s:[{s:s,s:s},{s:s,s:s}],s:[i,f,b,n],s:{s:{s:s}},s:s,s:b}", "messages", "role", "user", "content", " h\xc3\xa9 <s>\n", "role",
                                  "assistant", "content", "<think>a</think>b", "l", -3, 2.5, 1, "d", "a", "b", "c", "bos_token", "<s>", "add_generation_prompt", 1);
    const json_t *marked[] = {json_object_get(json_array_get(json_object_get(variables, "messages"), 0), "content"), json_object_get(variables, "d")};
    if (rz_jinja_render(t, &(rz_jinja_input){variables, marked, 2, "2024-07-26"}, &arena, &out, &err)) {
        for (int i = 0; i < out.n_data; i++)
            if (out.data[i].start >= out.data[i].end || out.data[i].end > out.len || (i && out.data[i].start <= out.data[i - 1].end)) abort();
        if (rz_utf8_valid(out.text, out.len) != out.len) abort();
    } else {
        must_be_refused_well(&err);
    }
    rz_arena_release(&arena, 0);
    json_decref(variables);
    rz_jinja_destroy(t);
    return 0;
}
